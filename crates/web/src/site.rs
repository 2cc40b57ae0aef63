//! The app that the pages belong to.

use std::cell::Cell;

/// The app that the pages belong to. By default, the pages are an app of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site {
    /// The name of the app.
    pub name: &'static str,
    /// The URL of the app's logo.
    pub logo: Option<&'static str>,
    /// The page of the app to go to after a log-in. If there is one, the app has its own home page.
    pub after_log_in: Option<&'static str>,
}

impl Site {
    const LATCHKEY: Self = Self { name: "Latchkey", logo: None, after_log_in: None };

    /// Returns the settings that the server has written into the page. Without them, returns those
    /// of Latchkey itself.
    #[must_use]
    pub fn from_meta(
        name: Option<String>,
        logo: Option<String>,
        after_log_in: Option<String>,
    ) -> Self {
        // These are used until the document is closed.
        let filled = |content: Option<String>| {
            content.filter(|text| !text.is_empty()).map(|text| &*String::leak(text))
        };
        Self {
            name: filled(name).unwrap_or(Self::LATCHKEY.name),
            logo: filled(logo),
            after_log_in: filled(after_log_in),
        }
    }
}

thread_local! {
    static SITE: Cell<Site> = const { Cell::new(Site::LATCHKEY) };
}

/// Returns the app that the pages belong to.
pub(crate) fn site() -> Site {
    SITE.get()
}

/// Sets the app that the pages belong to, before the first page is rendered.
pub fn set_site(site: Site) {
    SITE.set(site);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_are_empty_or_missing_are_those_of_latchkey() {
        for content in [None, Some(String::new())] {
            let site = Site::from_meta(content.clone(), content.clone(), content);
            assert_eq!(site, Site::LATCHKEY);
        }
    }
}

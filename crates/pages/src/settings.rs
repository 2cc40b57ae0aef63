use accounts::{Accounts, MailMode};
use api_types::PageAvailability;
use auth_core::PasswordPolicy;

use crate::own_file::OwnFile;
use crate::template::{Filling, escape};

/// The settings of the pages.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) password_policy: PasswordPolicy,
    /// `true` if visitors can create accounts.
    pub(crate) sign_up: bool,
    pub(crate) mail: MailMode,
    /// `true` if users can log in with a code from a mail.
    pub(crate) email_sign_in: bool,
    /// The name of the app.
    pub(crate) name: String,
    pub(crate) logo: Option<OwnFile>,
    /// The stylesheet with the colours of the app.
    pub(crate) stylesheet: Option<OwnFile>,
    /// The page of the app that follows a log-in.
    pub(crate) after_log_in: Option<String>,
}

impl Settings {
    pub(crate) fn of(accounts: &Accounts) -> Self {
        let config = accounts.config();
        Self {
            password_policy: config.password_policy,
            sign_up: config.sign_up,
            mail: accounts.mail(),
            email_sign_in: config.email_sign_in,
            name: config.app_name.clone(),
            logo: None,
            stylesheet: None,
            after_log_in: None,
        }
    }

    /// Returns whether there are pages with this availability.
    pub(crate) fn has(&self, availability: PageAvailability) -> bool {
        match availability {
            PageAvailability::Always => true,
            PageAvailability::WithoutApp => self.after_log_in.is_none(),
            PageAvailability::Mail => self.mail == MailMode::On,
            PageAvailability::EmailSignIn => self.email_sign_in,
        }
    }

    /// Returns the asset that the app has added at this path.
    pub(crate) fn own_file(&self, path: &str) -> Option<&OwnFile> {
        self.logo.iter().chain(&self.stylesheet).find(|file| file.path == path)
    }

    /// Returns the texts to fill into the page.
    pub(crate) fn filling(&self) -> Filling {
        let switch = |is_on| if is_on { "on" } else { "off" }.to_owned();
        let description = match self.after_log_in {
            None => "A private page that only you can see, protected by your password.".to_owned(),
            Some(_) => format!("Log in to {}, and manage your account.", self.name),
        };
        let logo = self.logo.as_ref().map(|file| escape(&file.path));
        let stylesheet = self.stylesheet.as_ref();
        let stylesheet = stylesheet
            .map(|file| format!("<link rel=\"stylesheet\" href=\"{}\">", escape(&file.path)));
        let icon = logo.as_ref().map(|path| format!("<link rel=\"icon\" href=\"{path}\">"));
        let values = vec![
            ("app_name", escape(&self.name)),
            ("description", escape(&description)),
            ("password_min_length", self.password_policy.min_length().to_string()),
            ("sign_up", switch(self.sign_up)),
            ("mail", switch(self.mail == MailMode::On)),
            ("email_log_in", switch(self.email_sign_in)),
            ("logo", logo.unwrap_or_default()),
            ("after_log_in", escape(self.after_log_in.as_deref().unwrap_or_default())),
            ("stylesheet", stylesheet.unwrap_or_default()),
        ];
        Filling::new(values, icon)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_placeholder_of_the_page_is_filled_in() {
        let settings = Settings {
            password_policy: PasswordPolicy::default(),
            sign_up: true,
            mail: MailMode::On,
            email_sign_in: false,
            name: "Ada's <Notes> {{mail}}".to_owned(),
            logo: Some(OwnFile::new("logo.svg", "<svg>")),
            stylesheet: Some(OwnFile::new("accent.css", "a{}")),
            after_log_in: Some("/notes?a=1&b=2".to_owned()),
        };
        let template = fs::read_to_string("../web/index.html").unwrap();
        let page = settings.filling().fill(&template);
        for expected in [
            "<title>Ada&#39;s &lt;Notes&gt; {{mail}}</title>",
            "content=\"Log in to Ada&#39;s &lt;Notes&gt; {{mail}}, and manage your account.\"",
            "<meta name=\"app-name\" content=\"Ada&#39;s &lt;Notes&gt; {{mail}}\">",
            "<meta name=\"after-log-in\" content=\"/notes?a=1&amp;b=2\">",
            "<meta name=\"mail\" content=\"on\">",
            "<meta name=\"email-log-in\" content=\"off\">",
        ] {
            assert!(page.contains(expected), "{expected} in {page}");
        }
        for file in [settings.logo, settings.stylesheet].into_iter().flatten() {
            assert!(page.contains(&format!("\"{}\"", file.path)), "{} in {page}", file.path);
        }
        assert!(!page.contains("favicon"), "{page}");
        assert_eq!(page.matches("{{").count(), page.matches("{{mail}}").count(), "{page}");
    }
}

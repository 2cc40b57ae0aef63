use std::fmt;

use api::{Auth, Part};
use api_types::{PAGES, PageAvailability};
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::error::PagesError;
use crate::files::{BuiltFiles, Files};
use crate::own_file::OwnFile;
use crate::settings::Settings;
use crate::{accent, routes};

/// The parts of the API that the pages use.
const PARTS: [Part; 8] = [
    Part::SignUp,
    Part::PasswordChange,
    Part::PasswordReset,
    Part::Email,
    Part::Deletion,
    Part::PersonalData,
    Part::Sessions,
    Part::SecondFactors,
];

/// The pages, with their settings.
#[derive(Clone)]
pub struct Pages {
    files: &'static dyn Files,
    settings: Settings,
}

impl Pages {
    /// Returns the pages for these accounts. They use the [routes](Auth::routes) of `auth`. Their
    /// name is the [`app_name`](accounts::Builder::app_name) of the accounts.
    ///
    /// # Errors
    ///
    /// Returns [`PagesError::NotBuilt`] if the crate was compiled without the built pages,
    /// [`PagesError::Prefix`] if `auth` has a [prefix](Auth::prefix) other than `/api`, and
    /// [`PagesError::WithoutPart`] if it is [without](Auth::without) a part of the API that the
    /// pages use.
    pub fn new(auth: &Auth) -> Result<Self, PagesError> {
        check_routes(auth)?;
        match BuiltFiles.page() {
            Some(_) => Ok(Self::even_if_not_built(auth)),
            None => Err(PagesError::NotBuilt),
        }
    }

    /// Like [`new`](Self::new), but if the pages are not built, each page is a 503 that says how to
    /// build them.
    #[must_use]
    pub fn even_if_not_built(auth: &Auth) -> Self {
        Self { files: &BuiltFiles, settings: Settings::of(auth.accounts()) }
    }

    /// Sets the name of the app, which is in the header and the titles of the pages.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = name.into();
        self
    }

    /// Sets the logo, an SVG or PNG image. It is in the header of the pages, next to the name, and
    /// is the icon of their tabs. It should be about square, and visible on light and on dark
    /// backgrounds.
    ///
    /// # Errors
    ///
    /// Returns [`PagesError::UnknownImage`] for any other content.
    pub fn logo(mut self, image: impl Into<Vec<u8>>) -> Result<Self, PagesError> {
        self.settings.logo = Some(OwnFile::logo(image.into())?);
        Ok(self)
    }

    /// Sets the colour of links, buttons and the focus ring in the light and in the dark colour
    /// scheme, in hex: `#5b2a86`. The user's system chooses the scheme.
    ///
    /// # Errors
    ///
    /// Returns [`PagesError::LowContrast`] if the contrast of a colour to the background is below
    /// the level AA of WCAG 2.2: 4.5:1 for text, and 3:1 for controls. No colour has enough
    /// contrast in both schemes. Returns [`PagesError::NoColour`] if a text is not a colour.
    pub fn accent(mut self, light: &str, dark: &str) -> Result<Self, PagesError> {
        let css = accent::stylesheet(light, dark)?;
        self.settings.stylesheet = Some(OwnFile::new("accent.css", css));
        Ok(self)
    }

    /// Sets the page of the app to go to after a log-in, such as `/notes`. A log-in that another
    /// page has requested with `/login?next=PATH` leads to that page instead.
    ///
    /// `/` and `/private` are then not among the pages: `/` belongs to the app. Links and redirects
    /// to pages of the app load them from the server.
    ///
    /// # Errors
    ///
    /// Returns [`PagesError::AfterLogIn`] if this is not a path on the same origin, in printable
    /// ASCII, or if it is the path of one of the pages.
    pub fn after_log_in(mut self, path: impl Into<String>) -> Result<Self, PagesError> {
        let path = path.into();
        if !is_path_of_app(&path) {
            return Err(PagesError::AfterLogIn { path });
        }
        self.settings.after_log_in = Some(path);
        Ok(self)
    }

    /// Returns the routes of the pages and their assets, and of `/.well-known/change-password`.
    ///
    /// They match every path: any other path gets a page with the status 404. So they must come
    /// last, after [`Auth::api_not_found`](api::Auth::api_not_found). Their responses have the
    /// [security headers](crate::security_headers()).
    #[must_use]
    pub fn routes(&self) -> BoxedFilter<(Response,)> {
        routes::routes(self.files, self.settings.clone())
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("name", &self.settings.name).finish_non_exhaustive()
    }
}

/// Rejects an API that the pages cannot use.
fn check_routes(auth: &Auth) -> Result<(), PagesError> {
    let prefix = auth.path_prefix();
    if prefix != "/api" {
        return Err(PagesError::Prefix { prefix: prefix.to_owned() });
    }
    match PARTS.into_iter().find(|part| !auth.serves(*part)) {
        Some(part) => Err(PagesError::WithoutPart { part }),
        None => Ok(()),
    }
}

/// Returns whether this is a path on the same origin that the app can have a page at. A second
/// slash or a backslash would begin a host.
fn is_path_of_app(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    let is_local =
        !rest.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let page = path.split(['?', '#']).next().unwrap_or_default();
    let is_page = PAGES.iter().any(|ours| {
        ours.availability != PageAvailability::WithoutApp && ours.path == page.trim_end_matches('/')
    });
    is_local && !is_page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_pages_need_the_api_that_they_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.db");
        let auth = Auth::builder().sqlite(path).public_url("http://localhost:3000").build();
        let auth = auth.await.unwrap();
        let unused = [Part::KeySet, Part::Health, Part::OpenApi];
        assert_eq!(check_routes(&unused.into_iter().fold(auth.clone(), Auth::without)), Ok(()));
        for part in PARTS {
            let error = check_routes(&auth.clone().without(part)).unwrap_err();
            assert_eq!(error, PagesError::WithoutPart { part });
            assert!(error.to_string().contains(&format!("Part::{part:?}")), "{error}");
        }
        let error = check_routes(&auth.prefix("/auth").unwrap()).unwrap_err();
        assert_eq!(error, PagesError::Prefix { prefix: "/auth".to_owned() });
    }

    #[test]
    fn the_page_after_the_log_in_is_a_path_of_the_app() {
        for path in ["/", "/notes", "/notes/7?tab=2#top", "/private", "/login-help", "/a%20b"] {
            assert!(is_path_of_app(path), "{path}");
        }
        for path in [
            "",
            "notes",
            "//example.com",
            "/\\example.com",
            "/a\\b",
            "/\t/example.com",
            "/a b",
            "/é",
            "https://example.com/",
            "javascript:alert(1)",
            "/login",
            "/login/",
            "/settings?next=/notes",
            "/signup#top",
        ] {
            assert!(!is_path_of_app(path), "{path}");
        }
    }
}

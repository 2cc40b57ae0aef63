//! The routes, and the state that a navigation passes to a page.
//!
//! The router keeps that state in the tab's memory. The browser's history, which is written to
//! disk, contains only a number that refers to it.

use std::fmt;

use serde::{Deserialize, Serialize};
use yew::AttrValue;
use yew_router::history::Location;
use yew_router::navigator::Navigator;
use yew_router::query::{FromQuery as _, Raw};
use yew_router::{AnyRoute, Routable};

/// A page of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Routable)]
pub enum Route {
    /// The public home page.
    #[at("/")]
    Home,
    /// The sign-up page.
    #[at("/signup")]
    Signup,
    /// The log-in page.
    #[at("/login")]
    Login,
    /// The private page.
    #[at("/private")]
    Private,
    /// The settings page.
    #[at("/settings")]
    Settings,
    /// The page that requests a mail with a link to reset the password.
    #[at("/forgot")]
    Forgot,
    /// The page that such a link opens.
    #[at("/reset")]
    Reset,
    /// The page that verifies the email address.
    #[at("/verify")]
    Verify,
    /// The page for logging in with a code from a mail.
    #[at("/login/email")]
    EmailLogin,
    /// The page for any other path.
    #[not_found]
    #[at("/404")]
    NotFound,
}

/// The router state of the pages for logging in, and of the page that requests a reset link. An
/// email address belongs neither in a URL nor in storage, so it is passed here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoginState {
    /// The initial content of the email field.
    pub email: AttrValue,
    /// The message above the form.
    pub notice: Option<LoginNotice>,
    /// The router state of the page to go to after the log-in.
    pub link: MailLink,
}

/// The content of a link in a mail, which is the router state of the page that the link opens. It
/// is empty if no link has opened the page.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct MailLink {
    /// The reset token, the code or the invitation.
    #[serde(alias = "code", alias = "invitation")]
    pub token: String,
    /// The email address of the account, if the link contains it.
    pub email: String,
}

impl MailLink {
    /// Reads the fragment of a URL, with or without its `#`. Returns an empty link if it is not the
    /// fragment of a link from a mail.
    pub(crate) fn parse(fragment: &str) -> Self {
        Self::from_query(fragment.trim_start_matches('#')).unwrap_or_default()
    }
}

/// Leaves out the content, because it is secret.
impl fmt::Debug for MailLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailLink").finish_non_exhaustive()
    }
}

/// The reason for sending the user to the log-in page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginNotice {
    /// An account was created.
    AccountCreated,
    /// The server did not confirm that the session has ended.
    SignOutUnconfirmed,
    /// The session has expired or was ended.
    SessionEnded,
    /// Another user has signed in from another tab.
    OtherUser,
    /// The page that verifies the email address was opened.
    VerifyEmail,
    /// The password was reset.
    PasswordReset,
}

/// The router state of the home page after the user has deleted their account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountDeleted;

/// The query of the log-in page.
#[derive(Serialize, Deserialize)]
struct LoginQuery {
    /// The URL to go to after the log-in, relative to this origin.
    next: Option<String>,
}

/// Replaces the page at `location` with the log-in page, which returns to `location` after the
/// log-in, with the content of the link that has opened it.
pub(crate) fn redirect_to_login(
    navigator: &Navigator,
    location: &Location,
    notice: Option<LoginNotice>,
) {
    let next = [location.path(), location.query_str(), location.hash()].concat();
    let link = mail_link(location);
    let is_verification = location.path() == Route::Verify.to_path();
    let notice = notice.or(is_verification.then_some(LoginNotice::VerifyEmail));
    let state = LoginState { notice, link, ..LoginState::default() };
    let query = LoginQuery { next: Some(next) };
    // This fails only if the query cannot be encoded, but a string can always be encoded.
    let _ = navigator.replace_with_query_and_state(&Route::Login, query, state);
}

/// Goes from one page for logging in to another, or to the page that requests a reset link. The
/// other page has the email address that was entered on this one or before, and a log-in then leads
/// to the same page.
pub(crate) fn push_other_login(
    navigator: &Navigator,
    location: &Location,
    to: Route,
    email: Option<AttrValue>,
) {
    let state = location.state::<LoginState>().map(|state| (*state).clone()).unwrap_or_default();
    let email = email.unwrap_or_else(|| state.email.clone());
    let query = Raw(location.query_str().trim_start_matches('?'));
    // This cannot fail: the query is encoded already.
    let _ = navigator.push_with_query_and_state(
        &to,
        query,
        LoginState { email, notice: None, ..state },
    );
}

/// Returns the content of the link that has opened the page at `location`.
pub(crate) fn mail_link(location: &Location) -> MailLink {
    location.state::<MailLink>().map(|link| (*link).clone()).unwrap_or_default()
}

/// Returns the page to go to after a log-in at `location`. A duplicated `next` is ignored.
#[must_use]
pub fn destination(location: &Location) -> AnyRoute {
    let next = location.query::<LoginQuery>().ok().and_then(|query| query.next);
    match next {
        Some(next) if is_local_path(&next) => AnyRoute::new(next),
        _ => AnyRoute::new(Route::Private.to_path()),
    }
}

/// Returns whether every browser resolves `next` to a URL on this origin.
///
/// In the URL standard, a single leading slash starts a path, but a second slash or a backslash
/// would start a host. Control characters are rejected because URL parsers remove tabs and line
/// breaks: `/<TAB>/example.com` is `//example.com`.
fn is_local_path(next: &str) -> bool {
    let Some(rest) = next.strip_prefix('/') else { return false };
    !rest.starts_with('/') && !next.contains(|c: char| c == '\\' || c.is_control())
}

#[cfg(test)]
mod tests {
    use api_types::PAGES;
    use yew_router::history::{History as _, MemoryHistory};
    use yew_router::query::Raw;

    use super::*;

    fn destination_of(query: &str) -> String {
        let history = MemoryHistory::new();
        history.push_with_query("/login", Raw(query)).unwrap();
        destination(&history.location()).to_path()
    }

    #[test]
    fn the_routes_are_the_paths_that_the_server_serves() {
        let mut paths = Route::routes();
        paths.retain(|path| *path != Route::NotFound.to_path());
        let served = PAGES.iter();
        let served: Vec<_> = served.map(|page| page.path).collect();
        assert_eq!(paths, served);
    }

    #[test]
    fn the_fragment_of_a_link_from_a_mail_is_parsed() {
        let link = MailLink::parse("#token=K7QM-2XRD&email=ada%2Blist%40example.com");
        assert_eq!((&*link.token, &*link.email), ("K7QM-2XRD", "ada+list@example.com"));
        let link = MailLink::parse("#code=K7QM-2XRD");
        assert_eq!((&*link.token, &*link.email), ("K7QM-2XRD", ""));
        for fragment in ["", "#", "#main", "#token=a&token=b", "#token=a&code=b"] {
            assert!(MailLink::parse(fragment) == MailLink::default(), "{fragment}");
        }
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let link = MailLink::parse("#code=K7QM-2XRD");
        assert!(!format!("{link:?}").contains("K7QM"));
    }

    #[test]
    fn paths_map_to_routes() {
        use Route::{EmailLogin, Forgot, NotFound, Reset, Verify};
        use Route::{Home, Login, Private, Settings, Signup};
        for route in [Home, Signup, Login, Private, Settings, NotFound] {
            assert_eq!(Route::recognize(&route.to_path()), Some(route));
        }
        for route in [Forgot, Reset, Verify, EmailLogin] {
            assert_eq!(Route::recognize(&route.to_path()), Some(route));
        }
        for path in ["/LOGIN", "/private/deeper", "/login/deeper/"] {
            assert_eq!(Route::recognize(path), Some(NotFound), "{path}");
        }
        assert_eq!(Route::recognize("/login/"), Some(Login));
    }

    #[test]
    fn a_next_on_this_origin_is_the_destination() {
        assert_eq!(destination_of("next=%2Fprivate"), "/private");
        assert_eq!(destination_of("next=%2Fsettings%3Ftab%3D2%23top"), "/settings?tab=2#top");
        assert_eq!(destination_of("next=/"), "/");
        assert_eq!(destination_of("other=1&next=%2Fa%20b%2F%2Fc"), "/a b//c");
    }

    #[test]
    fn a_next_that_occurs_twice_is_ignored() {
        assert_eq!(destination_of("next=%2Fsettings&next=%2Fsettings"), "/private");
    }

    #[test]
    fn a_next_that_could_leave_this_origin_is_ignored() {
        for next in [
            "https%3A%2F%2Fexample.com",
            "%2F%2Fexample.com",
            "%2F%5Cexample.com",
            "%5C%5Cexample.com",
            "%2Fa%5Cb",
            "%2F%09%2Fexample.com",
            "%2F%0A%2Fexample.com",
            "%2F%0D%2Fexample.com",
            "%2F%00",
            "%20%2Fprivate%2F..",
            "javascript%3Aalert(1)",
            "settings",
            "",
        ] {
            assert_eq!(destination_of(&format!("next={next}")), "/private", "{next}");
        }
    }

    #[test]
    fn a_missing_or_duplicated_next_leads_to_the_private_page() {
        assert_eq!(destination_of(""), "/private");
        assert_eq!(destination_of("next"), "/private");
        assert_eq!(destination_of("next=%2Fa&next=%2Fb"), "/private");
    }
}

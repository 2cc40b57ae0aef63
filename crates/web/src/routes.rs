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
use yew_session::safe_next;

use crate::site::site;
use crate::{browser, storage};

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

impl Route {
    /// Returns the URL of the page that the app has in place of this one.
    pub(crate) fn page_of_app(self) -> Option<&'static str> {
        let after_log_in = site().after_log_in?;
        match self {
            Self::Home => Some("/"),
            Self::Private => Some(after_log_in),
            _ => None,
        }
    }

    /// Returns whether the router state of this page is a [`LoginState`].
    pub(crate) const fn has_login_state(self) -> bool {
        matches!(self, Self::Login | Self::EmailLogin | Self::Forgot | Self::Signup)
    }
}

/// The router state of the pages for logging in and signing up, and of the page that requests a
/// reset link. An email address belongs neither in a URL nor in storage, so it is passed here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoginState {
    /// The initial content of the email field.
    pub email: AttrValue,
    /// `true` if the user has chosen to stay signed in.
    pub remember: bool,
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

/// Returns the state of a page that has a [`LoginState`].
pub(crate) fn login_state(location: &Location) -> LoginState {
    location.state::<LoginState>().map(|state| (*state).clone()).unwrap_or_default()
}

/// Goes from one of the pages with a [`LoginState`] to another. A log-in there leads to the same
/// page as one here.
pub(crate) fn push_other_login(
    navigator: &Navigator,
    location: &Location,
    to: Route,
    state: LoginState,
) {
    // This cannot fail: the query is encoded already.
    let _ = navigator.push_with_query_and_state(&to, query(location), state);
}

/// Replaces the sign-up page with the log-in page. A log-in there leads to the same page as one
/// before the sign-up.
pub(crate) fn follow_sign_up(navigator: &Navigator, location: &Location, email: AttrValue) {
    let notice = Some(LoginNotice::AccountCreated);
    let state = LoginState { email, notice, ..login_state(location) };
    let _ = navigator.replace_with_query_and_state(&Route::Login, query(location), state);
}

fn query(location: &Location) -> Raw<&str> {
    Raw(location.query_str().trim_start_matches('?'))
}

/// Returns the content of the link that has opened the page at `location`.
pub(crate) fn mail_link(location: &Location) -> MailLink {
    location.state::<MailLink>().map(|link| (*link).clone()).unwrap_or_default()
}

/// Goes to the page that follows a log-in at `location`.
pub(crate) fn follow_log_in(navigator: &Navigator, location: &Location) {
    let next = destination(location);
    if is_page_of_app(&next) {
        browser::replace_document(&next);
    } else {
        let state = location.state::<LoginState>().unwrap_or_default();
        navigator.replace_with_state::<AnyRoute, _>(&AnyRoute::new(next), state.link.clone());
    }
}

/// Leaves a page for signed-out users at `location`, because the user is signed in. Returns `false`
/// if the app has just sent the user back from the page to leave for, for example because it
/// requires a recent log-in. Leaving for it again would be an endless loop.
pub(crate) fn leave_for_signed_in(navigator: &Navigator, location: &Location) -> bool {
    let Some(page) = Route::Private.page_of_app() else {
        navigator.replace(&Route::Private);
        return true;
    };
    let next = destination(location);
    let page = if is_page_of_app(&next) { &next } else { page };
    let leaves = storage::set_left_for(page);
    if leaves {
        browser::replace_document(page);
    }
    leaves
}

/// Returns the path of the page to go to after a log-in at `location`. A duplicated `next` is
/// ignored.
fn destination(location: &Location) -> String {
    let next = location.query::<LoginQuery>().ok().and_then(|query| query.next);
    match next {
        Some(next) if safe_next(&next).is_some() => next,
        _ => Route::Private.page_of_app().map_or_else(|| Route::Private.to_path(), str::to_owned),
    }
}

/// Returns whether the path is that of a page that the server has to load, because it belongs to
/// the app.
fn is_page_of_app(path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let route = Route::recognize(path).unwrap_or(Route::NotFound);
    site().after_log_in.is_some() && (route == Route::NotFound || route.page_of_app().is_some())
}

#[cfg(test)]
mod tests {
    use api_types::PAGES;
    use yew_router::history::{History as _, MemoryHistory};
    use yew_router::query::Raw;

    use super::*;
    use crate::site::{Site, set_site};

    fn destination_of(query: &str) -> String {
        let history = MemoryHistory::new();
        history.push_with_query("/login", Raw(query)).unwrap();
        destination(&history.location())
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

    fn belong_to_an_app() {
        let name = "Notes";
        set_site(Site { name, logo: None, after_log_in: Some("/notes?new") });
    }

    #[test]
    fn without_a_next_a_log_in_leads_to_the_page_of_the_app() {
        belong_to_an_app();
        for query in ["", "next=//example.com", "next=/a&next=/b"] {
            assert_eq!(destination_of(query), "/notes?new", "{query}");
        }
        assert_eq!(destination_of("next=/notes/7"), "/notes/7");
    }

    #[test]
    fn only_other_paths_than_those_of_the_pages_belong_to_the_app() {
        let of_app = ["/", "/private", "/notes", "/notes?new", "/settings/x", "/login-help#a"];
        let ours = ["/settings", "/settings?a=/notes#b", "/login/", "/verify#code=x"];
        for path in of_app.iter().chain(&ours) {
            assert!(!is_page_of_app(path), "{path}");
        }
        belong_to_an_app();
        assert!(of_app.iter().all(|path| is_page_of_app(path)));
        assert!(!ours.iter().any(|path| is_page_of_app(path)));
    }

    #[test]
    fn a_missing_or_duplicated_next_leads_to_the_private_page() {
        assert_eq!(destination_of(""), "/private");
        assert_eq!(destination_of("next"), "/private");
        assert_eq!(destination_of("next=%2Fa&next=%2Fb"), "/private");
    }
}

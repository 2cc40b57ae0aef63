//! The routes, and the state that travels with a navigation.
//!
//! The router keeps that state in the memory of the tab. The browser's history, which is written
//! to the disk, holds only a number.

use serde::{Deserialize, Serialize};
use yew::AttrValue;
use yew_router::history::Location;
use yew_router::navigator::Navigator;
use yew_router::{AnyRoute, Routable};

/// A page of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Routable)]
pub enum Route {
    /// The front page.
    #[at("/")]
    Home,
    /// Creates an account.
    #[at("/signup")]
    Signup,
    /// Begins a session.
    #[at("/login")]
    Login,
    /// The user's own page.
    #[at("/private")]
    Private,
    /// The user's settings.
    #[at("/settings")]
    Settings,
    /// The page of every other path.
    #[not_found]
    #[at("/404")]
    NotFound,
}

/// What the log-in page knows about how its visitor arrived. An email address belongs neither in
/// a URL nor in storage, so it is not in the query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoginState {
    /// The initial content of the email field.
    pub email: AttrValue,
    /// The message above the form.
    pub notice: Option<LoginNotice>,
}

/// Something that happened on the way to the log-in page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginNotice {
    /// An account was created.
    AccountCreated,
    /// The server did not confirm that the session has ended.
    SignOutUnconfirmed,
    /// The session has expired or was ended.
    SessionEnded,
    /// Another user has signed in in another tab.
    OtherUser,
}

/// Tells the front page that its visitor has just deleted their account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountDeleted;

/// The query of the log-in page.
#[derive(Serialize, Deserialize)]
struct LoginQuery {
    /// The page that was requested without a session.
    next: Option<String>,
}

/// Replaces the page at `location` with the log-in page, which leads back there.
pub(crate) fn redirect_to_login(
    navigator: &Navigator,
    location: &Location,
    notice: Option<LoginNotice>,
) {
    let next = [location.path(), location.query_str(), location.hash()].concat();
    let state = LoginState { notice, ..LoginState::default() };
    let query = LoginQuery { next: Some(next) };
    // The only failure is a query that cannot be encoded, and text always can.
    let _ = navigator.replace_with_query_and_state(&Route::Login, query, state);
}

/// Returns where a log-in at `location` leads. A `next` that is given twice does not count.
#[must_use]
pub fn destination(location: &Location) -> AnyRoute {
    let next = location.query::<LoginQuery>().ok().and_then(|query| query.next);
    match next {
        Some(next) if is_local_path(&next) => AnyRoute::new(next),
        _ => AnyRoute::new(Route::Private.to_path()),
    }
}

/// Whether a browser that resolves `next` stays on this origin.
///
/// After a single slash, the URL standard's parser can only be in a path. A second slash or a
/// backslash would begin a host. Control characters are refused because the parser drops tabs and
/// line breaks: `/<TAB>/example.com` is `//example.com`.
fn is_local_path(next: &str) -> bool {
    let Some(rest) = next.strip_prefix('/') else { return false };
    !rest.starts_with('/') && !next.contains(|c: char| c == '\\' || c.is_control())
}

#[cfg(test)]
mod tests {
    use yew_router::history::{History as _, MemoryHistory};
    use yew_router::query::Raw;

    use super::*;

    fn destination_of(query: &str) -> String {
        let history = MemoryHistory::new();
        history.push_with_query("/login", Raw(query)).unwrap();
        destination(&history.location()).to_path()
    }

    #[test]
    fn the_server_knows_the_same_pages() {
        let mut paths = Route::routes();
        paths.retain(|path| *path != Route::NotFound.to_path());
        assert_eq!(paths, api_types::PAGE_PATHS);
    }

    #[test]
    fn a_path_leads_to_its_route() {
        use Route::{Home, Login, NotFound, Private, Settings, Signup};
        for route in [Home, Signup, Login, Private, Settings, NotFound] {
            assert_eq!(Route::recognize(&route.to_path()), Some(route));
        }
        for path in ["/LOGIN", "/private/deeper", "/login/deeper/"] {
            assert_eq!(Route::recognize(path), Some(NotFound), "{path}");
        }
        assert_eq!(Route::recognize("/login/"), Some(Login));
    }

    #[test]
    fn a_path_of_this_origin_is_the_destination() {
        assert_eq!(destination_of("next=%2Fprivate"), "/private");
        assert_eq!(destination_of("next=%2Fsettings%3Ftab%3D2%23top"), "/settings?tab=2#top");
        assert_eq!(destination_of("next=/"), "/");
        assert_eq!(destination_of("other=1&next=%2Fa%20b%2F%2Fc"), "/a b//c");
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
    fn without_a_single_next_the_destination_is_the_private_page() {
        assert_eq!(destination_of(""), "/private");
        assert_eq!(destination_of("next"), "/private");
        assert_eq!(destination_of("next=%2Fa&next=%2Fb"), "/private");
    }
}

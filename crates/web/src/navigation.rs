//! Moves between addresses.
//!
//! All of it runs in event handlers and effects, hence in a browser only.

use std::rc::Rc;

use form_urlencoded::byte_serialize;
use yew::AttrValue;

use crate::history::{self, Location};
use crate::route::Route;

/// What the log-in page should know about how its visitor came there. It travels in
/// memory: an e-mail address belongs neither in a URL nor in a storage.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Arrival {
    /// What to fill in.
    pub email: AttrValue,
    /// What to say.
    pub notice: Option<Notice>,
}

/// What the query of the log-in page calls the page that was asked for before.
const NEXT: &str = "next";

/// Something that happened on the way to the log-in page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// The account was made.
    AccountCreated,
    /// The server could not be told that the session is over.
    LogOutUncertain,
    /// The server does not know the session any more.
    SessionOver,
    /// Somebody else has logged in in another tab.
    SomebodyElse,
}

/// What the front page should know: its visitor's account is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Farewell;

/// Whether the current address is that of `route`.
#[must_use]
pub fn is_at(route: Route) -> bool {
    Route::at(history::current().path()) == route
}

/// Goes to the current address once more, with its query and what it was told.
pub fn stay() {
    let location = history::current();
    history::replace(&location.url(), location.told);
}

/// Goes to `route`.
pub fn push(route: Route) {
    history::push(route.path(), None);
}

/// Goes to the log-in page with something to tell it.
pub fn push_login(arrival: Arrival) {
    history::push(Route::Login.path(), Some(Rc::new(arrival)));
}

/// Puts `route` in the place of the current address.
pub fn replace(route: Route) {
    history::replace(route.path(), None);
}

/// Puts the log-in page in the place of the current address, with something to tell it.
pub fn replace_with_login(arrival: Arrival) {
    history::replace(Route::Login.path(), Some(Rc::new(arrival)));
}

/// Puts the log-in page in the place of the current address, and lets it lead back there.
pub fn replace_with_detour_to_login(notice: Option<Notice>) {
    let next: String = byte_serialize(history::current().url().as_bytes()).collect();
    let url = format!("{}?{NEXT}={next}", Route::Login.path());
    history::replace(&url, Some(Rc::new(Arrival { notice, ..Arrival::default() })));
}

/// Puts the front page in the place of the current address, to take leave of its visitor.
pub fn replace_with_farewell() {
    history::replace(Route::Home.path(), Some(Rc::new(Farewell)));
}

/// Puts the page that was asked for before the log-in in the place of the current address.
pub fn replace_with_destination(next: &str) {
    history::replace(next, None);
}

/// Where the log-in at `location` leads to. Of two answers, neither counts.
#[must_use]
pub fn destination(location: &Location) -> String {
    match &*location.query(NEXT) {
        [next] if is_local_path(next) => next.clone(),
        _ => Route::Private.path().to_owned(),
    }
}

/// Whether a browser that resolves `next` stays on this origin.
///
/// After a single slash the URL standard's parser can only be in a path. A second slash
/// or a backslash would begin a host, and control characters have to be refused because
/// the parser drops tabs and line breaks: `/<TAB>/example.com` is `//example.com`.
fn is_local_path(next: &str) -> bool {
    let Some(rest) = next.strip_prefix('/') else { return false };
    !rest.starts_with('/') && !next.contains(|c: char| c == '\\' || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destination_of(query: &str) -> String {
        destination(&Location::new("/login", query))
    }

    #[test]
    fn a_path_of_this_origin_is_where_the_log_in_leads() {
        assert_eq!(destination_of("next=%2Fprivate"), "/private");
        assert_eq!(destination_of("next=%2Fsettings%3Ftab%3D2%23top"), "/settings?tab=2#top");
        assert_eq!(destination_of("next=/"), "/");
        assert_eq!(destination_of("other=1&next=%2Fa%20b%2F%2Fc"), "/a b//c");
    }

    #[test]
    fn what_could_leave_this_origin_is_ignored() {
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
    fn without_a_next_the_log_in_leads_to_the_private_page() {
        assert_eq!(destination_of(""), "/private");
        assert_eq!(destination_of("next"), "/private");
        assert_eq!(destination_of("next=%2Fa&next=%2Fb"), "/private");
    }
}

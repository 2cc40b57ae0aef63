//! The addresses, and the page that each of them shows.

use auth_core::PasswordPolicy;
use yew::prelude::*;

use crate::guard::{PrivateOnly, SignedOutOnly};
use crate::history::Location;
use crate::pages::{AccountPage, LoginPage, SettingsPage, SignupPage, home_page, not_found_page};
use crate::session::SessionHandle;
use api_types::User;

/// An address of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// For everybody.
    Home,
    /// For those who have no account yet.
    Signup,
    /// For those who have one.
    Login,
    /// For those who are signed in.
    Private,
    /// For them too: what they can do about their account.
    Settings,
    /// Any other address.
    NotFound,
}

impl Route {
    /// What is at this path, which may end in a slash.
    #[must_use]
    pub fn at(path: &str) -> Self {
        match path.strip_suffix('/').unwrap_or(path) {
            "" => Self::Home,
            "/signup" => Self::Signup,
            "/login" => Self::Login,
            "/private" => Self::Private,
            "/settings" => Self::Settings,
            _ => Self::NotFound,
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Home => "/",
            Self::Signup => "/signup",
            Self::Login => "/login",
            Self::Private => "/private",
            Self::Settings => "/settings",
            Self::NotFound => "/404",
        }
    }
}

/// The page at `route`, behind the guard that it needs.
pub(crate) fn page(
    route: Route,
    location: &Location,
    session: &SessionHandle,
    policy: PasswordPolicy,
) -> Html {
    match route {
        Route::Home => home_page(location, session.may_be_signed_in()),
        Route::Signup => {
            html! { <SignedOutOnly render={move |()| html! { <SignupPage {policy} /> }} /> }
        }
        Route::Login => {
            let location = location.clone();
            let render = move |()| html! { <LoginPage location={location.clone()} /> };
            html! { <SignedOutOnly {render} /> }
        }
        // The keys make a visit of each: without them, one guard would stand before both, and
        // have the server's word from before.
        Route::Private => html! {
            <PrivateOnly key="private" render={|user: User| html! { <AccountPage {user} /> }} />
        },
        Route::Settings => {
            let render = move |user: User| html! { <SettingsPage {user} {policy} /> };
            html! { <PrivateOnly key="settings" {render} /> }
        }
        Route::NotFound => not_found_page(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_the_route_that_it_is_of() {
        use Route::{Home, Login, NotFound, Private, Settings, Signup};
        for route in [Home, Signup, Login, Private, Settings, NotFound] {
            assert_eq!(Route::at(route.path()), route);
        }
        for path in ["/LOGIN", "/login//", "/private/deeper"] {
            assert_eq!(Route::at(path), NotFound, "{path}");
        }
        assert_eq!(Route::at("/login/"), Login);
    }
}

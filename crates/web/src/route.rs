//! The addresses, and the page that each of them shows.

use auth_core::PasswordPolicy;
use yew::prelude::*;
use yew_router::Routable;

use crate::guard::{PrivateOnly, SignedOutOnly};
use crate::pages::{AccountPage, HomePage, LoginPage, NotFoundPage, SignupPage};

/// An address of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Routable)]
pub enum Route {
    /// For everybody.
    #[at("/")]
    Home,
    /// For those who have no account yet.
    #[at("/signup")]
    Signup,
    /// For those who have one.
    #[at("/login")]
    Login,
    /// For those who are signed in.
    #[at("/private")]
    Private,
    /// Any other address.
    #[not_found]
    #[at("/404")]
    NotFound,
}

/// The page at `route`, behind the guard that it needs.
pub fn switch(route: &Route, password_policy: PasswordPolicy) -> Html {
    match route {
        Route::Home => html! { <HomePage /> },
        Route::Signup => html! {
            <SignedOutOnly><SignupPage policy={password_policy} /></SignedOutOnly>
        },
        Route::Login => html! {
            <SignedOutOnly><LoginPage /></SignedOutOnly>
        },
        Route::Private => html! {
            <PrivateOnly render={|user| html! { <AccountPage {user} /> }} />
        },
        Route::NotFound => html! { <NotFoundPage /> },
    }
}

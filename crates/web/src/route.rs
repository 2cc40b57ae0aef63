//! The addresses, and the page that each of them shows.

use auth_core::PasswordPolicy;
use yew::prelude::*;
use yew_router::Routable;

use crate::guard::{Opened, PrivateOnly, SignedOutOnly};
use crate::pages::{HomePage, LoginPage, NotFoundPage, SignupPage};

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
    /// For them too: what they can do about their account.
    #[at("/settings")]
    Settings,
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
        // The keys make a visit of each: without them, one guard would stand before both, and
        // have the server's word from before.
        Route::Private => html! {
            <PrivateOnly key="private" render={|(pages, user): Opened| pages.account(user)} />
        },
        Route::Settings => {
            let render = move |(pages, user): Opened| pages.settings(user, password_policy);
            html! { <PrivateOnly key="settings" {render} /> }
        }
        Route::NotFound => html! { <NotFoundPage /> },
    }
}

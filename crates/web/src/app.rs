use api_types::User;
use auth_core::PasswordPolicy;
use yew::prelude::*;
use yew_router::history::AnyHistory;
use yew_router::{Router, Switch};

use crate::frame::Frame;
use crate::guards::{PrivateOnly, SignedOutOnly};
use crate::pages::{Home, Login, NotFound, Private, Settings, Signup, SignupOff};
use crate::routes::Route;
use crate::session::{Session, SessionProvider};
use crate::sign_up::SignUp;

/// Properties of [`App`].
#[derive(Properties, PartialEq)]
pub struct AppProps {
    /// The browser's history, or an in-memory history in tests.
    pub history: AnyHistory,
    /// The server's rules for a new password.
    pub password_policy: PasswordPolicy,
    /// The sign-up setting of the server.
    pub sign_up: SignUp,
    /// The initial state of the session, before the server's first response.
    pub session: Session,
}

/// The whole application.
#[component]
pub fn App(props: &AppProps) -> Html {
    let (policy, sign_up) = (props.password_policy, props.sign_up);
    let settings = (policy, sign_up);
    let render =
        use_callback(settings, |route, (policy, sign_up)| switch(route, *policy, *sign_up));
    html! {
        <Router history={props.history.clone()}>
            <SessionProvider initial={props.session.clone()}>
                <Frame {sign_up}>
                    <Switch<Route> {render} />
                </Frame>
            </SessionProvider>
        </Router>
    }
}

/// Returns the page of a route, with its guard.
fn switch(route: Route, policy: PasswordPolicy, sign_up: SignUp) -> Html {
    match route {
        Route::Home => html! { <Home {sign_up} /> },
        Route::Signup => {
            let render = move |()| match sign_up {
                SignUp::On => html! { <Signup {policy} /> },
                SignUp::Off => html! { <SignupOff /> },
            };
            html! { <SignedOutOnly {render} /> }
        }
        Route::Login => {
            let render = move |()| html! { <Login {sign_up} /> };
            html! { <SignedOutOnly {render} /> }
        }
        // Without keys, Yew would use one guard for both pages and keep its state. With keys,
        // the session is checked again at each navigation.
        Route::Private => {
            let render = |user: User| html! { <Private {user} /> };
            html! { <PrivateOnly key="private" {render} /> }
        }
        Route::Settings => {
            let render = move |user: User| html! { <Settings {user} {policy} /> };
            html! { <PrivateOnly key="settings" {render} /> }
        }
        Route::NotFound => html! { <NotFound /> },
    }
}

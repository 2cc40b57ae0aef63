use api_types::User;
use auth_core::PasswordPolicy;
use yew::prelude::*;
use yew_router::history::AnyHistory;
use yew_router::{Router, Switch};

use crate::frame::Frame;
use crate::guards::{PrivateOnly, SignedOutOnly};
use crate::pages::{Home, Login, NotFound, Private, Settings, Signup};
use crate::routes::Route;
use crate::session::{Session, SessionProvider};

/// Properties of [`App`].
#[derive(Properties, PartialEq)]
pub struct AppProps {
    /// The browser's history, or an in-memory history in tests.
    pub history: AnyHistory,
    /// The server's rules for a new password.
    pub password_policy: PasswordPolicy,
    /// The initial state of the session, before the server's first response.
    pub session: Session,
}

/// The whole application.
#[component]
pub fn App(props: &AppProps) -> Html {
    let policy = props.password_policy;
    let render = use_callback(policy, |route, policy| switch(route, *policy));
    html! {
        <Router history={props.history.clone()}>
            <SessionProvider initial={props.session.clone()}>
                <Frame>
                    <Switch<Route> {render} />
                </Frame>
            </SessionProvider>
        </Router>
    }
}

/// Returns the page of a route, with its guard.
fn switch(route: Route, policy: PasswordPolicy) -> Html {
    match route {
        Route::Home => html! { <Home /> },
        Route::Signup => {
            let render = move |()| html! { <Signup {policy} /> };
            html! { <SignedOutOnly {render} /> }
        }
        Route::Login => html! { <SignedOutOnly render={|()| html! { <Login /> }} /> },
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

use auth_core::PasswordPolicy;
use yew::prelude::*;
use yew_router::{Router, Switch, history::AnyHistory};

use crate::frame::Frame;
use crate::route::{Route, switch};
use crate::session::{Session, SessionProvider};

/// What the application is started with.
#[derive(Properties, PartialEq)]
pub struct AppProps {
    /// Where the addresses are: the browser's history, or a test's.
    pub history: AnyHistory,
    /// What the server asks of a new password.
    pub password_policy: PasswordPolicy,
    /// What is known before the server is asked.
    pub session: Session,
}

/// The whole application.
#[component]
pub fn App(props: &AppProps) -> Html {
    let policy = props.password_policy;
    let render = use_callback(policy, |route: Route, policy| switch(&route, *policy));
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

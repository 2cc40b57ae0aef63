use auth_core::PasswordPolicy;
use yew::prelude::*;

use crate::frame::Frame;
use crate::history::{Location, use_visits};
use crate::session::{Session, SessionProvider};

/// What the application is started with.
#[derive(Properties, PartialEq)]
pub struct AppProps {
    /// Where it starts.
    pub start: Location,
    /// What the server asks of a new password.
    pub password_policy: PasswordPolicy,
    /// What is known before the server is asked.
    pub session: Session,
}

/// The whole application.
#[component]
pub fn App(props: &AppProps) -> Html {
    let location = use_visits(&props.start);
    html! {
        <ContextProvider<Location> context={location}>
            <SessionProvider initial={props.session.clone()}>
                <Frame password_policy={props.password_policy} />
            </SessionProvider>
        </ContextProvider<Location>>
    }
}

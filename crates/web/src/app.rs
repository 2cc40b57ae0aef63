use auth_core::PasswordPolicy;
use yew::prelude::*;

use crate::frame::{frame, use_arrival, use_focus_at_the_end};
use crate::history::{Location, use_visits};
use crate::route::{Route, page};
use crate::session::{Session, SessionHandle, use_session_of_tab};

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
    let session = use_session_of_tab(&props.session);
    use_arrival(location.visit());
    use_focus_at_the_end(&session);
    let route = Route::at(location.path());
    let page = page(route, &location, &session, props.password_policy);
    html! {
        <ContextProvider<SessionHandle> context={session.clone()}>
            {frame(route, location.visit(), &session, page)}
        </ContextProvider<SessionHandle>>
    }
}

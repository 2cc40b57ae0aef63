use api_types::Session;
use yew::prelude::*;

use super::busy_button::BusyButton;
use super::notice::alert;
use super::text::text;
use super::time_ago::TimeAgo;
use crate::format;

/// The sessions to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndSessions {
    /// The session with this id.
    One(String),
    /// All except the current one.
    Others,
}

/// Properties of [`SessionsList`].
#[derive(Properties, PartialEq)]
pub struct SessionsListProps {
    /// The active sessions.
    pub sessions: Vec<Session>,
    /// The sessions that the pending request ends.
    pub ending: Option<EndSessions>,
    /// The sessions that the last request failed to end, and the text of the error.
    pub failure: Option<(EndSessions, AttrValue)>,
    /// Called when the user ends sessions.
    pub onend: Callback<EndSessions>,
}

/// A user's sessions.
#[component]
pub fn SessionsList(props: &SessionsListProps) -> Html {
    let SessionsListProps { sessions, ending, onend, .. } = props;
    html! {
        <>
            <ul class="sessions">{for sessions.iter().map(|session| item(props, session))}</ul>
            if sessions.iter().any(|session| !session.current) {
                <p>
                    <BusyButton
                        text="End all other sessions"
                        busy_text="Ending…"
                        busy={*ending == Some(EndSessions::Others)}
                        disabled={ending.is_some()}
                        class="button-quiet"
                        onpress={onend.reform(|()| EndSessions::Others)}
                    />
                </p>
                {failure(props, &EndSessions::Others)}
            }
        </>
    }
}

fn item(props: &SessionsListProps, session: &Session) -> Html {
    let device = format::device(session.user_agent.as_deref());
    let ip = format::ip(session.ip.as_deref());
    html! {
        <li key={session.id.clone()} class="session">
            <div class="session-text" id={text_id(session)}>
                <p class="session-device">{text(device)}</p>
                if session.current {
                    <p class="session-mark">{"This session"}</p>
                }
                <p>
                    {"Last active "}<TimeAgo time={session.last_seen_at.clone()} />
                    {text(format!(" from {ip}"))}
                </p>
                <p>{"Logged in "}<TimeAgo time={session.created_at.clone()} /></p>
            </div>
            if !session.current {
                {end_button(props, session)}
            }
        </li>
    }
}

/// Renders the button that ends a session. All these buttons have the same text, so each is also
/// labelled by its session.
fn end_button(props: &SessionsListProps, session: &Session) -> Html {
    let SessionsListProps { ending, onend, .. } = props;
    let this = EndSessions::One(session.id.clone());
    let failure = failure(props, &this);
    html! {
        <>
            <BusyButton
                text="End session"
                busy_text="Ending…"
                id={format!("end-{}", session.id)}
                object={text_id(session)}
                busy={ending.as_ref() == Some(&this)}
                disabled={ending.is_some()}
                class="button-quiet"
                onpress={onend.reform(move |()| this.clone())}
            />
            {failure}
        </>
    }
}

fn text_id(session: &Session) -> String {
    format!("session-{}", session.id)
}

/// Renders the error of a request next to its button, because any other place may be out of view.
fn failure(props: &SessionsListProps, button: &EndSessions) -> Html {
    match &props.failure {
        Some((target, text)) if target == button => alert(text),
        _ => Html::default(),
    }
}

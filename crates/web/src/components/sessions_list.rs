use api_types::Session;
use yew::prelude::*;

use super::{BusyButton, TimeAgo, alert};
use crate::words;

/// Which sessions are to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndSessions {
    /// The one with this id.
    One(String),
    /// All but the current one.
    Others,
}

/// Properties of [`SessionsList`].
#[derive(Properties, PartialEq)]
pub struct SessionsListProps {
    /// Those that are alive.
    pub sessions: Vec<Session>,
    /// What the server is being asked for.
    pub ending: Option<EndSessions>,
    /// What it did not do when it was asked last, and why not.
    pub failure: Option<(EndSessions, AttrValue)>,
    /// The user wants sessions to end.
    pub onend: Callback<EndSessions>,
}

/// Where a user is signed in.
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
    let device = words::device(session.user_agent.as_deref());
    let place = words::place(session.ip.as_deref());
    html! {
        <li key={session.id.clone()} class="session">
            <div class="session-text" id={text_id(session)}>
                <p class="session-device">{&device}</p>
                if session.current {
                    <p class="session-mark">{"This session"}</p>
                }
                <p>
                    {"Last active "}<TimeAgo time={session.last_seen_at.clone()} />
                    {format!(" from {place}")}
                </p>
                <p>{"Signed in "}<TimeAgo time={session.created_at.clone()} /></p>
            </div>
            if !session.current {
                {end_button(props, session)}
            }
        </li>
    }
}

/// All of them read the same, so each is called after what it ends too.
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

/// Next to the button that was pressed, which may be far from anything else.
fn failure(props: &SessionsListProps, of: &EndSessions) -> Html {
    match &props.failure {
        Some((what, text)) if what == of => alert(html! { <p>{text}</p> }),
        _ => Html::default(),
    }
}

use api_types::Session;
use yew::prelude::*;

use super::{BusyButton, TimeAgo};
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
    /// The user wants sessions to end.
    pub onend: Callback<EndSessions>,
}

/// Where a user is signed in.
#[component]
pub fn SessionsList(props: &SessionsListProps) -> Html {
    let SessionsListProps { sessions, ending, onend } = props;
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
            }
        </>
    }
}

fn item(props: &SessionsListProps, session: &Session) -> Html {
    let device = words::device(session.user_agent.as_deref());
    let place = words::place(session.ip.as_deref());
    html! {
        <li key={session.id.clone()} class="session">
            <div class="session-text">
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
                {end_button(props, session, &format!("{device}, {place}"))}
            }
        </li>
    }
}

/// All of them read the same, so each is called after what it ends.
fn end_button(props: &SessionsListProps, session: &Session, name: &str) -> Html {
    let SessionsListProps { ending, onend, .. } = props;
    let this = EndSessions::One(session.id.clone());
    html! {
        <BusyButton
            text="End session"
            busy_text="Ending…"
            label={format!("End session: {name}")}
            busy={ending.as_ref() == Some(&this)}
            disabled={ending.is_some()}
            class="button-quiet"
            onpress={onend.reform(move |()| this.clone())}
        />
    }
}

use api_types::{ErrorCode, Session};
use yew::prelude::*;
use yew_session::{ApiError, SessionHandle, use_session};

use super::remote_list::{show, use_remote_list};
use crate::api;
use crate::browser;
use crate::components::{EndSessions, Failure, Progress, SessionsList, status};
use crate::messages::describe;
use crate::pages::submission::use_submission;

const HEADING: &str = "settings-sessions";

#[derive(Properties, PartialEq)]
pub(super) struct SessionsSectionProps {
    /// Changes whenever the list may have changed.
    pub(super) version: u32,
    /// Called after the user has ended sessions.
    pub(super) onended: Callback<()>,
}

#[component]
pub(super) fn SessionsSection(props: &SessionsSectionProps) -> Html {
    let session = use_session();
    let (loaded, reload) = use_remote_list(HEADING, props.version, {
        let session = session.clone();
        async move || list(&session).await
    });
    let last = use_state(|| None);
    let (progress, end) = use_submission({
        let (loaded, onended) = (loaded.setter(), props.onended.clone());
        async move |target: EndSessions| {
            end(&session, &target).await?;
            loaded.set(list(&session).await.into());
            onended.emit(());
            Ok(())
        }
    });
    // The focused button is removed together with the session that it has ended.
    use_effect_with(progress.has_succeeded(), |succeeded| {
        if *succeeded && browser::has_lost_focus() {
            browser::focus(browser::element(HEADING));
        }
    });
    let onend = {
        let last = last.setter();
        move |target: EndSessions| {
            last.set(Some(target.clone()));
            end.emit(target);
        }
    };
    let ending = (*last).clone().filter(|_| progress.busy);
    let failure = (*last).clone().zip(progress.failure.form.clone());
    html! {
        <section class="setting" aria-labelledby={HEADING}>
            <h2 id={HEADING} tabindex="-1">{"Sessions"}</h2>
            <p>
                {"You are signed in on these devices. If you do not recognise one, change your \
                  password. That ends all other sessions."}
            </p>
            {show(&loaded, HEADING, &reload, |sessions| html! {
                <SessionsList sessions={sessions.clone()} {ending} {failure} {onend} />
            })}
            {status(success(&progress, last.as_ref()))}
        </section>
    }
}

fn success(progress: &Progress, last: Option<&EndSessions>) -> Option<AttrValue> {
    let text = match last? {
        EndSessions::One(_) => "The session has ended.",
        EndSessions::Others => "All other sessions have ended.",
    };
    progress.has_succeeded().then_some(text.into())
}

async fn list(session: &SessionHandle) -> Result<Vec<Session>, ApiError> {
    session.authorized(api::sessions()).await.map(|answer| answer.sessions)
}

async fn end(session: &SessionHandle, target: &EndSessions) -> Result<(), Failure> {
    let answer = match target {
        EndSessions::Others => session.authorized(api::end_other_sessions()).await,
        EndSessions::One(id) => session.authorized(api::end_session(id)).await,
    };
    match answer {
        // The session has ended since the list was loaded.
        Err(ApiError::Rejected(rejection)) if rejection.code == Some(ErrorCode::NotFound) => Ok(()),
        answer => answer.map_err(|error| Failure::from_form(describe(&error))),
    }
}

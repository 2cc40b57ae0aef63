use api_types::Session;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::api::{self, ApiError};
use crate::browser;
use crate::components::{Alert, EndSessions, Failure, Progress, SessionsList, Status};
use crate::messages::describe;
use crate::pages::submission::use_submission;
use crate::session::{SessionHandle, use_session};

const HEADING: &str = "settings-sessions";

#[derive(Properties, PartialEq)]
pub(super) struct SessionsSectionProps {
    /// Changes whenever the list may have.
    pub(super) version: u32,
}

/// What is known of the sessions.
enum Listing {
    Loading,
    Listed(Vec<Session>),
    Failed(AttrValue),
}

#[component]
pub(super) fn SessionsSection(props: &SessionsSectionProps) -> Html {
    let session = use_session();
    let (listing, load) = use_listing(&session, props.version);
    let last = use_state(|| None);
    let (progress, end) = use_submission({
        let listing = listing.setter();
        async move |what: EndSessions| {
            end(&session, &what).await?;
            listing.set(list(&session).await);
            Ok(())
        }
    });
    // The button that was pressed is gone with what it has ended.
    use_effect_with(progress.has_succeeded(), |succeeded| {
        if *succeeded && browser::has_lost_focus() {
            browser::focus(browser::element(HEADING));
        }
    });
    let onend = {
        let last = last.setter();
        move |what: EndSessions| {
            last.set(Some(what.clone()));
            end.emit(what);
        }
    };
    let ending = (*last).clone().filter(|_| progress.busy);
    let failure = (*last).clone().zip(progress.failure.form.clone());
    html! {
        <section class="setting" aria-labelledby={HEADING}>
            <h2 id={HEADING} tabindex="-1">{"Where you are signed in"}</h2>
            <p>
                {"If there is one that you do not recognise, change your password: that ends all \
                  but this one."}
            </p>
            {match &*listing {
                Listing::Loading => html! { <p role="status" aria-busy="true">{"One moment…"}</p> },
                Listing::Failed(text) => failed(text, &load),
                Listing::Listed(sessions) => html! {
                    <SessionsList sessions={sessions.clone()} {ending} {failure} {onend} />
                },
            }}
            <Status text={success(&progress, last.as_ref())} />
        </section>
    }
}

/// What is known, and what asks the server anew.
#[hook]
fn use_listing(session: &SessionHandle, version: u32) -> (UseStateHandle<Listing>, Callback<()>) {
    let listing = use_state(|| Listing::Loading);
    let load = {
        let (session, listing) = (session.clone(), listing.setter());
        Callback::from(move |()| {
            let (session, listing) = (session.clone(), listing.clone());
            spawn_local(async move { listing.set(list(&session).await) });
        })
    };
    use_effect_with(version, {
        let load = load.clone();
        move |_| load.emit(())
    });
    let reload = {
        let listing = listing.setter();
        load.reform(move |()| listing.set(Listing::Loading))
    };
    (listing, reload)
}

fn success(progress: &Progress, last: Option<&EndSessions>) -> Option<AttrValue> {
    let text = match last? {
        EndSessions::One(_) => "The session has ended.",
        EndSessions::Others => "All other sessions have ended.",
    };
    progress.has_succeeded().then_some(text.into())
}

fn failed(text: &AttrValue, load: &Callback<()>) -> Html {
    let onclick = load.reform(|_| {
        // The button goes when the waiting begins; the focus should not go with it.
        browser::focus(browser::element(HEADING));
    });
    html! {
        <>
            <Alert><p>{text}</p></Alert>
            <p>
                <button type="button" class="button button-quiet" {onclick}>{"Try again"}</button>
            </p>
        </>
    }
}

async fn list(session: &SessionHandle) -> Listing {
    match session.authorized(api::sessions).await {
        Ok(answer) => Listing::Listed(answer.sessions),
        Err(error) => Listing::Failed(describe(&error).into()),
    }
}

async fn end(session: &SessionHandle, what: &EndSessions) -> Result<(), Failure> {
    let answer = match what {
        EndSessions::Others => session.authorized(api::end_other_sessions).await,
        EndSessions::One(id) => {
            session.authorized(async |token: &str| api::end_session(token, id).await).await
        }
    };
    match answer {
        // It has ended by itself since it was listed.
        Err(ApiError::Refused(refusal)) if refusal.status == 404 => Ok(()),
        answer => answer.map_err(|error| Failure::of_form(describe(&error))),
    }
}

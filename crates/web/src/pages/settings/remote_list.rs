use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_session::ApiError;

use crate::browser;
use crate::components::{alert, use_retry_when_online};
use crate::messages::describe;

/// A list that is loaded from the server.
#[derive(Clone, PartialEq)]
pub(super) enum RemoteList<T> {
    Loading,
    Loaded(T),
    Failed(AttrValue),
}

impl<T> From<Result<T, ApiError>> for RemoteList<T> {
    fn from(answer: Result<T, ApiError>) -> Self {
        match answer {
            Ok(list) => Self::Loaded(list),
            Err(error) => Self::Failed(describe(&error).into()),
        }
    }
}

/// Loads a list, and reloads it whenever `version` changes. Returns the list, and a callback that
/// retries after a failure. `heading` is the id of the list's heading.
#[hook]
pub(super) fn use_remote_list<T, F>(
    heading: &'static str,
    version: u32,
    fetch: F,
) -> (UseStateHandle<RemoteList<T>>, Callback<()>)
where
    T: 'static,
    F: AsyncFn() -> Result<T, ApiError> + Clone + 'static,
{
    let list = use_state(|| RemoteList::Loading);
    let load = {
        let list = list.setter();
        Callback::from(move |()| {
            let (fetch, list) = (fetch.clone(), list.clone());
            spawn_local(async move { list.set(fetch().await.into()) });
        })
    };
    use_effect_with(version, {
        let load = load.clone();
        move |_| load.emit(())
    });
    let reload = {
        let list = list.setter();
        load.reform(move |()| {
            // The button is removed while the list is loading, which would lose the focus.
            let button = browser::element(&retry_id(heading));
            if button.is_some_and(|button| browser::has_focus_within(&button)) {
                browser::focus(browser::element(heading));
            }
            list.set(RemoteList::Loading);
        })
    };
    let has_failed = matches!(*list, RemoteList::Failed(_));
    use_retry_when_online(has_failed.then(|| reload.clone()));
    // The list moves the content below it.
    use_effect_with(matches!(*list, RemoteList::Loaded(_)), |is_loaded| {
        if *is_loaded {
            browser::follow_fragment();
        }
    });
    (list, reload)
}

/// Renders a list, its waiting state or an alert. `heading` is the id of the list's heading.
pub(super) fn show<T>(
    list: &RemoteList<T>,
    heading: &'static str,
    reload: &Callback<()>,
    render: impl FnOnce(&T) -> Html,
) -> Html {
    match list {
        RemoteList::Loading => html! { <p role="status">{"Loading…"}</p> },
        RemoteList::Failed(text) => failed(text, heading, reload),
        RemoteList::Loaded(loaded) => render(loaded),
    }
}

fn failed(text: &AttrValue, heading: &'static str, reload: &Callback<()>) -> Html {
    let onclick = reload.reform(|_| {
        // Safari does not focus a button that is clicked.
        browser::focus(browser::element(heading));
    });
    html! {
        <>
            {alert(text)}
            <p>
                <button
                    type="button"
                    class="button button-quiet"
                    id={retry_id(heading)}
                    {onclick}
                >
                    {"Try again"}
                </button>
            </p>
        </>
    }
}

fn retry_id(heading: &str) -> String {
    format!("{heading}-retry")
}

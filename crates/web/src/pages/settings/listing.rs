use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::api::ApiError;
use crate::browser;
use crate::components::alert;
use crate::messages::describe;

/// What is known of something that the server lists.
#[derive(Clone)]
pub(super) enum Listing<T> {
    Loading,
    Listed(T),
    Failed(AttrValue),
}

impl<T> From<Result<T, ApiError>> for Listing<T> {
    fn from(answer: Result<T, ApiError>) -> Self {
        match answer {
            Ok(list) => Self::Listed(list),
            Err(error) => Self::Failed(describe(&error).into()),
        }
    }
}

/// What is known, and what asks the server anew. It is asked at first, and whenever `version`
/// is another.
#[hook]
pub(super) fn use_listing<T, F>(version: u32, ask: F) -> (UseStateHandle<Listing<T>>, Callback<()>)
where
    T: 'static,
    F: AsyncFn() -> Result<T, ApiError> + Clone + 'static,
{
    let listing = use_state(|| Listing::Loading);
    let load = {
        let listing = listing.setter();
        Callback::from(move |()| {
            let (ask, listing) = (ask.clone(), listing.clone());
            spawn_local(async move { listing.set(ask().await.into()) });
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

/// Shows what is known, under the heading with this id.
pub(super) fn show<T>(
    listing: &Listing<T>,
    heading: &'static str,
    reload: &Callback<()>,
    list: impl FnOnce(&T) -> Html,
) -> Html {
    match listing {
        Listing::Loading => html! { <p role="status" aria-busy="true">{"One moment…"}</p> },
        Listing::Failed(text) => failed(text, heading, reload),
        Listing::Listed(listed) => list(listed),
    }
}

fn failed(text: &AttrValue, heading: &'static str, reload: &Callback<()>) -> Html {
    let onclick = reload.reform(|_| {
        // The button goes when the waiting begins; the focus should not go with it.
        browser::focus(browser::element(heading));
    });
    html! {
        <>
            {alert(html! { <p>{text}</p> })}
            <p>
                <button type="button" class="button button-quiet" {onclick}>{"Try again"}</button>
            </p>
        </>
    }
}

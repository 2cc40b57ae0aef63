use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::notice::{alert, status};
use crate::browser;

/// Returns a callback that copies `text` to the clipboard, and the rendered outcome.
#[hook]
pub(super) fn use_copy(text: String) -> (Callback<()>, Html) {
    let is_copied = use_state(|| None);
    let copy = {
        let is_copied = is_copied.setter();
        Callback::from(move |()| {
            // Screen readers announce the outcome again only if it has been removed before.
            is_copied.set(None);
            let (text, is_copied) = (text.clone(), is_copied.clone());
            spawn_local(async move { is_copied.set(Some(browser::copy(&text).await.is_ok())) });
        })
    };
    let outcome = html! {
        <>
            {status((*is_copied == Some(true)).then_some("Copied".into()))}
            if *is_copied == Some(false) {
                {alert("Your browser does not allow copying. Select the text and copy it yourself.")}
            }
        </>
    };
    (copy, outcome)
}

//! Files that the application makes itself.

use js_sys::Array;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url, Window};

/// How long the browser may take to read a file. It does not tell when it has.
const PATIENCE_MS: i32 = 60_000;

/// Hands a JSON text to the user as a file.
pub(crate) fn save_json(name: &str, text: &str) -> Result<(), JsValue> {
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    let kind = BlobPropertyBag::new();
    kind.set_type("application/json");
    let parts = Array::of1(&JsValue::from_str(text));
    let url =
        Url::create_object_url_with_blob(&Blob::new_with_str_sequence_and_options(&parts, &kind)?)?;
    let saved = follow(&window, &url, name);
    forget_later(&window, url);
    saved
}

/// Does what a user does who follows a link to a file.
fn follow(window: &Window, url: &str, name: &str) -> Result<(), JsValue> {
    let document = window.document().ok_or(JsValue::NULL)?;
    let link: HtmlAnchorElement = document.create_element("a")?.dyn_into()?;
    link.set_href(url);
    link.set_download(name);
    link.click();
    Ok(())
}

/// The browser keeps the file for as long as it has the address.
fn forget_later(window: &Window, url: String) {
    let forget = Closure::once_into_js(move || {
        let _ = Url::revoke_object_url(&url);
    });
    // Where it fails, the file goes with the page.
    let _ = window
        .set_timeout_with_callback_and_timeout_and_arguments_0(forget.unchecked_ref(), PATIENCE_MS);
}

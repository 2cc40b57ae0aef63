//! Downloads of files that the application has created.

use gloo_timers::callback::Timeout;
use js_sys::Array;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

/// How long a file stays available to the browser. This is a fixed time, because no event reports
/// that the browser has read the file.
const REVOKE_AFTER_MS: u32 = 60_000;

/// The text for a download that has failed.
pub(crate) const BLOCKED: &str =
    "Your browser blocked the download. Allow downloads for this site and try again.";

/// Downloads a text as a file with this name and media type.
pub(crate) fn save(name: &str, media_type: &str, text: &str) -> Result<(), JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type(media_type);
    let parts = Array::of1(&JsValue::from_str(text));
    let blob = Blob::new_with_str_sequence_and_options(&parts, &options)?;
    let url = Url::create_object_url_with_blob(&blob)?;
    let saved = click_link(&url, name);
    // The browser keeps the file in memory until its URL is revoked.
    Timeout::new(REVOKE_AFTER_MS, move || {
        let _ = Url::revoke_object_url(&url);
    })
    .forget();
    saved
}

fn click_link(url: &str, name: &str) -> Result<(), JsValue> {
    let document = web_sys::window().and_then(|window| window.document()).ok_or(JsValue::NULL)?;
    let link: HtmlAnchorElement = document.create_element("a")?.dyn_into()?;
    link.set_href(url);
    link.set_download(name);
    link.click();
    Ok(())
}

//! The lock for requests that replace the refresh cookie, with the Web Locks API. (The bindings in
//! web-sys are unstable, so this module calls the API by name.)
//!
//! All tabs share the cookie: of two concurrent responses, the browser would keep the cookie of the
//! later one.

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::browser;

const NAME: &str = "latchkey-refresh";

/// How long to wait for the lock: longer than any running tab holds it. If the browser has frozen
/// the tab that holds the lock, the other tabs continue without it.
const TIMEOUT_MS: u32 = 25_000;

/// The lock. Until it is dropped, no other tab can acquire it.
pub(crate) struct Lock {
    release: Option<Function>,
}

impl Lock {
    /// Waits for the lock.
    ///
    /// The API is missing in old browsers and on pages that are served without TLS, except from
    /// localhost. Without the API, this returns at once. Requests from
    /// several tabs can then race, which the server handles.
    pub(crate) fn acquire() -> LocalBoxFuture<'static, Self> {
        async { Self { release: request().await.ok() } }.boxed_local()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(release) = &self.release {
            // This resolves a promise, which cannot fail.
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}

/// Requests the lock and returns the function that releases it.
async fn request() -> Result<Function, JsValue> {
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    let locks = Reflect::get(&window.navigator(), &"locks".into())?;
    let request: Function = Reflect::get(&locks, &"request".into())?.dyn_into()?;
    let options = Object::new();
    // Without a timeout, a frozen tab would block all others.
    let signal = browser::timeout_signal(TIMEOUT_MS).ok_or(JsValue::NULL)?;
    Reflect::set(&options, &"signal".into(), &signal)?;

    let mut ended = Err(JsValue::NULL);
    let granted = Promise::new(&mut |granted, _| {
        ended = request.call3(&locks, &NAME.into(), &options, &hold(granted));
    });
    // `ended` settles when the lock is released. It settles before `granted` only if the request
    // fails.
    let first = Promise::race(&Array::of2(&granted, &ended?));
    JsFuture::from(first).await?.dyn_into()
}

/// Returns the callback that the browser calls when the lock is granted. The browser holds the
/// lock until the promise from the callback is resolved.
fn hold(granted: Function) -> JsValue {
    Closure::once_into_js(move || {
        Promise::new(&mut |release, _| {
            let _ = granted.call1(&JsValue::UNDEFINED, &release);
        })
    })
}

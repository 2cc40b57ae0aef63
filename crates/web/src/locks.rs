//! Locks between the tabs of this browser: the Web Locks API, which web-sys has only as unstable.

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::browser;

/// How long a lock is waited for: longer than anybody holds one. A tab that holds it may be
/// frozen, and the others go on without it then.
const TIMEOUT_MS: u32 = 25_000;

/// A lock. While it is held, no other tab acquires one of the same name.
pub(crate) struct Lock {
    release: Option<Function>,
}

impl Lock {
    /// Waits for a lock.
    ///
    /// Old browsers have no locks, nor have pages without TLS from another machine. There nobody
    /// waits, and the server resolves the races.
    pub(crate) async fn acquire(name: &str) -> Self {
        Self { release: request(name).await.ok() }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(release) = &self.release {
            // It resolves a promise, which does not fail.
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}

/// Requests the lock and returns the function that releases it.
async fn request(name: &str) -> Result<Function, JsValue> {
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    let locks = Reflect::get(&window.navigator(), &"locks".into())?;
    let request: Function = Reflect::get(&locks, &"request".into())?.dyn_into()?;
    let options = Object::new();
    // Without a timeout, a frozen tab would keep all others waiting.
    let signal = browser::timeout_signal(TIMEOUT_MS).ok_or(JsValue::NULL)?;
    Reflect::set(&options, &"signal".into(), &signal)?;

    let mut ended = Err(JsValue::NULL);
    let granted = Promise::new(&mut |granted, _| {
        ended = request.call3(&locks, &name.into(), &options, &hold(granted));
    });
    // `ended` is settled after the lock was released. It comes before `granted` only if the
    // request fails.
    let first = Promise::race(&Array::of2(&granted, &ended?));
    JsFuture::from(first).await?.dyn_into()
}

/// Returns the function that the browser calls when the lock is granted. The lock is held until
/// the promise that it returns is resolved.
fn hold(granted: Function) -> JsValue {
    Closure::once_into_js(move || {
        Promise::new(&mut |release, _| {
            let _ = granted.call1(&JsValue::UNDEFINED, &release);
        })
    })
}

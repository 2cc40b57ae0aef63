//! Turns that the tabs of this browser take: the Web Locks API, of which web-sys has only
//! what is unstable.

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::browser;

/// Another tab may be frozen in its turn. Whoever has waited longer than any turn takes goes on
/// without.
const PATIENCE_MS: u32 = 25_000;

/// While it is kept, no other tab has a turn of the same name.
pub(crate) struct Turn {
    release: Option<Function>,
}

impl Turn {
    /// Waits for a turn. Old browsers have no locks, nor have pages that came without TLS
    /// from another machine: there nobody waits, and the server has to make do.
    pub(crate) async fn wait_for(name: &str) -> Self {
        Self { release: request(name).await.ok() }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(release) = &self.release {
            // It resolves a promise, which does not fail.
            let _ = release.call0(&JsValue::UNDEFINED);
        }
    }
}

/// Asks for the lock, and answers with what releases it.
async fn request(name: &str) -> Result<Function, JsValue> {
    let window = web_sys::window().ok_or(JsValue::NULL)?;
    let locks = Reflect::get(&window.navigator(), &"locks".into())?;
    let request: Function = Reflect::get(&locks, &"request".into())?.dyn_into()?;
    let options = Object::new();
    // Without it, a tab that is frozen in its turn would keep all others waiting.
    let patience = browser::patience(PATIENCE_MS).ok_or(JsValue::NULL)?;
    Reflect::set(&options, &"signal".into(), &patience)?;

    let mut over = Err(JsValue::NULL);
    let granted = Promise::new(&mut |granted, _| {
        over = request.call3(&locks, &name.into(), &options, &hold(granted));
    });
    // The lock is held until its own promise is settled, which is after the other's. So
    // that one comes first only if it fails.
    let first = Promise::race(&Array::of2(&granted, &over?));
    JsFuture::from(first).await?.dyn_into()
}

/// What the browser calls when the turn has come. The lock is held for as long as the
/// promise is open that it returns.
fn hold(granted: Function) -> JsValue {
    Closure::once_into_js(move || {
        Promise::new(&mut |release, _| {
            let _ = granted.call1(&JsValue::UNDEFINED, &release);
        })
    })
}

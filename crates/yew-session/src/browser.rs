//! The visibility of the page, its clock, and timeouts of requests.

use js_sys::{Function, Reflect};
use wasm_bindgen::JsCast as _;
use web_sys::{AbortSignal, VisibilityState};

/// Returns whether the user can see the page.
pub(crate) fn is_visible() -> bool {
    let document = web_sys::window().and_then(|window| window.document());
    document.is_some_and(|document| document.visibility_state() == VisibilityState::Visible)
}

/// Returns the milliseconds since the page was loaded, on a monotonic clock.
pub(crate) fn now() -> f64 {
    let performance = web_sys::window().and_then(|window| window.performance());
    performance.map_or(0.0, |performance| performance.now())
}

/// Returns a signal that aborts a request after this time, or `None` in an old browser without
/// `AbortSignal.timeout`.
pub(crate) fn timeout_signal(milliseconds: u32) -> Option<AbortSignal> {
    let class = Reflect::get(&js_sys::global(), &"AbortSignal".into()).ok()?;
    let timeout: Function = Reflect::get(&class, &"timeout".into()).ok()?.dyn_into().ok()?;
    timeout.call1(&class, &milliseconds.into()).ok()?.dyn_into().ok()
}

//! The document, its focus, and the clock.
//!
//! All of this runs in event handlers, effects and `main`, hence in a browser only.

use auth_core::PasswordPolicy;
use js_sys::{Function, Reflect};
use wasm_bindgen::JsCast as _;
use web_sys::{
    AbortSignal, Document, Element, HtmlElement, HtmlMetaElement, KeyboardEvent, MouseEvent,
};

/// Returns the element with this id.
#[must_use]
pub fn element(id: &str) -> Option<Element> {
    document()?.get_element_by_id(id)
}

/// Returns the rules for a new password, as the server has filled them into the page. Otherwise
/// they are the default; the server checks again in any case.
#[must_use]
pub fn password_policy() -> PasswordPolicy {
    meta("password-min-length")
        .and_then(|content| content.parse().ok())
        .and_then(|length| PasswordPolicy::new(length).ok())
        .unwrap_or_default()
}

/// Sets the title of the document.
pub(crate) fn set_title(title: &str) {
    if let Some(document) = document() {
        document.set_title(title);
    }
}

/// Moves the focus to the start of a page, as a page load would: to its heading, or to `main`
/// where there is none yet.
pub(crate) fn focus_page() {
    focus(heading().or_else(main));
}

/// Moves the focus from `main` to a heading that has appeared late. Any other focus stays.
pub(crate) fn pass_focus_to_heading() {
    let active = document().and_then(|document| document.active_element());
    if active.is_some() && active == main() {
        focus(heading());
    }
}

/// Moves the focus to `main`, from an element that is about to disappear.
pub(crate) fn focus_main() {
    focus(main());
}

/// Moves the focus to `element`, if there is one.
pub(crate) fn focus(element: Option<Element>) {
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        // It does not fail for an element in the document.
        let _ = element.focus();
    }
}

/// Scrolls to the top of the page.
pub(crate) fn scroll_to_top() {
    if let Some(window) = web_sys::window() {
        window.scroll_to_with_x_and_y(0.0, 0.0);
    }
}

/// Whether the focus is on `ancestor` or inside it.
pub(crate) fn has_focus_within(ancestor: &Element) -> bool {
    let active = document().and_then(|document| document.active_element());
    ancestor.contains(active.as_deref())
}

/// Whether the focused element was removed or disabled, and no other has the focus. (A click on a
/// disabled element moves it to `main`.)
pub(crate) fn has_lost_focus() -> bool {
    let Some(document) = document() else { return false };
    let body = document.body().map(Element::from);
    let active = document.active_element();
    active.is_none() || active == body || active == main()
}

/// Whether a click is the second of a double click, which asks for nothing more.
pub(crate) fn is_repeated_click(click: &MouseEvent) -> bool {
    click.detail() > 1
}

/// Whether Enter is held down, and the browser repeats it.
pub(crate) fn is_held_enter(key: &KeyboardEvent) -> bool {
    key.repeat() && key.key() == "Enter"
}

/// Returns the milliseconds since the page was loaded, by a monotonic clock.
pub(crate) fn now() -> f64 {
    let performance = web_sys::window().and_then(|window| window.performance());
    performance.map_or(0.0, |performance| performance.now())
}

/// Returns a signal that aborts a request after this time, if the browser is new enough to have
/// one.
pub(crate) fn timeout_signal(milliseconds: u32) -> Option<AbortSignal> {
    let class = Reflect::get(&js_sys::global(), &"AbortSignal".into()).ok()?;
    let timeout: Function = Reflect::get(&class, &"timeout".into()).ok()?.dyn_into().ok()?;
    timeout.call1(&class, &milliseconds.into()).ok()?.dyn_into().ok()
}

/// Returns the user's preferred language.
pub(crate) fn language() -> Option<String> {
    web_sys::window()?.navigator().language()
}

fn document() -> Option<Document> {
    web_sys::window()?.document()
}

fn meta(name: &str) -> Option<String> {
    let element = document()?.query_selector(&format!("meta[name={name}]")).ok()??;
    Some(element.dyn_into::<HtmlMetaElement>().ok()?.content())
}

fn main() -> Option<Element> {
    element("main")
}

fn heading() -> Option<Element> {
    main()?.query_selector("h1").ok()?
}

//! The document, its focus, and the clock.
//!
//! These functions are called only in event handlers, effects and `main`, where there is a browser.

use auth_core::PasswordPolicy;
use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Document, Element, Event, HtmlElement, HtmlInputElement, HtmlMetaElement, KeyboardEvent,
    MouseEvent,
};

use crate::mail::Mail;
use crate::sign_up::SignUp;
use crate::site::Site;

/// Returns the element with this id.
#[must_use]
pub fn element(id: &str) -> Option<Element> {
    document()?.get_element_by_id(id)
}

/// Returns the text in the input with this id, if there is one.
#[must_use]
pub fn input_value(id: &str) -> Option<String> {
    Some(input(id)?.value())
}

/// Returns whether the checkbox with this id is checked, if there is one.
pub(crate) fn is_checked(id: &str) -> Option<bool> {
    Some(input(id)?.checked())
}

/// Empties the input with this id, if there is one.
pub fn clear_input(id: &str) {
    set_input(id, "");
}

/// Sets the text in the input with this id, if there is one.
pub(crate) fn set_input(id: &str, text: &str) {
    if let Some(input) = input(id) {
        input.set_value(text);
    }
}

/// Returns the rules for a new password, which the server has written into the page. Without them,
/// returns the default rules. The server checks each password again.
#[must_use]
pub fn password_policy() -> PasswordPolicy {
    meta("password-min-length")
        .and_then(|content| content.parse().ok())
        .and_then(|length| PasswordPolicy::new(length).ok())
        .unwrap_or_default()
}

/// Returns whether visitors can create accounts, which the server has written into the page.
#[must_use]
pub fn sign_up() -> SignUp {
    SignUp::from_meta(meta("sign-up").as_deref())
}

/// Returns for which purposes the server sends mails, which it has written into the page.
#[must_use]
pub fn mail() -> Mail {
    Mail::from_meta(meta("mail").as_deref(), meta("email-log-in").as_deref())
}

/// Returns the app that the pages belong to, which the server has written into the page.
#[must_use]
pub fn site() -> Site {
    Site::from_meta(meta("app-name"), meta("logo"), meta("after-log-in"))
}

/// Loads another document in place of this one. The browser's history keeps no entry for this one.
pub(crate) fn replace_document(url: &str) {
    if let Some(window) = web_sys::window() {
        // This fails only for a text that is not a URL, but a path always is one.
        let _ = window.location().replace(url);
    }
}

/// Sets the title of the document. The title of the failure page stays as it is.
pub(crate) fn set_title(title: &str) {
    if let Some(document) = document()
        && main().is_some()
    {
        document.set_title(title);
    }
}

/// Returns whether `main` is in the document, is its only `main` element, and contains exactly one
/// element.
pub(crate) fn is_only_main(main: &Element) -> bool {
    let mains = document().map(|document| document.get_elements_by_tag_name("main").length());
    main.is_connected() && mains == Some(1) && main.child_element_count() == 1
}

/// Replaces the document's content with the failure page, which is in `boot.js`.
pub(crate) fn show_failure_page() {
    if let Some(window) = web_sys::window()
        && let Ok(event) = Event::new("latchkey-failure")
    {
        // This fails only for an event that is being dispatched.
        let _ = window.dispatch_event(&event);
    }
}

/// Moves the focus to the page's heading, or to `main` if there is no heading yet.
pub(crate) fn focus_page() {
    focus(heading().or_else(main));
}

/// Moves the focus from `main` to the page's heading. If another element has the focus, the focus
/// does not move.
pub(crate) fn pass_focus_to_heading() {
    let active = document().and_then(|document| document.active_element());
    if active.is_some() && active == main() {
        focus(heading());
    }
}

/// Moves the focus to `main`, away from an element that is about to be removed or disabled.
pub(crate) fn focus_main() {
    focus(main());
}

/// Moves the focus to `element`, if there is one.
pub(crate) fn focus(element: Option<Element>) {
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        // This does not fail for an element in the document.
        let _ = element.focus();
    }
}

/// Moves the focus to the element that the URL's fragment names, and scrolls to it. The browser
/// itself does so only while it loads the document, when the page is not rendered yet.
pub(crate) fn focus_fragment() {
    if let Some(target) = fragment_target() {
        target.scroll_into_view();
        focus(Some(target));
    }
}

/// Scrolls again to the element that the URL's fragment names, after the layout has changed. If the
/// user has moved the focus elsewhere, the page does not scroll.
pub(crate) fn follow_fragment() {
    if let Some(target) = fragment_target()
        && has_focus_within(&target)
    {
        target.scroll_into_view();
    }
}

/// Scrolls to the top of the page.
pub(crate) fn scroll_to_top() {
    if let Some(window) = web_sys::window() {
        window.scroll_to_with_x_and_y(0.0, 0.0);
    }
}

/// Returns whether the focus is on `ancestor` or inside it.
pub(crate) fn has_focus_within(ancestor: &Element) -> bool {
    let active = document().and_then(|document| document.active_element());
    ancestor.contains(active.as_deref())
}

/// Returns whether the focus was lost because its element was removed or disabled. Focus on `main`
/// also counts as lost, because a click on a disabled element moves the focus there.
pub(crate) fn has_lost_focus() -> bool {
    let Some(document) = document() else { return false };
    let body = document.body().map(Element::from);
    let active = document.active_element();
    active.is_none() || active == body || active == main()
}

/// Returns whether a click is the second of a double click, which should have no effect.
pub(crate) fn is_repeated_click(click: &MouseEvent) -> bool {
    click.detail() > 1
}

/// Returns whether a key event is an automatic repeat while Enter is held down.
pub(crate) fn is_held_enter(event: &KeyboardEvent) -> bool {
    event.repeat() && is_key(event, "Enter")
}

/// Returns whether a key event is for this key.
///
/// Chromium's autofill and some extensions send `keydown` events that are not a `KeyboardEvent` and
/// have no key. The binding of `key` in web-sys throws an exception for them.
pub(crate) fn is_key(event: &KeyboardEvent, key: &str) -> bool {
    Reflect::get(event, &"key".into()).is_ok_and(|it| it.as_string().as_deref() == Some(key))
}

/// Returns the milliseconds since the page was loaded, on a monotonic clock.
pub(crate) fn now() -> f64 {
    let performance = web_sys::window().and_then(|window| window.performance());
    performance.map_or(0.0, |performance| performance.now())
}

/// Returns the user's preferred language.
pub(crate) fn language() -> Option<String> {
    web_sys::window()?.navigator().language()
}

/// Returns the user agent of the browser.
pub(crate) fn user_agent() -> Option<String> {
    web_sys::window()?.navigator().user_agent().ok()
}

/// Copies a text to the clipboard. Fails if the browser does not allow it, and on pages that were
/// not loaded over HTTPS, which have no clipboard.
pub(crate) async fn copy(text: &str) -> Result<(), JsValue> {
    let navigator = web_sys::window().ok_or(JsValue::NULL)?.navigator();
    let clipboard = Reflect::get(&navigator, &"clipboard".into())?;
    // The binding of `writeText` in web-sys does not catch exceptions.
    let write: Function = Reflect::get(&clipboard, &"writeText".into())?.dyn_into()?;
    let promise = write.call1(&clipboard, &text.into())?;
    JsFuture::from(Promise::resolve(&promise)).await.map(drop)
}

fn input(id: &str) -> Option<HtmlInputElement> {
    element(id)?.dyn_into().ok()
}

fn fragment_target() -> Option<Element> {
    let fragment = web_sys::window()?.location().hash().ok()?;
    element(fragment.strip_prefix('#')?)
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

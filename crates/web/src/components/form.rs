use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlFormElement, HtmlInputElement};
use yew::prelude::*;

use super::busy_button::ignore_held_enter;
use super::form_data::{FormData, named_inputs};
use super::notice::alert;
use super::progress::Progress;
use super::text::text;
use crate::browser;

/// Properties of [`Form`].
#[derive(Properties, PartialEq)]
pub struct FormProps {
    /// The text of the button.
    pub submit: &'static str,
    /// The text of the button while the request is pending.
    pub submitting: &'static str,
    /// `true` if the form's effect cannot be undone.
    #[prop_or_default]
    pub dangerous: bool,
    /// The state of the submission.
    pub progress: Progress,
    /// Called when the user submits the form.
    pub onsubmit: Callback<FormData>,
    /// The fields.
    pub children: Html,
}

/// A form with its submit button.
///
/// The values are kept only in the inputs, so there is no other copy of a password until it is
/// sent.
#[component]
pub fn Form(props: &FormProps) -> Html {
    let progress = &props.progress;
    let form = use_node_ref();
    // The time at which the inputs were cleared. Typing resets it to `None`.
    let cleared = use_mut_ref(|| None);
    use_effect_with(progress.clone(), {
        let (form, cleared) = (form.clone(), cleared.clone());
        move |progress| {
            if let Some(form) = form.cast()
                && after_attempt(&form, progress)
            {
                cleared.replace(Some(browser::now()));
            }
        }
    });
    let onsubmit = {
        let (form, cleared, onsubmit) = (form.clone(), cleared.clone(), props.onsubmit.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            if is_intended(*cleared.borrow(), browser::now())
                && let Some(form) = form.cast()
            {
                onsubmit.emit(FormData::read(&form));
            }
        }
    };
    let oninput = move |_| {
        cleared.take();
    };
    let onclick = |click: MouseEvent| {
        if browser::is_repeated_click(&click) {
            click.prevent_default();
        }
    };
    html! {
        <form
            class="form"
            method="post"
            novalidate=true
            {oninput}
            onkeydown={|key: KeyboardEvent| ignore_held_enter(&key)}
            {onsubmit}
            ref={form}
        >
            {props.children.clone()}
            // The error is next to the button, because the top of the form may be out of view.
            if let Some(failure) = &progress.failure.form {
                {alert(failure)}
            }
            <button
                type="submit"
                class={classes!("button", "button-wide", props.dangerous.then_some("button-danger"))}
                disabled={progress.busy}
                aria-busy={progress.busy.then_some("true")}
                {onclick}
            >
                {text(if progress.busy { props.submitting } else { props.submit })}
            </button>
        </form>
    }
}

/// How long submissions are ignored after a form has been cleared.
const DEBOUNCE_MS: f64 = 500.0;

/// Returns whether a submission is intended. The second of two presses of Enter is not: the first
/// has cleared the form, so the second would replace its outcome with errors about empty fields.
fn is_intended(cleared_ms: Option<f64>, now_ms: f64) -> bool {
    cleared_ms.is_none_or(|cleared_ms| now_ms - cleared_ms >= DEBOUNCE_MS)
}

/// Moves the focus after an attempt. Clears all named inputs after a success, and
/// `progress.failure.clear` after a failure. Returns whether any input was cleared.
fn after_attempt(form: &HtmlFormElement, progress: &Progress) -> bool {
    if progress.busy || progress.attempts == 0 {
        return false;
    }
    if progress.has_succeeded() {
        // A reset would also clear the hidden username for password managers.
        named_inputs(form).iter().for_each(|input| input.set_value(""));
    }
    let cleared = progress.failure.clear.and_then(|name| first(form, &format!("[name={name}]")));
    if let Some(input) = cleared.as_ref().and_then(|input| input.dyn_ref::<HtmlInputElement>()) {
        input.set_value("");
    }
    let invalid = first(form, "[aria-invalid=true]").or(cleared);
    if invalid.is_some() {
        browser::focus(invalid);
    } else if !browser::has_focus_within(form) && !is_focus_taken(progress) {
        // The button lost the focus when it was disabled.
        browser::focus(first(form, "[type=submit]"));
    }
    progress.has_succeeded() || progress.failure.clear.is_some()
}

/// Returns whether another part of the page has taken the focus after a success.
fn is_focus_taken(progress: &Progress) -> bool {
    progress.has_succeeded() && !browser::has_lost_focus()
}

fn first(form: &HtmlFormElement, selector: &str) -> Option<Element> {
    form.query_selector(selector).ok()?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_was_just_cleared_is_not_submitted() {
        assert!(is_intended(None, 1_000.0));
        assert!(!is_intended(Some(1_000.0), 1_499.0));
        assert!(is_intended(Some(1_000.0), 1_500.0));
    }
}

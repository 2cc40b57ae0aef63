use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlFormElement, HtmlInputElement};
use yew::prelude::*;

use super::busy_button::spare_held_enter;
use super::typed::named_inputs;
use super::{Progress, Typed, alert};
use crate::browser;

/// Properties of [`Form`].
#[derive(Properties, PartialEq)]
pub struct FormProps {
    /// What the button reads.
    pub submit: &'static str,
    /// What the button reads while the server is asked.
    pub submitting: &'static str,
    /// Whether what it does cannot be undone.
    #[prop_or_default]
    pub dangerous: bool,
    /// How far it has come.
    pub progress: Progress,
    /// The user has filled it in.
    pub onsubmit: Callback<Typed>,
    /// Its fields.
    pub children: Html,
}

/// Fields and the button that sends them.
///
/// The inputs keep what is typed, and a password is nowhere else until it is sent.
#[component]
pub fn Form(props: &FormProps) -> Html {
    let progress = &props.progress;
    let form = use_node_ref();
    // When it was emptied, until something is typed.
    let emptied = use_mut_ref(|| None);
    use_effect_with(progress.clone(), {
        let (form, emptied) = (form.clone(), emptied.clone());
        move |progress| {
            if let Some(form) = form.cast()
                && attend_to(&form, progress)
            {
                emptied.replace(Some(browser::now()));
            }
        }
    });
    let onsubmit = {
        let (form, emptied, onsubmit) = (form.clone(), emptied.clone(), props.onsubmit.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            if is_meant(*emptied.borrow(), browser::now())
                && let Some(form) = form.cast()
            {
                onsubmit.emit(Typed::read(&form));
            }
        }
    };
    let oninput = move |_| {
        emptied.take();
    };
    let onclick = |click: MouseEvent| {
        if browser::is_repeated(&click) {
            click.prevent_default();
        }
    };
    html! {
        <form
            class="form"
            method="post"
            novalidate=true
            {oninput}
            onkeydown={|key: KeyboardEvent| spare_held_enter(&key)}
            {onsubmit}
            ref={form}
        >
            {props.children.clone()}
            // Next to the button: in a small window, what is further up may be out of sight.
            if let Some(text) = &progress.failure.form {
                {alert(html! { <p>{text}</p> })}
            }
            <button
                type="submit"
                class={classes!("button", "button-wide", props.dangerous.then_some("button-danger"))}
                disabled={progress.busy}
                aria-busy={progress.busy.then_some("true")}
                {onclick}
            >
                {if progress.busy { props.submitting } else { props.submit }}
            </button>
        </form>
    }
}

/// How long after a form was emptied nobody can mean what is in it.
const SURPRISE_MS: f64 = 500.0;

/// Whether a form is sent by somebody who has seen what is in it. Who presses Enter twice is
/// not: the first has emptied it, and the second would only hide what came of that.
fn is_meant(emptied_ms: Option<f64>, now_ms: f64) -> bool {
    emptied_ms.is_none_or(|emptied_ms| now_ms - emptied_ms >= SURPRISE_MS)
}

/// Leads to what has to be done after a try, and empties a form that has done what it is for.
/// Answers whether it emptied something.
fn attend_to(form: &HtmlFormElement, progress: &Progress) -> bool {
    if progress.busy || progress.attempts == 0 {
        return false;
    }
    if progress.has_succeeded() {
        // What was typed alone: a reset would take the address from the password manager too.
        named_inputs(form).iter().for_each(|input| input.set_value(""));
    }
    let forgotten = progress.failure.forget.and_then(|name| first(form, &format!("[name={name}]")));
    if let Some(input) = forgotten.as_ref().and_then(|input| input.dyn_ref::<HtmlInputElement>()) {
        input.set_value("");
    }
    let at_fault = first(form, "[aria-invalid=true]").or(forgotten);
    if at_fault.is_some() {
        browser::focus(at_fault);
    } else if !browser::has_focus_within(form) {
        // The button that was pressed has lost the focus: what is disabled has none.
        browser::focus(first(form, "[type=submit]"));
    }
    progress.has_succeeded() || progress.failure.forget.is_some()
}

fn first(form: &HtmlFormElement, selector: &str) -> Option<Element> {
    form.query_selector(selector).ok()?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_emptied_a_moment_ago_is_not_meant() {
        assert!(is_meant(None, 1_000.0));
        assert!(!is_meant(Some(1_000.0), 1_499.0));
        assert!(is_meant(Some(1_000.0), 1_500.0), "it was seen");
    }
}

use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlFormElement, HtmlInputElement};
use yew::prelude::*;

use super::typed::named_inputs;
use super::{Alert, Progress, Typed};
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
    use_effect_with(progress.clone(), {
        let form = form.clone();
        move |progress| {
            if let Some(form) = form.cast() {
                attend_to(&form, progress);
            }
        }
    });
    let onsubmit = {
        let (form, onsubmit) = (form.clone(), props.onsubmit.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            if let Some(form) = form.cast() {
                onsubmit.emit(Typed::read(&form));
            }
        }
    };
    html! {
        <form class="form" method="post" novalidate=true {onsubmit} ref={form}>
            {props.children.clone()}
            // Next to the button: in a small window, what is further up may be out of sight.
            if let Some(text) = &progress.failure.form {
                <Alert><p>{text}</p></Alert>
            }
            <button
                type="submit"
                class={classes!("button", "button-wide", props.dangerous.then_some("button-danger"))}
                disabled={progress.busy}
                aria-busy={progress.busy.then_some("true")}
            >
                {if progress.busy { props.submitting } else { props.submit }}
            </button>
        </form>
    }
}

/// Leads to what has to be done after a try, and empties a form that has done what it is for.
fn attend_to(form: &HtmlFormElement, progress: &Progress) {
    if progress.busy || progress.attempts == 0 {
        return;
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
}

fn first(form: &HtmlFormElement, selector: &str) -> Option<Element> {
    form.query_selector(selector).ok()?
}

use yew::prelude::*;

use super::field::hint_id;

/// A box to tick, which is not ticked at first. Its name in the form is its id in the document;
/// the label says what is agreed to by ticking it, and the hint what to know before.
pub fn checkbox(name: &'static str, label: &'static str, hint: &'static str) -> Html {
    html! {
        <div class="choice">
            <input id={name} name={name} type="checkbox" aria-describedby={hint_id(name)} />
            <label for={name}>{label}</label>
            <p id={hint_id(name)} class="field-hint">{hint}</p>
        </div>
    }
}

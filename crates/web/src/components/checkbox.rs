use yew::prelude::*;

use super::field::hint_id;

/// Renders a checkbox, unchecked at first. Its name is also its id.
pub fn checkbox(name: &'static str, label: &'static str, hint: &'static str) -> Html {
    html! {
        <div class="choice">
            <input id={name} name={name} type="checkbox" aria-describedby={hint_id(name)} />
            <label for={name}>{label}</label>
            <p id={hint_id(name)} class="field-hint">{hint}</p>
        </div>
    }
}

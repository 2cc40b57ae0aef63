use yew::prelude::*;

use super::field::hint_id;

/// Properties of [`Checkbox`].
#[derive(Properties, PartialEq)]
pub struct CheckboxProps {
    /// Its name in the form, and its id in the document.
    pub name: &'static str,
    /// What is agreed to by ticking it.
    pub label: &'static str,
    /// What to know before.
    pub hint: &'static str,
}

/// A box to tick, which is not ticked at first.
#[component]
pub fn Checkbox(props: &CheckboxProps) -> Html {
    let CheckboxProps { name, label, hint } = *props;
    html! {
        <div class="choice">
            <input id={name} name={name} type="checkbox" aria-describedby={hint_id(name)} />
            <label for={name}>{label}</label>
            <p id={hint_id(name)} class="field-hint">{hint}</p>
        </div>
    }
}

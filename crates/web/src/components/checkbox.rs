use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::field::hint_id;

/// Properties of [`Checkbox`].
#[derive(Properties, PartialEq)]
pub struct CheckboxProps {
    /// The name of the input, which is also its id.
    pub name: &'static str,
    /// The label.
    pub label: &'static str,
    /// The explanation below the label.
    pub hint: &'static str,
    /// `true` if the box is checked at first.
    pub initial: bool,
}

/// A checkbox.
#[component]
pub fn Checkbox(props: &CheckboxProps) -> Html {
    let CheckboxProps { name, label, hint, initial } = *props;
    let input = use_node_ref();
    // A `checked` attribute would undo the choice of the user with every render.
    use_effect_with((input.clone(), initial), |(input, initial)| {
        if let Some(input) = input.cast::<HtmlInputElement>() {
            input.set_default_checked(*initial);
        }
    });
    html! {
        <div class="choice">
            <input
                id={name}
                name={name}
                type="checkbox"
                aria-describedby={hint_id(name)}
                ref={input}
            />
            <label for={name}>{label}</label>
            <p id={hint_id(name)} class="field-hint">{hint}</p>
        </div>
    }
}

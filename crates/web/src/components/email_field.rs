use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::field::{described_by, field_error};
use crate::messages::FieldProblem;

const NAME: &str = "email";

/// Properties of [`EmailField`].
#[derive(Properties, PartialEq)]
pub struct EmailFieldProps {
    /// The initial value.
    #[prop_or_default]
    pub initial: AttrValue,
    /// The error next to the field.
    pub problem: Option<FieldProblem>,
    /// Called instead of following the error's link to the log-in page.
    #[prop_or_default]
    pub onlogin: Option<Callback<()>>,
}

/// A field for an email address.
///
/// It does not have `type="email"`, because browsers rewrite international domains in such a field.
/// The account should show the email address as the user typed it.
#[component]
pub fn EmailField(props: &EmailFieldProps) -> Html {
    let problem = props.problem;
    let input = use_node_ref();
    // A `value` attribute would overwrite the typed text with every render.
    use_effect_with((input.clone(), props.initial.clone()), |(input, initial)| {
        if let Some(input) = input.cast::<HtmlInputElement>() {
            input.set_default_value(initial);
        }
    });
    html! {
        <div class="field">
            <label for={NAME}>{"Email"}</label>
            <input
                id={NAME}
                name={NAME}
                type="text"
                inputmode="email"
                autocomplete="username"
                autocapitalize="none"
                autocorrect="off"
                spellcheck="false"
                aria-required="true"
                aria-invalid={problem.map(|_| "true")}
                aria-describedby={described_by(NAME, problem, false)}
                ref={input}
            />
            {field_error(NAME, problem, props.onlogin.clone())}
        </div>
    }
}

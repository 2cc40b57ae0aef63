use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::field::{described_by, field_error};
use crate::messages::FieldProblem;

const NAME: &str = "email";

/// Properties of [`EmailField`].
#[derive(Properties, PartialEq)]
pub struct EmailFieldProps {
    /// What it holds at first.
    #[prop_or_default]
    pub initial: AttrValue,
    /// What is wrong with it.
    pub problem: Option<FieldProblem>,
    /// What the link to the log-in page does, where the problem comes with one.
    #[prop_or_default]
    pub onlogin: Option<Callback<()>>,
}

/// An e-mail address. Not `type="email"`: browsers rewrite what is typed there, above all
/// international domains, and an account shows its address as its owner typed it.
#[component]
pub fn EmailField(props: &EmailFieldProps) -> Html {
    let problem = props.problem;
    let input = use_node_ref();
    // A `value` would be restored with every render, over what was typed since.
    use_effect_with((input.clone(), props.initial.clone()), |(input, initial)| {
        if let Some(input) = input.cast::<HtmlInputElement>() {
            input.set_default_value(initial);
        }
    });
    html! {
        <div class="field">
            <label for={NAME}>{"E-mail"}</label>
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

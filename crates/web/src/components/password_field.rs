use yew::prelude::*;

use super::FieldError;
use super::field::{described_by, hint_id};
use crate::messages::FieldProblem;

const NAME: &str = "password";

/// Properties of [`PasswordField`].
#[derive(Properties, PartialEq)]
pub struct PasswordFieldProps {
    /// `new-password` or `current-password`.
    pub autocomplete: &'static str,
    /// What to know before choosing one.
    #[prop_or_default]
    pub hint: Option<AttrValue>,
    /// What is wrong with it.
    pub problem: Option<FieldProblem>,
    /// The `input` element.
    pub input: NodeRef,
    /// Whether it is on its way to the server.
    #[prop_or_default]
    pub busy: bool,
}

/// A password, which can be made visible.
#[component]
pub fn PasswordField(props: &PasswordFieldProps) -> Html {
    let PasswordFieldProps { autocomplete, hint, problem, input, .. } = props;
    let shown = use_state(|| false);
    // What is typed after this try should not be in the clear unasked.
    use_effect_with(props.busy, {
        let shown = shown.setter();
        move |busy| {
            if *busy {
                shown.set(false);
            }
        }
    });
    let toggle = {
        let shown = shown.clone();
        move |_| shown.set(!*shown)
    };
    html! {
        <div class="field">
            <label for={NAME}>{"Password"}</label>
            // While it is visible, neither a spelling service nor a keyboard may see to it.
            <input
                id={NAME}
                name={NAME}
                type={if *shown { "text" } else { "password" }}
                autocomplete={*autocomplete}
                autocapitalize="none"
                autocorrect="off"
                spellcheck="false"
                aria-required="true"
                aria-invalid={problem.map(|_| "true")}
                aria-describedby={described_by(NAME, *problem, hint.is_some())}
                ref={input}
            />
            <FieldError field={NAME} problem={*problem} />
            <div class="field-foot">
                if let (Some(hint), None) = (hint, problem) {
                    <p id={hint_id(NAME)} class="field-hint">{hint}</p>
                }
                <button type="button" class="button button-link" onclick={toggle}>
                    {if *shown { "Hide password" } else { "Show password" }}
                </button>
            </div>
        </div>
    }
}

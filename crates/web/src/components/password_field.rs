use yew::prelude::*;

use super::field::{described_by, field_error, hint_id};
use crate::messages::FieldProblem;

/// Properties of [`PasswordField`].
#[derive(Properties, PartialEq)]
pub struct PasswordFieldProps {
    /// Its name in the form, and its id in the document.
    #[prop_or("password")]
    pub name: &'static str,
    /// What it is called, on the button that makes it visible too.
    #[prop_or("Password")]
    pub label: &'static str,
    /// `new-password` or `current-password`.
    pub autocomplete: &'static str,
    /// What to know before choosing one.
    #[prop_or_default]
    pub hint: Option<AttrValue>,
    /// What is wrong with it.
    pub problem: Option<FieldProblem>,
    /// Whether it is on its way to the server.
    #[prop_or_default]
    pub busy: bool,
}

/// A password, which can be made visible.
#[component]
pub fn PasswordField(props: &PasswordFieldProps) -> Html {
    let PasswordFieldProps { name, label, autocomplete, hint, problem, .. } = props;
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
            <label for={*name}>{label}</label>
            // While it is visible, neither a spelling service nor a keyboard may see to it.
            <input
                id={*name}
                name={*name}
                type={if *shown { "text" } else { "password" }}
                autocomplete={*autocomplete}
                autocapitalize="none"
                autocorrect="off"
                spellcheck="false"
                aria-required="true"
                aria-invalid={problem.map(|_| "true")}
                aria-describedby={described_by(name, *problem, hint.is_some())}
            />
            {field_error(name, *problem, None)}
            <div class="field-foot">
                if let (Some(hint), None) = (hint, problem) {
                    <p id={hint_id(name)} class="field-hint">{hint}</p>
                }
                <button type="button" class="button button-link" onclick={toggle}>
                    {format!("{} {}", if *shown { "Hide" } else { "Show" }, label.to_lowercase())}
                </button>
            </div>
        </div>
    }
}

use yew::prelude::*;

use super::field::{described_by, field_error, hint_id};
use super::text::text;
use crate::messages::FieldProblem;

/// Properties of [`PasswordField`].
#[derive(Properties, PartialEq)]
pub struct PasswordFieldProps {
    /// The name of the input.
    #[prop_or("password")]
    pub name: &'static str,
    /// The id of the input, if it is not the name.
    #[prop_or_default]
    pub id: Option<&'static str>,
    /// The label, which is also part of the toggle's text.
    #[prop_or("Password")]
    pub label: &'static str,
    /// `new-password` or `current-password`.
    pub autocomplete: &'static str,
    /// The rules for a new password.
    #[prop_or_default]
    pub hint: Option<AttrValue>,
    /// The error next to the field.
    pub problem: Option<FieldProblem>,
    /// `true` if the request is pending.
    #[prop_or_default]
    pub busy: bool,
}

/// A field for a password, with a toggle that shows and hides the password.
#[component]
pub fn PasswordField(props: &PasswordFieldProps) -> Html {
    let PasswordFieldProps { name, label, autocomplete, hint, problem, .. } = props;
    let id = props.id.unwrap_or(name);
    let shown = use_state(|| false);
    // A submission hides the password. Otherwise the next one would be visible while it is typed.
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
            <label for={id}>{label}</label>
            // The attributes that turn off capitalisation, correction and spell checking keep
            // keyboards and spelling services from processing a password that is shown.
            <input
                {id}
                name={*name}
                type={if *shown { "text" } else { "password" }}
                autocomplete={*autocomplete}
                autocapitalize="none"
                autocorrect="off"
                spellcheck="false"
                aria-required="true"
                aria-invalid={problem.map(|_| "true")}
                aria-describedby={described_by(id, *problem, hint.is_some())}
            />
            {field_error(id, *problem, None)}
            <div class="field-foot">
                if let (Some(hint), None) = (hint, problem) {
                    <p id={hint_id(id)} class="field-hint">{hint}</p>
                }
                <button type="button" class="button button-link" onclick={toggle}>
                    {text(format!("{} {}", if *shown { "Hide" } else { "Show" }, label.to_lowercase()))}
                </button>
            </div>
        </div>
    }
}

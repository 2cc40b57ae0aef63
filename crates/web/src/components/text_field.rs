use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::field::{described_by, field_error};
use crate::messages::FieldProblem;

/// The kind of text in a [`TextField`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextContent {
    /// The email address of the account.
    Username,
    /// Another email address.
    Email,
    /// The email address of the account, where a passkey can be used instead.
    UsernameOrPasskey,
    /// A code from a mail. Spaces and hyphens are allowed.
    Code,
    /// A code from an authenticator app: six digits.
    AppCode,
    /// A recovery code. Spaces and hyphens are allowed.
    RecoveryCode,
    /// The name of a passkey.
    PasskeyName,
}

impl TextContent {
    const fn autocomplete(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Email => "email",
            Self::UsernameOrPasskey => "username webauthn",
            Self::Code | Self::AppCode => "one-time-code",
            Self::RecoveryCode | Self::PasskeyName => "off",
        }
    }

    /// Returns the keyboard, and what the keyboard writes in capital letters.
    const fn keyboard(self) -> (&'static str, &'static str) {
        match self {
            Self::Username | Self::Email | Self::UsernameOrPasskey => ("email", "none"),
            Self::Code | Self::RecoveryCode => ("text", "characters"),
            Self::AppCode => ("numeric", "none"),
            Self::PasskeyName => ("text", "sentences"),
        }
    }
}

/// Properties of [`TextField`].
#[derive(Properties, PartialEq)]
pub struct TextFieldProps {
    /// The name of the input.
    pub name: &'static str,
    /// The id of the input, if it is not the name.
    #[prop_or_default]
    pub id: Option<&'static str>,
    /// The label.
    pub label: &'static str,
    /// The kind of text.
    pub content: TextContent,
    /// The initial value.
    #[prop_or_default]
    pub initial: AttrValue,
    /// The error next to the field.
    pub problem: Option<FieldProblem>,
    /// Called instead of following the error's link.
    #[prop_or_default]
    pub onfollow: Option<Callback<()>>,
}

/// A field for a text that is not a password.
///
/// A field for an email address does not have `type="email"`, because browsers rewrite
/// international domains in such a field. The account should show the email address as the user
/// typed it.
#[component]
pub fn TextField(props: &TextFieldProps) -> Html {
    let TextFieldProps { name, label, content, initial, problem, onfollow, .. } = props;
    let id = props.id.unwrap_or(name);
    let (inputmode, autocapitalize) = content.keyboard();
    let input = use_node_ref();
    // A `value` attribute would overwrite the typed text with every render.
    use_effect_with((input.clone(), initial.clone()), |(input, initial)| {
        if let Some(input) = input.cast::<HtmlInputElement>() {
            input.set_default_value(initial);
        }
    });
    html! {
        <div class="field">
            <label for={id}>{label}</label>
            <input
                {id}
                name={*name}
                type="text"
                {inputmode}
                autocomplete={content.autocomplete()}
                {autocapitalize}
                autocorrect="off"
                spellcheck="false"
                aria-required="true"
                aria-invalid={problem.map(|_| "true")}
                aria-describedby={described_by(id, *problem, false)}
                ref={input}
            />
            {field_error(id, *problem, onfollow.clone())}
        </div>
    }
}

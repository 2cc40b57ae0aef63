use api_types::ChangePasswordRequest;
use auth_core::PasswordPolicy;
use yew::prelude::*;

use super::account_of_form;
use crate::api;
use crate::components::{Failure, Form, PasswordField, Typed, status};
use crate::messages::FieldProblem;
use crate::pages::new_password;
use crate::pages::submission::use_submission;
use crate::session::{SessionHandle, use_session};

const CURRENT: &str = "current_password";
const NEW: &str = "new_password";
const CHANGED: &str = "Your password is changed. Your other sessions have ended.";

#[derive(Properties, PartialEq)]
pub(super) struct PasswordSectionProps {
    pub(super) email: AttrValue,
    pub(super) policy: PasswordPolicy,
    /// The password is another one now.
    pub(super) onchanged: Callback<()>,
}

#[component]
pub(super) fn PasswordSection(props: &PasswordSectionProps) -> Html {
    let PasswordSectionProps { email, policy, onchanged } = props;
    let session = use_session();
    let (progress, onsubmit) = use_submission({
        let (email, policy, onchanged) = (email.clone(), *policy, onchanged.clone());
        async move |typed: Typed| {
            check(&typed, policy, &email).into_result()?;
            change(&typed, &session, policy).await?;
            onchanged.emit(());
            Ok(())
        }
    });
    let (current, new) = (progress.failure.at(CURRENT), progress.failure.at(NEW));
    html! {
        <section class="setting" aria-labelledby="settings-password">
            <h2 id="settings-password">{"Password"}</h2>
            <p>{"A new password ends every other session of yours: whoever knew the old one is out."}</p>
            <Form
                submit="Change password"
                submitting="Changing…"
                progress={progress.clone()}
                {onsubmit}
            >
                {account_of_form(email)}
                <PasswordField
                    name={CURRENT}
                    label="Current password"
                    autocomplete="current-password"
                    problem={current}
                    busy={progress.busy}
                />
                <PasswordField
                    name={NEW}
                    label="New password"
                    autocomplete="new-password"
                    hint={new_password::hint(*policy)}
                    problem={new}
                    busy={progress.busy}
                />
            </Form>
            {status(progress.has_succeeded().then_some(CHANGED.into()))}
        </section>
    }
}

async fn change(
    typed: &Typed,
    session: &SessionHandle,
    policy: PasswordPolicy,
) -> Result<(), Failure> {
    let [current_password, new_password] = [CURRENT, NEW].map(|name| typed.text(name).to_owned());
    let passwords = ChangePasswordRequest { current_password, new_password };
    session
        .authorized(async |token: &str| api::change_password(token, &passwords).await)
        .await
        .map_err(|error| Failure::from_error(&error, &[CURRENT, NEW], policy.min_length()))
}

/// What the server would find, but for whether the current password is right.
fn check(typed: &Typed, policy: PasswordPolicy, email: &str) -> Failure {
    let missing = typed.text(CURRENT).is_empty().then_some(FieldProblem::PasswordMissing);
    let problem = new_password::problem(typed.text(NEW), policy, email);
    Failure::of_fields([(CURRENT, missing), (NEW, problem)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(current: &str, new: &str) -> (Option<FieldProblem>, Option<FieldProblem>) {
        let typed = [(CURRENT, current), (NEW, new)];
        let typed = typed.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let policy = PasswordPolicy::default();
        let failure = check(&Typed::from_iter(typed), policy, "ada@example.com");
        (failure.at(CURRENT), failure.at(NEW))
    }

    #[test]
    fn whatever_was_a_password_once_may_be_the_current_one() {
        assert_eq!(problems("x", "a long walk"), (None, None));
    }

    #[test]
    fn the_new_password_is_checked_as_at_the_sign_up() {
        let (missing, too_short) =
            (Some(FieldProblem::PasswordMissing), Some(FieldProblem::PasswordTooShort(8)));
        assert_eq!(problems("", "short"), (missing, too_short));
        let common = (None, Some(FieldProblem::PasswordCommon));
        assert_eq!(problems("x", "Ada@example.com"), common);
        assert_eq!(problems("x", "latchkey"), common);
    }
}

use api_types::ChangePasswordRequest;
use auth_core::PasswordPolicy;
use yew::prelude::*;
use yew_session::{SessionHandle, use_session};

use crate::api;
use crate::components::{Failure, Form, FormData, PasswordField, hidden_username, status};
use crate::messages::FieldProblem;
use crate::pages::new_password;
use crate::pages::submission::use_submission;

const CURRENT: &str = "current_password";
const NEW: &str = "new_password";
const CHANGED: &str = "Your password has been changed. All other sessions have ended.";

#[derive(Properties, PartialEq)]
pub(super) struct PasswordSectionProps {
    pub(super) email: AttrValue,
    pub(super) policy: PasswordPolicy,
    /// Called after the password has been changed.
    pub(super) onchanged: Callback<()>,
}

#[component]
pub(super) fn PasswordSection(props: &PasswordSectionProps) -> Html {
    let PasswordSectionProps { email, policy, onchanged } = props;
    let session = use_session();
    let (progress, onsubmit) = use_submission({
        let (email, policy, onchanged) = (email.clone(), *policy, onchanged.clone());
        async move |data: FormData| {
            check(&data, policy, &email).into_result()?;
            change(&data, &session, policy).await?;
            onchanged.emit(());
            Ok(())
        }
    });
    let (current, new) = (progress.failure.at(CURRENT), progress.failure.at(NEW));
    html! {
        <section class="setting" aria-labelledby="settings-password">
            <h2 id="settings-password" tabindex="-1">{"Password"}</h2>
            <p>{"Changing your password logs you out everywhere else."}</p>
            <Form
                submit="Change password"
                submitting="Changing…"
                progress={progress.clone()}
                {onsubmit}
            >
                {hidden_username(email)}
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
    data: &FormData,
    session: &SessionHandle,
    policy: PasswordPolicy,
) -> Result<(), Failure> {
    let [current_password, new_password] = [CURRENT, NEW].map(|name| data.text(name).to_owned());
    let passwords = ChangePasswordRequest { current_password, new_password };
    session
        .authorized_fresh(api::change_password(&passwords))
        .await
        .map_err(|error| Failure::from_error(&error, &[CURRENT, NEW], policy.min_length()))
}

/// Returns the errors that can be found without the server. Only the server can tell whether the
/// current password is right and whether the new one is in the list of common passwords.
fn check(data: &FormData, policy: PasswordPolicy, email: &str) -> Failure {
    let missing = data.text(CURRENT).is_empty().then_some(FieldProblem::PasswordMissing);
    let problem = new_password::problem(data.text(NEW), policy, email);
    Failure::from_fields([(CURRENT, missing), (NEW, problem)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(current: &str, new: &str) -> (Option<FieldProblem>, Option<FieldProblem>) {
        let data = [(CURRENT, current), (NEW, new)];
        let data = data.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let policy = PasswordPolicy::default();
        let failure = check(&FormData::from_iter(data), policy, "ada@example.com");
        (failure.at(CURRENT), failure.at(NEW))
    }

    #[test]
    fn any_text_is_accepted_as_the_current_password() {
        assert_eq!(problems("x", "a long walk"), (None, None));
    }

    #[test]
    fn the_new_password_is_checked_like_at_sign_up() {
        let (missing, too_short) =
            (Some(FieldProblem::PasswordMissing), Some(FieldProblem::PasswordTooShort(8)));
        assert_eq!(problems("", "short"), (missing, too_short));
        let common = (None, Some(FieldProblem::PasswordCommon));
        assert_eq!(problems("x", "Ada@example.com"), common);
        assert_eq!(problems("x", "latchkey"), common);
    }
}

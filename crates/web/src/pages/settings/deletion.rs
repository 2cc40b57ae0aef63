use api_types::DeleteAccountRequest;
use auth_core::PasswordPolicy;
use yew::prelude::*;

use super::account_of_form;
use crate::api;
use crate::components::{Failure, Form, PasswordField, Typed};
use crate::messages::FieldProblem;
use crate::pages::submission::use_submission;
use crate::session::{SessionHandle, use_session};

const PASSWORD: &str = "password";

#[derive(Properties, PartialEq)]
pub(super) struct DeletionSectionProps {
    pub(super) email: AttrValue,
    pub(super) policy: PasswordPolicy,
}

#[component]
pub(super) fn DeletionSection(props: &DeletionSectionProps) -> Html {
    let DeletionSectionProps { email, policy } = props;
    let session = use_session();
    let policy = *policy;
    let (progress, onsubmit) =
        use_submission(async move |typed: Typed| delete(&typed, &session, policy).await);
    html! {
        <section class="setting" aria-labelledby="settings-deletion">
            <h2 id="settings-deletion">{"Delete your account"}</h2>
            <p>
                {"Your account, all your sessions and everything else that Latchkey holds about you \
                  are gone at once and for good. Nobody can bring them back. The address is free \
                  again then, for a new account too."}
            </p>
            <Form
                submit="Delete account"
                submitting="Deleting…"
                dangerous=true
                progress={progress.clone()}
                {onsubmit}
            >
                {account_of_form(email)}
                <PasswordField
                    name={PASSWORD}
                    autocomplete="current-password"
                    problem={progress.failure.at(PASSWORD)}
                    busy={progress.busy}
                />
            </Form>
        </section>
    }
}

async fn delete(
    typed: &Typed,
    session: &SessionHandle,
    policy: PasswordPolicy,
) -> Result<(), Failure> {
    check(typed).into_result()?;
    let request = DeleteAccountRequest { password: typed.text(PASSWORD).to_owned() };
    session
        .authorized(async |token: &str| api::delete_account(token, &request).await)
        .await
        .map_err(|error| Failure::from_error(&error, &[PASSWORD], policy.min_length()))?;
    session.end_with_account();
    Ok(())
}

/// An empty field is not sent: it would count as an attempt.
fn check(typed: &Typed) -> Failure {
    let missing = typed.text(PASSWORD).is_empty();
    Failure::of_fields([(PASSWORD, missing.then_some(FieldProblem::PasswordMissing))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_password_is_told_at_its_field() {
        let typed = |text: &str| Typed::from_iter([(PASSWORD.to_owned(), text.to_owned())]);
        assert_eq!(check(&typed("")).at(PASSWORD), Some(FieldProblem::PasswordMissing));
        assert_eq!(check(&typed("x")), Failure::default());
    }
}

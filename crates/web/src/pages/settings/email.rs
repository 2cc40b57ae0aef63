use api_types::{ChangeEmailRequest, CodeRequest};
use auth_core::PasswordPolicy;
use yew::prelude::*;
use yew_session::{SessionHandle, User, use_session};

use crate::components::{
    CodeForm, Failure, Form, FormData, Link, PasswordField, TextContent, TextField,
    hidden_username, quiet_button, status,
};
use crate::messages::FieldProblem;
use crate::pages::email::{email_problem, entered_code, failure, use_code_progress};
use crate::pages::submission::use_submission;
use crate::routes::Route;
use crate::{api, browser, webauthn};

/// The input for the new email address, which is `email` in the request.
const NEW: &str = "new_email";
const PASSWORD: &str = "password";
const HEADING: &str = "settings-email";
const CHANGED: &str = "Your e-mail address has been changed. All other sessions have ended.";

#[derive(Properties, PartialEq)]
pub(super) struct EmailSectionProps {
    pub(super) user: User,
    pub(super) policy: PasswordPolicy,
    /// Called after a change of the email address was requested or made.
    pub(super) onchanged: Callback<()>,
}

#[component]
pub(super) fn EmailSection(props: &EmailSectionProps) -> Html {
    let EmailSectionProps { user, policy, onchanged } = props;
    let session = use_session();
    // The new email address, until its code has been entered. It is empty if the code was requested
    // before the page was loaded.
    let pending = use_state(|| None::<AttrValue>);
    let (request, onrequest) = use_submission({
        let (policy, session, onchanged) = (*policy, session.clone(), onchanged.clone());
        let pending = pending.setter();
        async move |data: FormData| {
            request_change(&data, &session, policy).await?;
            pending.set(Some(data.text(NEW).trim().to_owned().into()));
            onchanged.emit(());
            Ok(())
        }
    });
    let (change, onchange) = use_submission({
        let (pending, onchanged) = (pending.setter(), onchanged.clone());
        async move |data: FormData| {
            confirm(&data, &session).await?;
            pending.set(None);
            onchanged.emit(());
            Ok(())
        }
    });
    let change = use_code_progress(change, &request);
    use_effect_with((*pending).clone(), {
        let has_succeeded = change.has_succeeded();
        move |pending| {
            if pending.is_some() {
                browser::focus(browser::element(CodeForm::FIELD));
            } else if has_succeeded && browser::has_lost_focus() {
                // The focused button was removed together with its form.
                browser::focus(browser::element(HEADING));
            }
        }
    });
    let is_changed = pending.is_none() && change.has_succeeded();
    let sent = pending.as_ref().filter(|email| !email.is_empty() && request.has_succeeded());
    let onhas_code = {
        let pending = pending.setter();
        Callback::from(move |()| pending.set(Some(AttrValue::default())))
    };
    html! {
        <section class="setting" aria-labelledby={HEADING}>
            <h2 id={HEADING} tabindex="-1">{"E-mail"}</h2>
            {address(user)}
            <Form
                submit="Change e-mail address"
                submitting="Sending…"
                progress={request.clone()}
                onsubmit={onrequest}
            >
                {hidden_username(&user.email.clone().into())}
                <TextField
                    name={NEW}
                    label="New e-mail address"
                    content={TextContent::Email}
                    problem={request.failure.at(NEW)}
                />
                // The dialog that deletes the account has another field with this name.
                <PasswordField
                    name={PASSWORD}
                    id="email-password"
                    autocomplete="current-password"
                    problem={request.failure.at(PASSWORD)}
                    busy={request.busy}
                />
            </Form>
            {status(sent.map(|email| format!("We have sent a code to {email}.").into()))}
            if pending.is_some() {
                <CodeForm
                    submit="Confirm"
                    submitting="Confirming…"
                    progress={change}
                    onsubmit={onchange}
                />
            } else {
                {quiet_button("I already have a code", &request, onhas_code)}
            }
            {status(is_changed.then_some(CHANGED.into()))}
        </section>
    }
}

/// Renders the email address, and whether it is verified.
fn address(user: &User) -> Html {
    html! {
        <p class="setting-email">
            <strong key={&*user.email}>{&user.email}</strong>
            if user.email_verified_at.is_some() {
                <span key="verified">{"Confirmed"}</span>
            } else {
                <span key="unverified">{"Not confirmed"}</span>
                <Link to={Route::Verify}>{"Confirm it"}</Link>
            }
        </p>
    }
}

async fn request_change(
    data: &FormData,
    session: &SessionHandle,
    policy: PasswordPolicy,
) -> Result<(), Failure> {
    check(data).into_result()?;
    let [email, password] = [NEW, PASSWORD].map(|name| data.text(name).to_owned());
    let request = ChangeEmailRequest { email, password };
    let answer = session.authorized_fresh(api::request_email_change(&request));
    answer.await.map(drop).map_err(|error| {
        let mut failure = Failure::from_error(&error, &["email", PASSWORD], policy.min_length());
        if let Some((field, _)) = failure.fields.iter_mut().find(|(name, _)| *name == "email") {
            *field = NEW;
        }
        failure
    })
}

async fn confirm(data: &FormData, session: &SessionHandle) -> Result<(), Failure> {
    let code = CodeRequest { code: entered_code(data)? };
    let answer = session.authorized(api::change_email(&code)).await;
    let me = answer.map_err(|error| failure(&error, CodeForm::FIELD))?;
    let handle = webauthn::user_handle(&me.id);
    webauthn::signal_current_user_details(&webauthn::rp_id(), &handle, &me.email);
    session.user_changed(me);
    Ok(())
}

/// Returns the errors that can be found without the server.
fn check(data: &FormData) -> Failure {
    let missing = data.text(PASSWORD).is_empty().then_some(FieldProblem::PasswordMissing);
    Failure::from_fields([(NEW, email_problem(data.text(NEW))), (PASSWORD, missing)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(email: &str, password: &str) -> (Option<FieldProblem>, Option<FieldProblem>) {
        let data = [(NEW, email), (PASSWORD, password)];
        let data = data.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let failure = check(&FormData::from_iter(data));
        (failure.at(NEW), failure.at(PASSWORD))
    }

    #[test]
    fn any_text_is_accepted_as_the_password() {
        assert_eq!(problems("ada@example.org", "x"), (None, None));
    }

    #[test]
    fn all_errors_are_reported_together() {
        let missing = Some(FieldProblem::PasswordMissing);
        assert_eq!(problems("", ""), (Some(FieldProblem::EmailMissing), missing));
        assert_eq!(problems("ada", "x"), (Some(FieldProblem::EmailInvalid), None));
    }
}

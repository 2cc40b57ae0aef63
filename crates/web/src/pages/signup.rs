use api_types::{ErrorCode, SignupRequest, User};
use auth_core::{Email, PasswordPolicy};
use yew::prelude::*;
use yew_router::hooks::{use_location, use_navigator};
use yew_session::ApiError;

use super::email::{EMAIL, email_problem, use_login_state, use_other_login};
use super::new_password;
use super::signup_off::SignupOff;
use super::submission::{use_is_mounted, use_submission};
use crate::api;
use crate::components::{
    Failure, Form, FormData, Link, PasswordField, TextContent, TextField, door, use_page_title,
};
use crate::messages::FieldProblem;
use crate::routes::{Route, follow_sign_up, mail_link};
use crate::sign_up::SignUp;

const FIELDS: [&str; 2] = [EMAIL, "password"];

/// Properties of [`Signup`].
#[derive(Properties, PartialEq)]
pub struct SignupProps {
    /// The rules for a new password.
    pub policy: PasswordPolicy,
    /// `true` if visitors can create accounts without an invitation.
    pub sign_up: SignUp,
}

/// The sign-up page, which creates an account. Where visitors cannot do so, the link of an
/// invitation still can.
#[component]
pub fn Signup(props: &SignupProps) -> Html {
    let SignupProps { policy, sign_up } = *props;
    let link = use_location().as_ref().map(mail_link).unwrap_or_default();
    let invitation = (!link.token.is_empty()).then_some(link.token);
    if sign_up == SignUp::Off && invitation.is_none() {
        return html! { <SignupOff /> };
    }
    html! { <SignupForm {policy} {invitation} /> }
}

#[derive(Clone, Properties, PartialEq)]
struct SignupFormProps {
    policy: PasswordPolicy,
    invitation: Option<String>,
}

#[component]
fn SignupForm(props: &SignupFormProps) -> Html {
    use_page_title("Sign up");
    let SignupFormProps { policy, invitation } = props.clone();
    let lead = match invitation {
        Some(_) => "You are invited. Use the e-mail address that the invitation is for.",
        None => "All you need is an e-mail address and a password.",
    };
    let navigator = use_navigator();
    let location = use_location();
    let is_mounted = use_is_mounted();
    let entered = use_login_state();
    let (progress, onsubmit) = use_submission(async move |data: FormData| {
        let user = sign_up(&data, policy, invitation.clone()).await?;
        // Do not navigate if the user has already left this page.
        if is_mounted()
            && let (Some(navigator), Some(location)) = (&navigator, &location)
        {
            follow_sign_up(navigator, location, user.email.into());
        }
        Ok(())
    });
    let onlogin = use_other_login(entered.clone()).reform(|()| Route::Login);
    let (email, password) = (progress.failure.at("email"), progress.failure.at("password"));
    html! {
        <article class="auth">
            {door()}
            <div class="auth-form">
                <h1 tabindex="-1">{"Sign up"}</h1>
                <p class="lead">{lead}</p>
                <Form submit="Sign up" submitting="Signing up…" progress={progress.clone()} {onsubmit}>
                    <TextField
                        name={EMAIL}
                        label="E-mail"
                        content={TextContent::Username}
                        initial={entered.email}
                        problem={email}
                        onfollow={onlogin.clone()}
                    />
                    <PasswordField
                        autocomplete="new-password"
                        hint={new_password::hint(policy)}
                        problem={password}
                        busy={progress.busy}
                    />
                </Form>
                <p class="auth-other">
                    {"Already have an account? "}
                    <Link to={Route::Login} onfollow={onlogin}>{"Log in"}</Link>
                </p>
            </div>
        </article>
    }
}

async fn sign_up(
    data: &FormData,
    policy: PasswordPolicy,
    invitation: Option<String>,
) -> Result<User, Failure> {
    check(data, policy).into_result()?;
    let [email, password] = FIELDS.map(|name| data.text(name).to_owned());
    let request = SignupRequest { email, password, invitation };
    api::sign_up(&request).send().await.map_err(|error| rejected(&error, policy))
}

/// Returns the errors that can be found without the server. Only the server knows the email
/// addresses that are taken, and the list of common passwords.
fn check(data: &FormData, policy: PasswordPolicy) -> Failure {
    let [email, password] = FIELDS.map(|name| data.text(name));
    let parsed = Email::parse(email);
    let address = parsed.as_ref().map_or(email, Email::as_str);
    let password_problem = new_password::problem(password, policy, address);
    Failure::from_fields([("email", email_problem(email)), ("password", password_problem)])
}

fn rejected(error: &ApiError, policy: PasswordPolicy) -> Failure {
    if let ApiError::Rejected(rejection) = error
        && rejection.code == Some(ErrorCode::EmailTaken)
    {
        return Failure::from_fields([("email", Some(FieldProblem::EmailTaken))]);
    }
    Failure::from_error(error, &FIELDS, policy.min_length())
}

#[cfg(test)]
mod tests {
    use super::*;
    use yew_session::Rejection;

    fn problems(email: &str, password: &str) -> (Option<FieldProblem>, Option<FieldProblem>) {
        let data = [("email", email), ("password", password)];
        let data = data.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let failure = check(&FormData::from_iter(data), PasswordPolicy::default());
        (failure.at("email"), failure.at("password"))
    }

    #[test]
    fn valid_input_has_no_error() {
        assert_eq!(problems("ada@example.com", "a long walk"), (None, None));
        assert_eq!(problems(" ada@bücher.example ", "🗝🗝🗝🗝🗝🗝🗝🗝"), (None, None));
        assert_eq!(problems("\u{a0}ada\u{200b}＠example.com", "a long walk"), (None, None));
    }

    #[test]
    fn an_ip_address_is_not_a_domain() {
        let invalid = (Some(FieldProblem::EmailInvalid), None);
        assert_eq!(problems("ada@127.0.0.1", "a long walk"), invalid);
    }

    #[test]
    fn all_errors_are_reported_together() {
        let too_short = Some(FieldProblem::PasswordTooShort(8));
        assert_eq!(problems("", ""), (Some(FieldProblem::EmailMissing), too_short));
        assert_eq!(problems("ada", "short"), (Some(FieldProblem::EmailInvalid), too_short));
    }

    #[test]
    fn the_email_and_the_name_of_the_app_are_rejected_as_passwords() {
        let common = (None, Some(FieldProblem::PasswordCommon));
        assert_eq!(problems("ada@example.com", "ADA@example.com"), common);
        assert_eq!(problems("ada@example.com", "latchkey"), common);
    }

    #[test]
    fn a_taken_email_is_an_error_of_the_email_field() {
        let error = ApiError::Rejected(Rejection {
            status: 409,
            code: Some(ErrorCode::EmailTaken),
            ..Rejection::default()
        });
        let failure = rejected(&error, PasswordPolicy::default());
        assert_eq!(failure.at("email"), Some(FieldProblem::EmailTaken));
        assert_eq!(failure.form, None);
    }
}

use api_types::{ErrorCode, SignupRequest};
use auth_core::{Email, NewPassword, PasswordPolicy};
use yew::prelude::*;

use super::submission::use_submission;
use crate::api::{self, ApiError};
use crate::components::{AppLink, Credentials, CredentialsForm, Door, Failure, use_page_title};
use crate::messages::FieldProblem;
use crate::navigation::{self, Arrival, Notice};
use crate::route::Route;

/// Properties of [`SignupPage`].
#[derive(Properties, PartialEq)]
pub struct SignupPageProps {
    /// What a new password must satisfy.
    pub policy: PasswordPolicy,
}

/// Where an account is made.
#[component]
pub fn SignupPage(props: &SignupPageProps) -> Html {
    use_page_title("Sign up");
    let policy = props.policy;
    // What the link to the log-in page takes along.
    let email = use_mut_ref(AttrValue::default);
    let (progress, onsubmit) = use_submission({
        let email = email.clone();
        async move |credentials: Credentials| {
            *email.borrow_mut() = credentials.email.clone().into();
            sign_up(credentials, policy).await
        }
    });
    let onlogin = Callback::from(move |()| {
        navigation::push_login(Arrival { email: email.borrow().clone(), notice: None });
    });
    html! {
        <article class="entrance">
            <Door />
            <div class="entrance-form">
                <h1 tabindex="-1">{"Sign up"}</h1>
                <p class="lead">{"An e-mail address and a password are all it takes."}</p>
                <CredentialsForm
                    submit="Sign up"
                    submitting="Signing up…"
                    autocomplete="new-password"
                    hint={hint(policy)}
                    {progress}
                    {onsubmit}
                    {onlogin}
                />
                <p class="entrance-other">
                    {"You have an account? "}
                    <AppLink to={Route::Login}>{"Log in"}</AppLink>
                </p>
            </div>
        </article>
    }
}

fn hint(policy: PasswordPolicy) -> AttrValue {
    match policy.min_length() {
        1 => "Any characters, spaces too. A few words are better than one.".into(),
        min => format!("At least {min} characters of any kind, spaces too.").into(),
    }
}

async fn sign_up(credentials: Credentials, policy: PasswordPolicy) -> Result<(), Failure> {
    check(&credentials, policy)?;
    let Credentials { email, password } = credentials;
    let request = SignupRequest { email, password };
    let user = api::sign_up(&request).await.map_err(|error| refused(&error, policy))?;
    // Who has gone elsewhere meanwhile stays there.
    if navigation::is_at(Route::Signup) {
        let notice = Some(Notice::AccountCreated);
        navigation::replace_with_login(Arrival { email: user.email.into(), notice });
    }
    Ok(())
}

/// The very checks that the server makes, before it is bothered.
fn check(credentials: &Credentials, policy: PasswordPolicy) -> Result<(), Failure> {
    let Credentials { email, password } = credentials;
    let parsed = Email::parse(email);
    let typed = parsed.as_ref().map_or(email.as_str(), Email::as_str);
    let failure = Failure {
        email: match &parsed {
            Ok(_) => None,
            Err(_) if typed.trim().is_empty() => Some(FieldProblem::EmailMissing),
            Err(_) => Some(FieldProblem::EmailInvalid),
        },
        password: NewPassword::parse(password.as_str(), &policy, &[typed, "Latchkey"])
            .err()
            .map(FieldProblem::from),
        ..Failure::default()
    };
    if failure == Failure::default() { Ok(()) } else { Err(failure) }
}

fn refused(error: &ApiError, policy: PasswordPolicy) -> Failure {
    if let ApiError::Refused(refusal) = error
        && refusal.code == Some(ErrorCode::EmailTaken)
    {
        return Failure { email: Some(FieldProblem::EmailTaken), ..Failure::default() };
    }
    Failure::from_error(error, policy.min_length())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Refusal;

    fn problems(email: &str, password: &str) -> (Option<FieldProblem>, Option<FieldProblem>) {
        let credentials = Credentials { email: email.to_owned(), password: password.to_owned() };
        let failure = check(&credentials, PasswordPolicy::default()).err().unwrap_or_default();
        (failure.email, failure.password)
    }

    #[test]
    fn what_the_server_would_take_is_sent() {
        assert_eq!(problems("ada@example.com", "a long walk"), (None, None));
        assert_eq!(problems(" ada@bücher.example ", "🗝🗝🗝🗝🗝🗝🗝🗝"), (None, None));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let too_short = Some(FieldProblem::PasswordTooShort(8));
        assert_eq!(problems("", ""), (Some(FieldProblem::EmailMissing), too_short));
        assert_eq!(problems("ada", "short"), (Some(FieldProblem::EmailInvalid), too_short));
    }

    #[test]
    fn neither_the_address_nor_the_name_of_the_house_is_a_password() {
        let common = (None, Some(FieldProblem::PasswordCommon));
        assert_eq!(problems("ada@example.com", "ADA@example.com"), common);
        assert_eq!(problems("ada@example.com", "latchkey"), common);
        assert_eq!(problems("ada@example.com", "password1"), common);
    }

    #[test]
    fn a_taken_address_is_a_problem_of_its_field() {
        let error = ApiError::Refused(Refusal {
            status: 409,
            code: Some(ErrorCode::EmailTaken),
            ..Refusal::default()
        });
        let failure = refused(&error, PasswordPolicy::default());
        assert_eq!(failure.email, Some(FieldProblem::EmailTaken));
        assert_eq!(failure.form, None);
    }
}

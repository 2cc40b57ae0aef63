use api_types::{ErrorCode, SignupRequest};
use auth_core::{Email, PasswordPolicy};
use yew::prelude::*;

use super::new_password;
use super::submission::use_submission;
use crate::api::{self, ApiError};
use crate::components::{
    EmailField, Failure, Form, Link, PasswordField, Typed, door, use_page_title,
};
use crate::messages::FieldProblem;
use crate::navigation::{self, Arrival, Notice};
use crate::route::Route;

const FIELDS: [&str; 2] = ["email", "password"];

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
        async move |typed: Typed| {
            *email.borrow_mut() = typed.text("email").to_owned().into();
            sign_up(&typed, policy).await
        }
    });
    let onlogin = Callback::from(move |()| {
        navigation::push_login(Arrival { email: email.borrow().clone(), notice: None });
    });
    let (email, password) = (progress.failure.at("email"), progress.failure.at("password"));
    html! {
        <article class="entrance">
            {door()}
            <div class="entrance-form">
                <h1 tabindex="-1">{"Sign up"}</h1>
                <p class="lead">{"An e-mail address and a password are all it takes."}</p>
                <Form submit="Sign up" submitting="Signing up…" progress={progress.clone()} {onsubmit}>
                    <EmailField problem={email} {onlogin} />
                    <PasswordField
                        autocomplete="new-password"
                        hint={new_password::hint(policy)}
                        problem={password}
                        busy={progress.busy}
                    />
                </Form>
                <p class="entrance-other">
                    {"You have an account? "}
                    {Link::to(Route::Login).show(html! { "Log in" })}
                </p>
            </div>
        </article>
    }
}

async fn sign_up(typed: &Typed, policy: PasswordPolicy) -> Result<(), Failure> {
    check(typed, policy).into_result()?;
    let [email, password] = FIELDS.map(|name| typed.text(name).to_owned());
    let request = SignupRequest { email, password };
    let user = api::sign_up(&request).await.map_err(|error| refused(&error, policy))?;
    // Who has gone elsewhere meanwhile stays there.
    if navigation::is_at(Route::Signup) {
        let notice = Some(Notice::AccountCreated);
        navigation::replace_with_login(Arrival { email: user.email.into(), notice });
    }
    Ok(())
}

/// What the server would find, but for a password that is among the commonest.
fn check(typed: &Typed, policy: PasswordPolicy) -> Failure {
    let [email, password] = FIELDS.map(|name| typed.text(name));
    let parsed = Email::parse(email);
    let address = parsed.as_ref().map_or(email, Email::as_str);
    let of_email = match &parsed {
        Ok(_) => None,
        Err(_) if email.trim().is_empty() => Some(FieldProblem::EmailMissing),
        Err(_) => Some(FieldProblem::EmailInvalid),
    };
    let of_password = new_password::problem(password, policy, address);
    Failure::of_fields([("email", of_email), ("password", of_password)])
}

fn refused(error: &ApiError, policy: PasswordPolicy) -> Failure {
    if let ApiError::Refused(refusal) = error
        && refusal.code == Some(ErrorCode::EmailTaken)
    {
        return Failure::of_fields([("email", Some(FieldProblem::EmailTaken))]);
    }
    Failure::from_error(error, &FIELDS, policy.min_length())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Refusal;

    fn problems(email: &str, password: &str) -> (Option<FieldProblem>, Option<FieldProblem>) {
        let typed = [("email", email), ("password", password)];
        let typed = typed.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let failure = check(&Typed::from_iter(typed), PasswordPolicy::default());
        (failure.at("email"), failure.at("password"))
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
    }

    #[test]
    fn a_taken_address_is_a_problem_of_its_field() {
        let error = ApiError::Refused(Refusal {
            status: 409,
            code: Some(ErrorCode::EmailTaken),
            ..Refusal::default()
        });
        let failure = refused(&error, PasswordPolicy::default());
        assert_eq!(failure.at("email"), Some(FieldProblem::EmailTaken));
        assert_eq!(failure.form, None);
    }
}

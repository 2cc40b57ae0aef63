use std::rc::Rc;

use api_types::{ErrorCode, TokenRequest};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::submission::use_submission;
use crate::api::{self, ApiError};
use crate::components::{
    EmailField, Failure, Form, Link, PasswordField, Typed, alert, checkbox, door, status,
    use_page_title,
};
use crate::history::Location;
use crate::messages::{FieldProblem, describe};
use crate::navigation::{self, Arrival, Notice};
use crate::route::Route;
use crate::session::{SessionHandle, in_turn, use_session};

const REMEMBER: &str = "Also when the browser was closed. For a computer of your own.";
const UNCERTAIN: &str = "This tab is logged out, but the server could not be told: your session may \
    still be alive there, until it ends by itself. To be sure, log in once more and then log out.";

/// Properties of [`LoginPage`].
#[derive(Properties, PartialEq)]
pub struct LoginPageProps {
    /// Its address, and what it was told.
    pub location: Location,
}

/// Where a session is opened.
#[component]
pub fn LoginPage(props: &LoginPageProps) -> Html {
    use_page_title("Log in");
    let location = &props.location;
    let session = use_session();
    let next = navigation::destination(location);
    let arrival: Rc<Arrival> = location.told().unwrap_or_default();
    let (progress, onsubmit) = use_submission(async move |typed: Typed| {
        check(&typed).into_result()?;
        log_in(&typed, &session, &next).await
    });
    let (email, password) = (progress.failure.at("email"), progress.failure.at("password"));
    html! {
        <article class="entrance">
            {door()}
            <div class="entrance-form">
                <h1 tabindex="-1">{"Log in"}</h1>
                // It has been read when something is tried; then what came of that counts.
                {arrival.notice.filter(|_| progress.attempts == 0).map(notice)}
                <Form submit="Log in" submitting="Logging in…" progress={progress.clone()} {onsubmit}>
                    <EmailField initial={&arrival.email} problem={email} />
                    <PasswordField
                        autocomplete="current-password"
                        problem={password}
                        busy={progress.busy}
                    />
                    {checkbox("remember", "Keep me signed in", REMEMBER)}
                </Form>
                <p class="entrance-other">
                    {"No account yet? "}
                    {Link::to(Route::Signup).show(html! { "Sign up" })}
                </p>
            </div>
        </article>
    }
}

fn notice(notice: Notice) -> Html {
    let text = match notice {
        Notice::AccountCreated => "Your account is ready. Log in with your password to open it.",
        Notice::SessionOver => "Your session is over. Log in to go on where you were.",
        Notice::SomebodyElse => "Somebody else uses this browser now. Log in to go on as yourself.",
        Notice::LogOutUncertain => return alert(html! { <p>{UNCERTAIN}</p> }),
    };
    status(Some(text.into()))
}

async fn log_in(typed: &Typed, session: &SessionHandle, next: &str) -> Result<(), Failure> {
    let [email, password] = ["email", "password"].map(|name| typed.text(name).to_owned());
    let remember = typed.is_ticked("remember");
    let request = TokenRequest { email, password, remember };
    let answer = in_turn(api::log_in(&request)).await.map_err(|error| refused(&error))?;
    if session.begin(&answer, remember).is_err() {
        // Nobody can use this session; it should not lie around.
        spawn_local(async move { drop(api::log_out(&answer.access_token).await) });
        return Err(no_storage());
    }
    // Who has gone elsewhere meanwhile is signed in there.
    if navigation::is_at(Route::Login) {
        navigation::replace_with_destination(next);
    }
    Ok(())
}

/// Nothing but what is missing: what a password may be is no business of a log-in.
fn check(typed: &Typed) -> Failure {
    let no_email = typed.text("email").trim().is_empty();
    let no_password = typed.text("password").is_empty();
    Failure::of_fields([
        ("email", no_email.then_some(FieldProblem::EmailMissing)),
        ("password", no_password.then_some(FieldProblem::PasswordMissing)),
    ])
}

fn refused(error: &ApiError) -> Failure {
    let wrong = matches!(error, ApiError::Refused(refusal)
        if refusal.code == Some(ErrorCode::InvalidCredentials));
    Failure { forget: wrong.then_some("password"), ..Failure::of_form(describe(error)) }
}

fn no_storage() -> Failure {
    Failure::of_form(
        "Your browser does not let this site keep your session. Allow it to store data for this \
         site and try again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Refusal;

    fn problems(email: &str, password: &str) -> (Option<FieldProblem>, Option<FieldProblem>) {
        let typed = [("email", email), ("password", password)];
        let typed = typed.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let failure = check(&Typed::from_iter(typed));
        (failure.at("email"), failure.at("password"))
    }

    fn failure(status: u16, code: ErrorCode) -> Failure {
        let refusal = Refusal { status, code: Some(code), ..Refusal::default() };
        refused(&ApiError::Refused(refusal))
    }

    #[test]
    fn any_text_may_be_a_password_and_any_an_address() {
        assert_eq!(problems("ada", "x"), (None, None));
    }

    #[test]
    fn an_empty_field_is_told_at_the_field() {
        let (no_email, no_password) = (FieldProblem::EmailMissing, FieldProblem::PasswordMissing);
        assert_eq!(problems("", ""), (Some(no_email), Some(no_password)));
        assert_eq!(problems("ada@example.com", ""), (None, Some(no_password)));
        assert_eq!(problems("  ", "x"), (Some(no_email), None));
    }

    #[test]
    fn the_password_is_typed_again_after_wrong_credentials_alone() {
        let wrong = failure(401, ErrorCode::InvalidCredentials);
        assert_eq!(wrong.forget, Some("password"));
        assert_eq!(failure(503, ErrorCode::Overloaded).forget, None);
        assert_eq!(refused(&ApiError::Unreachable).forget, None);
    }
}

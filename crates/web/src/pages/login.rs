use api_types::{ErrorCode, TokenRequest};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::AnyRoute;
use yew_router::hooks::{use_location, use_navigator};

use super::submission::{use_is_mounted, use_submission};
use crate::api::{self, ApiError};
use crate::components::{
    EmailField, Failure, Form, FormData, Link, PasswordField, alert, checkbox, door, status,
    use_page_title,
};
use crate::messages::{FieldProblem, describe};
use crate::routes::{LoginNotice, LoginState, Route, destination};
use crate::session::{Remember, SessionHandle, use_session, with_cookie_lock};
use crate::sign_up::SignUp;

const REMEMBER: &str = "Stay signed in after closing the browser. Use only on your own device.";
const UNCONFIRMED: &str = "You are logged out in this browser, but the server did not confirm it. \
    Your session may still be active on the server until it expires. To make sure that it has \
    ended, log in and check the sessions in your settings.";

/// Properties of [`Login`].
#[derive(Properties, PartialEq)]
pub struct LoginProps {
    /// The sign-up setting of the server.
    pub sign_up: SignUp,
}

/// The log-in page.
#[component]
pub fn Login(props: &LoginProps) -> Html {
    use_page_title("Log in");
    let session = use_session();
    let navigator = use_navigator();
    let location = use_location();
    let is_mounted = use_is_mounted();
    let next = location.as_ref().map(destination);
    let state = location.and_then(|location| location.state::<LoginState>()).unwrap_or_default();
    let (progress, onsubmit) = use_submission(async move |data: FormData| {
        check(&data).into_result()?;
        sign_in(&data, &session).await?;
        // Do not navigate if the user has already left this page.
        if is_mounted()
            && let (Some(navigator), Some(next)) = (&navigator, &next)
        {
            navigator.replace::<AnyRoute>(next);
        }
        Ok(())
    });
    let (email, password) = (progress.failure.at("email"), progress.failure.at("password"));
    html! {
        <article class="auth">
            {door()}
            <div class="auth-form">
                <h1 tabindex="-1">{"Log in"}</h1>
                // After an attempt, its outcome replaces the notice.
                {state.notice.filter(|_| progress.attempts == 0).map(notice)}
                <Form submit="Log in" submitting="Logging in…" progress={progress.clone()} {onsubmit}>
                    <EmailField initial={&state.email} problem={email} />
                    <PasswordField
                        autocomplete="current-password"
                        problem={password}
                        busy={progress.busy}
                    />
                    {checkbox("remember", "Keep me signed in", REMEMBER)}
                </Form>
                if props.sign_up == SignUp::On {
                    <p class="auth-other">
                        {"No account yet? "}
                        <Link to={Route::Signup}>{"Sign up"}</Link>
                    </p>
                }
            </div>
        </article>
    }
}

fn notice(notice: LoginNotice) -> Html {
    let text = match notice {
        LoginNotice::AccountCreated => "Your account has been created. Log in to continue.",
        LoginNotice::SessionEnded => {
            "Your session has ended. Log in to continue where you left off."
        }
        LoginNotice::OtherUser => {
            "Another account has been used to log in with this browser. To continue with the account \
             that you used here, log in again."
        }
        LoginNotice::SignOutUnconfirmed => return alert(UNCONFIRMED),
    };
    status(Some(text.into()))
}

async fn sign_in(data: &FormData, session: &SessionHandle) -> Result<(), Failure> {
    let [email, password] = ["email", "password"].map(|name| data.text(name).to_owned());
    let remember = data.is_checked("remember");
    let request = TokenRequest { email, password, remember };
    let answer =
        with_cookie_lock(api::sign_in(&request)).await.map_err(|error| rejected(&error))?;
    let remember = if remember { Remember::Yes } else { Remember::No };
    if session.start(&answer, remember).is_err() {
        // Without its token, this session cannot be used, so it is ended.
        spawn_local(async move { drop(api::sign_out(&answer.access_token).await) });
        return Err(no_storage());
    }
    Ok(())
}

/// Checks only whether a field is empty: the rules for a new password do not apply to a log-in.
fn check(data: &FormData) -> Failure {
    let no_email = data.text("email").trim().is_empty();
    let no_password = data.text("password").is_empty();
    Failure::from_fields([
        ("email", no_email.then_some(FieldProblem::EmailMissing)),
        ("password", no_password.then_some(FieldProblem::PasswordMissing)),
    ])
}

fn rejected(error: &ApiError) -> Failure {
    let wrong = matches!(error, ApiError::Rejected(rejection)
        if rejection.code == Some(ErrorCode::InvalidCredentials));
    Failure { clear: wrong.then_some("password"), ..Failure::from_form(describe(error)) }
}

fn no_storage() -> Failure {
    Failure::from_form(
        "Your browser does not allow this site to store data, which is needed to log in. Allow it \
         in your browser's settings and try again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Rejection;

    fn problems(email: &str, password: &str) -> (Option<FieldProblem>, Option<FieldProblem>) {
        let data = [("email", email), ("password", password)];
        let data = data.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let failure = check(&FormData::from_iter(data));
        (failure.at("email"), failure.at("password"))
    }

    fn failure(status: u16, code: ErrorCode) -> Failure {
        let rejection = Rejection { status, code: Some(code), ..Rejection::default() };
        rejected(&ApiError::Rejected(rejection))
    }

    #[test]
    fn any_text_is_accepted_as_an_email_and_a_password() {
        assert_eq!(problems("ada", "x"), (None, None));
    }

    #[test]
    fn an_empty_field_has_an_error() {
        let (no_email, no_password) = (FieldProblem::EmailMissing, FieldProblem::PasswordMissing);
        assert_eq!(problems("", ""), (Some(no_email), Some(no_password)));
        assert_eq!(problems("ada@example.com", ""), (None, Some(no_password)));
        assert_eq!(problems("  ", "x"), (Some(no_email), None));
    }

    #[test]
    fn the_password_is_cleared_after_wrong_credentials_only() {
        let wrong = failure(401, ErrorCode::InvalidCredentials);
        assert_eq!(wrong.clear, Some("password"));
        assert_eq!(failure(503, ErrorCode::Overloaded).clear, None);
        assert_eq!(rejected(&ApiError::Unreachable).clear, None);
    }
}

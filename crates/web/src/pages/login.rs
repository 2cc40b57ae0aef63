use api_types::{ErrorCode, TokenRequest, TokenResponse};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::AnyRoute;
use yew_router::history::Location;
use yew_router::hooks::{use_location, use_navigator};
use yew_router::navigator::Navigator;

use super::email::{EMAIL, use_other_login};
use super::submission::{use_is_mounted, use_submission};
use crate::api::{self, ApiError};
use crate::components::{
    Failure, Form, FormData, Link, PasswordField, TextContent, TextField, alert, checkbox, door,
    status, use_page_title,
};
use crate::mail::Mail;
use crate::messages::{FieldProblem, describe};
use crate::routes::{LoginNotice, LoginState, Route, destination};
use crate::session::{SessionHandle, use_session, with_cookie_lock};
use crate::sign_up::SignUp;
use crate::storage::Remember;

/// The name of the choice to stay signed in.
pub(super) const REMEMBER: &str = "remember";

const REMEMBER_HINT: &str =
    "Stay signed in after closing the browser. Use only on your own device.";
const UNCONFIRMED: &str = "You are logged out in this browser, but the server did not confirm it. \
    Your session may still be active on the server until it expires. To make sure that it has \
    ended, log in and check the sessions in your settings.";

/// Properties of [`Login`].
#[derive(Properties, PartialEq)]
pub struct LoginProps {
    /// The sign-up setting of the server.
    pub sign_up: SignUp,
    /// The mail setting of the server.
    pub mail: Mail,
}

/// The log-in page.
#[component]
pub fn Login(props: &LoginProps) -> Html {
    use_page_title("Log in");
    let session = use_session();
    let navigator = use_navigator();
    let location = use_location();
    let is_mounted = use_is_mounted();
    let state = location.as_ref().and_then(Location::state::<LoginState>);
    let state = state.unwrap_or_default();
    let (progress, onsubmit) = use_submission(async move |data: FormData| {
        check(&data).into_result()?;
        sign_in(&data, &session).await?;
        // Do not navigate if the user has already left this page.
        if is_mounted() {
            follow_login(navigator.as_ref(), location.as_ref());
        }
        Ok(())
    });
    let onother = use_other_login(None);
    let (email, password) = (progress.failure.at(EMAIL), progress.failure.at("password"));
    html! {
        <article class="auth">
            {door()}
            <div class="auth-form">
                <h1 tabindex="-1">{"Log in"}</h1>
                // After an attempt, its outcome replaces the notice.
                {state.notice.filter(|_| progress.attempts == 0).map(|kind| notice(kind, props.mail))}
                <Form submit="Log in" submitting="Logging in…" progress={progress.clone()} {onsubmit}>
                    <TextField
                        name={EMAIL}
                        label="E-mail"
                        content={TextContent::Username}
                        initial={&state.email}
                        problem={email}
                    />
                    <PasswordField
                        autocomplete="current-password"
                        problem={password}
                        busy={progress.busy}
                    />
                    {remember_choice()}
                </Form>
                if props.mail != Mail::Off {
                    <p class="auth-other">
                        <Link to={Route::Forgot} onfollow={onother.reform(|()| Route::Forgot)}>
                            {"Forgot your password?"}
                        </Link>
                    </p>
                }
                if props.mail == Mail::WithSignIn {
                    <p class="auth-other">
                        <Link to={Route::EmailLogin} onfollow={onother.reform(|()| Route::EmailLogin)}>
                            {"Log in by e-mail"}
                        </Link>
                    </p>
                }
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

/// Renders the choice to stay signed in.
pub(super) fn remember_choice() -> Html {
    checkbox(REMEMBER, "Keep me signed in", REMEMBER_HINT)
}

/// Goes to the page that a page for logging in at `location` leads to.
pub(super) fn follow_login(navigator: Option<&Navigator>, location: Option<&Location>) {
    if let (Some(navigator), Some(location)) = (navigator, location) {
        let state = location.state::<LoginState>().unwrap_or_default();
        navigator.replace_with_state::<AnyRoute, _>(&destination(location), state.link.clone());
    }
}

fn notice(notice: LoginNotice, mail: Mail) -> Html {
    let text = match notice {
        LoginNotice::AccountCreated if mail != Mail::Off => {
            "Your account has been created. We have sent you an e-mail to confirm your e-mail address. \
             Log in to continue."
        }
        LoginNotice::AccountCreated => "Your account has been created. Log in to continue.",
        LoginNotice::VerifyEmail => "Log in to confirm your e-mail address.",
        LoginNotice::PasswordReset => {
            "Your password has been changed. Log in with the new password."
        }
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
    let remember = data.is_checked(REMEMBER);
    let request = TokenRequest { email, password, remember };
    let answer =
        with_cookie_lock(api::sign_in(&request)).await.map_err(|error| rejected(&error))?;
    start_session(session, answer, remembered(data))
}

/// Returns the choice to stay signed in, from a form with this choice.
pub(super) fn remembered(data: &FormData) -> Remember {
    if data.is_checked(REMEMBER) { Remember::Yes } else { Remember::No }
}

/// Starts the session of a token that was just issued.
pub(super) fn start_session(
    session: &SessionHandle,
    answer: TokenResponse,
    remember: Remember,
) -> Result<(), Failure> {
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

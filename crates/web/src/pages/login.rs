use std::rc::Rc;

use api_types::{ErrorCode, PasskeyTokenRequest, TokenRequest, TokenResponse};
use yew::prelude::*;
use yew_router::hooks::{use_location, use_navigator};
use yew_session::{ApiError, Remember, use_session};

use super::email::{EMAIL, REMEMBER, use_login_state, use_other_login};
use super::passkey::{PasskeyButton, ask_for_passkey, passkey_rejected, use_suggested_passkeys};
use super::second_step::{self, FirstStep, Restart, TwoStepLogin};
use super::submission::{use_is_mounted, use_submission};
use crate::api;
use crate::browser;
use crate::components::{
    Checkbox, Failure, Form, FormData, Link, PasswordField, TextContent, TextField, alert, door,
    status, use_page_title,
};
use crate::mail::Mail;
use crate::messages::{FieldProblem, describe};
use crate::routes::{LoginNotice, Route, follow_log_in};
use crate::sign_up::SignUp;
use crate::webauthn::{self, Credential, Passkeys};

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
    /// The support for passkeys on this page.
    pub passkeys: Passkeys,
}

/// The log-in page.
#[component]
pub fn Login(props: &LoginProps) -> Html {
    let LoginProps { sign_up, mail, passkeys } = *props;
    let first = use_state(|| None::<Rc<FirstStep>>);
    let restarted = use_state(|| None::<Restarted>);
    use_page_title(if first.is_some() { second_step::TITLE } else { "Log in" });
    let finish = use_finish_log_in();
    let onsecond = {
        let first = first.setter();
        move |step| first.set(Some(Rc::new(step)))
    };
    let content = if let Some(step) = &*first {
        let remember = step.remember;
        let onsignedin = Callback::from(move |answer| finish(answer, remember));
        let onrestart = {
            let (first, restarted) = (first.setter(), restarted.setter());
            let email = step.email.clone();
            move |reason| {
                restarted.set(Some(Restarted { email: email.clone(), remember, reason }));
                first.set(None);
            }
        };
        html! { <TwoStepLogin first={step.clone()} {passkeys} {onsignedin} {onrestart} /> }
    } else {
        let restarted = (*restarted).clone();
        html! { <PasswordStep {sign_up} {mail} {passkeys} {restarted} {onsecond} /> }
    };
    html! {
        <article class="auth">
            {door()}
            <div class="auth-form">{content}</div>
        </article>
    }
}

/// A log-in that the user has started over.
#[derive(Clone, PartialEq)]
struct Restarted {
    /// The email address that was entered.
    email: AttrValue,
    remember: Remember,
    reason: Restart,
}

#[derive(Properties, PartialEq)]
struct PasswordStepProps {
    sign_up: SignUp,
    mail: Mail,
    passkeys: Passkeys,
    restarted: Option<Restarted>,
    /// Called if there is a second step.
    onsecond: Callback<FirstStep>,
}

/// The first step of a log-in, or a log-in with a passkey alone.
#[component]
fn PasswordStep(props: &PasswordStepProps) -> Html {
    let PasswordStepProps { sign_up, mail, passkeys, restarted, onsecond } = props;
    let finish = use_finish_log_in();
    let mut state = use_login_state();
    if let Some(restarted) = restarted {
        state.email = restarted.email.clone();
        state.remember = restarted.remember == Remember::Yes;
    }
    let (progress, onsubmit) = use_submission({
        let (onsecond, finish) = (onsecond.clone(), finish.clone());
        async move |data: FormData| {
            check(&data).into_result()?;
            webauthn::abort();
            match sign_in(&data).await {
                Ok(answer) => finish(answer, remembered(&data)),
                Err(error) => second_step(&error, &data).map(|step| onsecond.emit(step)),
            }
        }
    });
    let (passkey, onpasskey) = use_submission(async move |suggested: Option<Credential>| {
        let remember = browser::is_checked(REMEMBER) == Some(true);
        let credential = match suggested {
            Some(credential) => credential,
            None => ask_for_passkey(None, &[]).await?,
        };
        let request = PasskeyTokenRequest { credential, remember };
        let answer = api::sign_in_with_passkey(&request).send().await;
        let answer = answer.map_err(|error| passkey_rejected(&error))?;
        finish(answer, remember.into())
    });
    let can_use_passkey = *passkeys == Passkeys::Supported;
    // Where Chromium may suggest passkeys, it does not fill in saved passwords by itself.
    let username =
        if can_use_passkey { TextContent::UsernameOrPasskey } else { TextContent::Username };
    // After an attempt with a passkey, the user presses the button for another one. A browser that
    // needs no further consent would suggest a rejected passkey again and again.
    let is_idle = can_use_passkey && !progress.busy && passkey.attempts == 0;
    use_suggested_passkeys(is_idle, onpasskey.clone());
    use_effect_with(restarted.is_some(), |is_restarted| {
        // The focused button was removed when the log-in started over.
        if *is_restarted {
            browser::focus(browser::element(EMAIL));
        }
    });
    let is_untouched = progress.attempts == 0 && passkey.attempts == 0;
    let onother = use_other_login(state.clone());
    let (email, password) = (progress.failure.at(EMAIL), progress.failure.at("password"));
    html! {
        <>
            <h1 tabindex="-1">{"Log in"}</h1>
            // After an attempt, its outcome replaces the notice.
            if is_untouched {
                {match (restarted, state.notice) {
                    (Some(restarted), _) => restarted.reason.notice(),
                    (None, Some(kind)) => notice(kind, *mail),
                    (None, None) => Html::default(),
                }}
            }
            <Form submit="Log in" submitting="Logging in…" progress={progress.clone()} {onsubmit}>
                <TextField
                    name={EMAIL}
                    label="E-mail"
                    content={username}
                    initial={state.email}
                    problem={email}
                />
                <PasswordField
                    autocomplete="current-password"
                    problem={password}
                    busy={progress.busy}
                />
                {remember_choice(state.remember)}
            </Form>
            if can_use_passkey {
                <PasskeyButton
                    text="Log in with a passkey"
                    quiet=true
                    progress={passkey}
                    disabled={progress.busy}
                    onpress={onpasskey.reform(|()| None)}
                />
            }
            if *mail != Mail::Off {
                <p class="auth-other">
                    <Link to={Route::Forgot} onfollow={onother.reform(|()| Route::Forgot)}>
                        {"Forgot your password?"}
                    </Link>
                </p>
            }
            if *mail == Mail::WithSignIn {
                <p class="auth-other">
                    <Link to={Route::EmailLogin} onfollow={onother.reform(|()| Route::EmailLogin)}>
                        {"Log in by e-mail"}
                    </Link>
                </p>
            }
            if *sign_up == SignUp::On {
                <p class="auth-other">
                    {"No account yet? "}
                    <Link to={Route::Signup} onfollow={onother.reform(|()| Route::Signup)}>
                        {"Sign up"}
                    </Link>
                </p>
            }
        </>
    }
}

/// Renders the choice to stay signed in.
pub(super) fn remember_choice(initial: bool) -> Html {
    html! { <Checkbox name={REMEMBER} label="Keep me signed in" hint={REMEMBER_HINT} {initial} /> }
}

/// Returns a function that starts the session of a new token, and then goes to the page that the
/// user wanted to open.
#[hook]
pub(super) fn use_finish_log_in()
-> impl Fn(TokenResponse, Remember) -> Result<(), Failure> + Clone + 'static {
    let session = use_session();
    let navigator = use_navigator();
    let location = use_location();
    let is_mounted = use_is_mounted();
    move |answer, remember| {
        session.start(answer, remember).map_err(|_| no_storage())?;
        // Do not navigate if the user has already left this page.
        if is_mounted()
            && let (Some(navigator), Some(location)) = (&navigator, &location)
        {
            follow_log_in(navigator, location);
        }
        Ok(())
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

async fn sign_in(data: &FormData) -> Result<TokenResponse, ApiError> {
    let [email, password] = ["email", "password"].map(|name| data.text(name).to_owned());
    let remember = data.is_checked(REMEMBER);
    let request = TokenRequest { email, password, remember };
    api::sign_in(&request).send().await
}

/// Returns the second step that the server asks for, if the first one has succeeded.
fn second_step(error: &ApiError, data: &FormData) -> Result<FirstStep, Failure> {
    let required = error.second_factor().ok_or_else(|| rejected(error))?.clone();
    let email = data.text(EMAIL).to_owned().into();
    Ok(FirstStep { required, email, remember: remembered(data) })
}

/// Returns the choice to stay signed in, from a form with this choice.
pub(super) fn remembered(data: &FormData) -> Remember {
    data.is_checked(REMEMBER).into()
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
    use yew_session::Rejection;

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

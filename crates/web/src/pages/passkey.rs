//! Logging in with a passkey, alone or as a second step.

use std::cell::RefCell;
use std::rc::Rc;

use api_types::{ErrorCode, PasskeyOptionsRequest};
use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_session::{ApiError, has_session_ended};

use super::email::EMAIL;
use crate::api;
use crate::browser;
use crate::components::{BusyButton, Failure, Progress, alert};
use crate::messages::{FieldProblem, describe, describe_webauthn};
use crate::webauthn::{self, Ceremony, Credential, Mediation, is_conditional_available};

/// The maximum time for which a browser suggests passkeys for the same challenge.
const MAX_SUGGESTION_MS: u64 = 9 * 60_000;

/// Asks the user for a passkey in a dialog of the browser. With a ticket, the server lists the
/// passkeys of the account. Without one, `allowed` contains the credential IDs that can be used. If
/// it is empty, the user can choose any passkey.
pub(super) async fn ask_for_passkey(
    ticket: Option<String>,
    allowed: &[String],
) -> Result<Credential, PasskeyError> {
    let ceremony = Ceremony::begin();
    let options = api::passkey_options(&PasskeyOptionsRequest { ticket }).send().await?;
    let credential = ceremony.get(&options, allowed, Mediation::Modal).await;
    credential.map_err(|error| PasskeyError::Browser(describe_webauthn(error)))
}

/// An error from asking for a passkey.
pub(super) enum PasskeyError {
    /// The server has not sent the options.
    Api(ApiError),
    /// The browser has not returned a passkey. There is no text if the page has aborted the
    /// request.
    Browser(Option<&'static str>),
}

impl From<ApiError> for PasskeyError {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<PasskeyError> for Failure {
    fn from(error: PasskeyError) -> Self {
        match error {
            PasskeyError::Api(error) => passkey_rejected(&error),
            PasskeyError::Browser(Some(text)) => Self::from_form(text),
            PasskeyError::Browser(None) => Self::default(),
        }
    }
}

/// Builds the failure of a log-in with a passkey that the server has rejected.
pub(super) fn passkey_rejected(error: &ApiError) -> Failure {
    if error.has_code(ErrorCode::InvalidCredentials) {
        return Failure::from_form(
            "This passkey does not work here. Use another one, or log in with your password.",
        );
    }
    let failure = Failure::from_error(error, &["credential"], 1);
    let text = failure.at("credential").map(FieldProblem::text);
    Failure::from_form(text.unwrap_or_else(|| describe(error)))
}

#[derive(Properties, PartialEq)]
pub(super) struct PasskeyButtonProps {
    pub(super) text: &'static str,
    /// `true` if another button is the main one.
    #[prop_or_default]
    pub(super) quiet: bool,
    /// The state of the log-in with the passkey.
    pub(super) progress: Progress,
    /// `true` if another request is pending.
    pub(super) disabled: bool,
    pub(super) onpress: Callback<()>,
}

/// A button that asks for a passkey, and the error of the last attempt. When the user leaves the
/// page, the request is aborted.
#[component]
pub(super) fn PasskeyButton(props: &PasskeyButtonProps) -> Html {
    let PasskeyButtonProps { text, quiet, progress, disabled, onpress } = props;
    use_effect_with((), |()| webauthn::abort);
    html! {
        <>
            if let Some(failure) = &progress.failure.form {
                {alert(failure)}
            }
            <BusyButton
                {text}
                busy_text="Waiting for your passkey…"
                busy={progress.busy}
                disabled={*disabled}
                class={classes!("button-wide", quiet.then_some("button-quiet"))}
                {onpress}
            />
        </>
    }
}

/// Lets the browser suggest passkeys for the email field while the page is idle. `onpasskey` is
/// called with the passkey that the user chooses.
///
/// From the end of a session until the next log-in in this browser, the browser suggests none until
/// the email field is focused. Otherwise, a browser that needs no further consent would sign the
/// user in again at once.
#[hook]
pub(super) fn use_suggested_passkeys(is_idle: bool, onpasskey: Callback<Option<Credential>>) {
    let may_start = use_state(|| false);
    let round = use_state(|| 0_u32);
    use_effect_with((), {
        let may_start = may_start.setter();
        move |()| {
            let mut listener = None;
            if has_session_ended() {
                let field = browser::element(EMAIL);
                listener =
                    field.map(|it| EventListener::new(&it, "focus", move |_| may_start.set(true)));
            } else {
                may_start.set(true);
            }
            move || drop(listener)
        }
    });
    use_effect_with((is_idle && *may_start, *round), {
        let (next, round) = (round.wrapping_add(1), round.setter());
        move |(is_enabled, _)| {
            let restart = Callback::from(move |()| round.set(next));
            let suggestion = is_enabled.then(|| Suggestion::start(onpasskey, restart));
            move || {
                if let Some(suggestion) = suggestion {
                    suggestion.stop();
                }
            }
        }
    });
}

/// A request for a passkey that the browser suggests for the email field.
struct Suggestion {
    ceremony: Ceremony,
    timer: RefCell<Option<Timeout>>,
}

impl Suggestion {
    /// Starts a request. `restart` is called shortly before its challenge expires.
    fn start(onpasskey: Callback<Option<Credential>>, restart: Callback<()>) -> Rc<Self> {
        let suggestion = Rc::new(Self { ceremony: Ceremony::begin(), timer: RefCell::default() });
        let started = suggestion.clone();
        spawn_local(async move {
            // If this fails, the user can still press the button, which shows the error.
            if let Some(credential) = started.run(restart).await {
                onpasskey.emit(Some(credential));
            }
        });
        suggestion
    }

    async fn run(&self, restart: Callback<()>) -> Option<Credential> {
        if !is_conditional_available().await {
            return None;
        }
        let request = PasskeyOptionsRequest { ticket: None };
        let options = api::passkey_options(&request).send().await.ok()?;
        if self.ceremony.is_aborted() {
            return None;
        }
        let timer = Timeout::new(restart_after(options.timeout), move || restart.emit(()));
        self.timer.replace(Some(timer));
        self.ceremony.get(&options, &[], Mediation::Conditional).await.ok()
    }

    fn stop(&self) {
        self.ceremony.abort();
        self.timer.take();
    }
}

/// Returns the milliseconds after which a request is replaced. `timeout_ms` is the time after which
/// its challenge expires.
fn restart_after(timeout_ms: u64) -> u32 {
    let delay = (timeout_ms / 10 * 9).min(MAX_SUGGESTION_MS);
    u32::try_from(delay).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suggestion_is_replaced_before_its_challenge_expires() {
        assert_eq!(restart_after(300_000), 270_000);
        assert_eq!(restart_after(600_000), 540_000);
        assert_eq!(restart_after(u64::MAX), 540_000);
    }

    #[test]
    fn a_rejected_passkey_is_not_described_as_a_wrong_password() {
        let body = r#"{"code":"invalid_credentials"}"#;
        let failure = passkey_rejected(&ApiError::rejected(401, None, body));
        assert!(failure.form.is_some_and(|text| text.contains("This passkey")));
        let body = r#"{"code":"invalid_fields","errors":[
            {"field":"credential","code":"challenge_expired","message":"Too late."}]}"#;
        let failure = passkey_rejected(&ApiError::rejected(422, None, body));
        assert_eq!(failure, Failure::from_form(FieldProblem::ChallengeExpired.text()));
    }

    #[test]
    fn an_aborted_request_shows_no_error() {
        assert_eq!(Failure::from(PasskeyError::Browser(None)), Failure::default());
    }
}

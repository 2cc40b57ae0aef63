//! The second step of a log-in.

use std::rc::Rc;

use api_types::{ErrorCode, FactorKind, SecondFactorRequest, SecondFactorRequired, TokenResponse};
use yew::prelude::*;
use yew_session::{ApiError, Remember};

use super::passkey::{PasskeyButton, PasskeyError, ask_for_passkey, passkey_rejected};
use super::submission::use_submission;
use crate::api;
use crate::browser;
use crate::components::{
    Failure, Form, FormData, Progress, TextContent, TextField, alert, pressed,
};
use crate::messages::{FieldProblem, describe};
use crate::webauthn::{self, Credential, Passkeys};

/// The title of a page that shows the second step.
pub(super) const TITLE: &str = "Two-step log-in";

const CODE: &str = "code";
const RECOVERY_CODE: &str = "recovery_code";

/// A log-in whose first step has succeeded. It is kept only in memory.
#[derive(Clone, PartialEq)]
pub(super) struct FirstStep {
    pub(super) required: SecondFactorRequired,
    /// The email address that was entered, if there was one.
    pub(super) email: AttrValue,
    pub(super) remember: Remember,
}

/// The reason why a log-in starts over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Restart {
    /// The user has chosen to start over.
    Chosen,
    /// The ticket is no longer valid.
    Expired,
}

impl Restart {
    /// Renders the message above the first step.
    pub(super) fn notice(self) -> Html {
        match self {
            Self::Chosen => Html::default(),
            Self::Expired => alert("This log-in is no longer valid. Log in again."),
        }
    }
}

#[derive(Properties, PartialEq)]
pub(super) struct TwoStepLoginProps {
    pub(super) first: Rc<FirstStep>,
    pub(super) passkeys: Passkeys,
    /// Called with the token. Returns an error if the session cannot be started.
    pub(super) onsignedin: Callback<TokenResponse, Result<(), Failure>>,
    pub(super) onrestart: Callback<Restart>,
}

/// The second step as the content of a page.
#[component]
pub(super) fn TwoStepLogin(props: &TwoStepLoginProps) -> Html {
    let TwoStepLoginProps { first, passkeys, onsignedin, onrestart } = props;
    let busy = use_state(|| false);
    let onbusy = use_callback((), {
        let busy = busy.setter();
        move |is_busy, ()| busy.set(is_busy)
    });
    html! {
        <>
            <h1 tabindex="-1">{TITLE}</h1>
            <SecondStep
                required={first.required.clone()}
                passkeys={*passkeys}
                onsignedin={onsignedin.clone()}
                onexpired={onrestart.reform(|()| Restart::Expired)}
                {onbusy}
            />
            {choice("Start over", *busy, onrestart.reform(|()| Restart::Chosen))}
        </>
    }
}

/// The ids of the inputs. They are unique on the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) code: &'static str,
    pub(super) recovery_code: &'static str,
    /// The heading. `None` for the heading of the page.
    pub(super) heading: Option<&'static str>,
}

impl Default for Ids {
    fn default() -> Self {
        Self { code: CODE, recovery_code: RECOVERY_CODE, heading: None }
    }
}

#[derive(Properties, PartialEq)]
pub(super) struct SecondStepProps {
    pub(super) required: SecondFactorRequired,
    pub(super) passkeys: Passkeys,
    #[prop_or_default]
    pub(super) ids: Ids,
    /// Called with the token. Returns an error if the session cannot be started.
    pub(super) onsignedin: Callback<TokenResponse, Result<(), Failure>>,
    /// Called if the ticket is no longer valid.
    pub(super) onexpired: Callback<()>,
    /// Called with `true` when a request begins, and with `false` when it ends. Until then, the
    /// page must not discard the log-in, because its outcome would be applied all the same.
    pub(super) onbusy: Callback<bool>,
}

/// The form and the buttons of the second step.
#[component]
pub(super) fn SecondStep(props: &SecondStepProps) -> Html {
    let SecondStepProps { required, passkeys, ids, onsignedin, onexpired, onbusy } = props;
    let SecondFactorRequired { ticket, factors, .. } = required;
    let has_passkey = factors.contains(&FactorKind::Passkey);
    let can_use_passkey = has_passkey && *passkeys == Passkeys::Supported;
    let view = use_state(|| View::first(factors, can_use_passkey));
    let log_in = LogIn {
        ticket: ticket.clone(),
        onsignedin: onsignedin.clone(),
        onexpired: onexpired.clone(),
    };
    let (passkey, onpasskey) = use_submission({
        let log_in = log_in.clone();
        async move |()| log_in.complete_with_passkey().await
    });
    let (progress, onsubmit) = use_submission({
        let has_recovery_code = factors.contains(&FactorKind::RecoveryCode);
        let view = *view;
        async move |data: FormData| {
            let request = entered(&data, view, log_in.request())?;
            webauthn::abort();
            log_in.complete(request, |error| rejected(error, view, has_recovery_code)).await
        }
    });
    use_effect_with((*view, *ids), |(view, ids)| match view {
        View::AppCode => browser::focus(browser::element(ids.code)),
        View::RecoveryCode => browser::focus(browser::element(ids.recovery_code)),
        View::Passkey => match ids.heading {
            Some(heading) => browser::focus(browser::element(heading)),
            None => browser::focus_page(),
        },
    });
    use_effect_with((progress.busy || passkey.busy, onbusy.clone()), |(busy, onbusy)| {
        onbusy.emit(*busy);
    });
    // The number of attempts before the current form was shown. Until there are more, the form has
    // no outcome.
    let earlier = use_state(|| 0);
    let show = |to| {
        let (view, earlier, attempts) = (view.setter(), earlier.setter(), progress.attempts);
        Callback::from(move |()| {
            view.set(to);
            earlier.set(attempts);
        })
    };
    let progress = if !progress.busy && progress.attempts == *earlier {
        Progress::default()
    } else {
        progress.clone()
    };
    let (submit, submitting) = ("Continue", "Checking…");
    html! {
        <>
            {match *view {
                View::AppCode => html! {
                    <Form key="code" {submit} {submitting} progress={progress.clone()} {onsubmit}>
                        <TextField
                            name={CODE}
                            id={ids.code}
                            label="Code from your app"
                            content={TextContent::AppCode}
                            problem={progress.failure.at(CODE)}
                        />
                    </Form>
                },
                View::RecoveryCode => html! {
                    <Form key="recovery" {submit} {submitting} progress={progress.clone()} {onsubmit}>
                        if has_passkey && !can_use_passkey {
                            <p>
                                {"This browser cannot use your passkeys. Use a recovery code, or log \
                                  in with another browser."}
                            </p>
                        }
                        <TextField
                            name={RECOVERY_CODE}
                            id={ids.recovery_code}
                            label="Recovery code"
                            content={TextContent::RecoveryCode}
                            problem={progress.failure.at(RECOVERY_CODE)}
                        />
                    </Form>
                },
                View::Passkey => Html::default(),
            }}
            if can_use_passkey {
                <PasskeyButton
                    text="Use a passkey"
                    quiet={*view != View::Passkey}
                    progress={passkey}
                    disabled={progress.busy}
                    onpress={onpasskey}
                />
            }
            if *view != View::RecoveryCode && factors.contains(&FactorKind::RecoveryCode) {
                {choice("Use a recovery code", progress.busy, show(View::RecoveryCode))}
            }
            if *view == View::RecoveryCode && factors.contains(&FactorKind::Totp) {
                {choice("Use a code from your app", progress.busy, show(View::AppCode))}
            }
        </>
    }
}

/// Renders a button that changes what the page shows, and sends no request.
fn choice(text: &'static str, disabled: bool, onpress: Callback<()>) -> Html {
    html! {
        <button
            type="button"
            class="button button-quiet button-wide"
            {disabled}
            onclick={pressed(onpress)}
        >
            {text}
        </button>
    }
}

/// The factor that the user is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    AppCode,
    Passkey,
    RecoveryCode,
}

impl View {
    /// Returns the factor that the user is asked for first.
    fn first(factors: &[FactorKind], can_use_passkey: bool) -> Self {
        if factors.contains(&FactorKind::Totp) {
            Self::AppCode
        } else if can_use_passkey {
            Self::Passkey
        } else {
            Self::RecoveryCode
        }
    }
}

/// A log-in whose second step is pending.
#[derive(Clone)]
struct LogIn {
    ticket: String,
    onsignedin: Callback<TokenResponse, Result<(), Failure>>,
    onexpired: Callback<()>,
}

impl LogIn {
    /// Returns a request without a second factor.
    fn request(&self) -> SecondFactorRequest<Credential> {
        let ticket = self.ticket.clone();
        SecondFactorRequest { ticket, code: None, recovery_code: None, credential: None }
    }

    async fn complete(
        &self,
        request: SecondFactorRequest<Credential>,
        rejected: impl FnOnce(&ApiError) -> Failure,
    ) -> Result<(), Failure> {
        match api::sign_in_with_second_factor(&request).send().await {
            Ok(answer) => self.onsignedin.emit(answer),
            Err(error) => self.reject(&error, rejected),
        }
    }

    async fn complete_with_passkey(&self) -> Result<(), Failure> {
        match ask_for_passkey(Some(self.ticket.clone()), &[]).await {
            Ok(credential) => {
                let request =
                    SecondFactorRequest { credential: Some(credential), ..self.request() };
                self.complete(request, passkey_rejected).await
            }
            Err(PasskeyError::Api(error)) => self.reject(&error, passkey_rejected),
            Err(error) => Err(error.into()),
        }
    }

    fn reject(
        &self,
        error: &ApiError,
        rejected: impl FnOnce(&ApiError) -> Failure,
    ) -> Result<(), Failure> {
        if error.has_code(ErrorCode::InvalidTicket) {
            self.onexpired.emit(());
            return Ok(());
        }
        Err(rejected(error))
    }
}

/// Adds the code in the form to a request. Apps show their codes with a space in the middle.
fn entered(
    data: &FormData,
    view: View,
    request: SecondFactorRequest<Credential>,
) -> Result<SecondFactorRequest<Credential>, Failure> {
    let (name, missing) = match view {
        View::RecoveryCode => (RECOVERY_CODE, FieldProblem::RecoveryCodeMissing),
        View::AppCode | View::Passkey => (CODE, FieldProblem::AppCodeMissing),
    };
    let text: String = data.text(name).chars().filter(|it| !it.is_whitespace()).collect();
    Failure::from_fields([(name, text.is_empty().then_some(missing))]).into_result()?;
    Ok(match view {
        View::RecoveryCode => SecondFactorRequest { recovery_code: Some(text), ..request },
        View::AppCode | View::Passkey => SecondFactorRequest { code: Some(text), ..request },
    })
}

/// Builds the failure of a code that the server has rejected. A wrong code from an app is cleared.
/// A recovery code is long, so it stays and can be corrected.
fn rejected(error: &ApiError, view: View, has_recovery_code: bool) -> Failure {
    let mut failure = Failure::from_error(error, &[CODE, RECOVERY_CODE], 1);
    for (field, problem) in &mut failure.fields {
        if *field == RECOVERY_CODE {
            *problem = FieldProblem::RecoveryCodeWrong;
        } else {
            *problem = FieldProblem::AppCodeWrong;
            failure.clear = Some(CODE);
        }
    }
    // Wrong recovery codes are counted separately.
    if error.has_code(ErrorCode::TooManyAttempts) && view == View::AppCode && has_recovery_code {
        return Failure::from_form(format!(
            "{} You can use a recovery code instead.",
            describe(error)
        ));
    }
    failure
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::pages::render::render;

    const WRONG_CODE: &str = r#"{"code":"invalid_fields","errors":[
        {"field":"code","code":"code_wrong","message":"Wrong."}]}"#;

    fn request() -> SecondFactorRequest<Credential> {
        let ticket = "ticket".to_owned();
        SecondFactorRequest { ticket, code: None, recovery_code: None, credential: None }
    }

    fn data(name: &str, text: &str) -> FormData {
        FormData::from_iter([(name.to_owned(), text.to_owned())])
    }

    #[test]
    fn the_app_is_asked_for_first_and_then_a_passkey() {
        use FactorKind::{Passkey, RecoveryCode, Totp};
        assert_eq!(View::first(&[RecoveryCode, Passkey, Totp], true), View::AppCode);
        assert_eq!(View::first(&[RecoveryCode, Passkey], true), View::Passkey);
        assert_eq!(View::first(&[RecoveryCode, Passkey], false), View::RecoveryCode);
    }

    fn step(factors: &[FactorKind], passkeys: Passkeys) -> String {
        let ticket = "secret ticket".to_owned();
        let factors = factors.to_vec();
        render::<TwoStepLogin>(TwoStepLoginProps {
            first: Rc::new(FirstStep {
                required: SecondFactorRequired { ticket, factors, expires_in: 600 },
                email: "ada@example.com".into(),
                remember: Remember::No,
            }),
            passkeys,
            onsignedin: Callback::from(|_| Ok(())),
            onrestart: Callback::noop(),
        })
    }

    #[test]
    fn the_page_asks_for_a_code_from_the_app() {
        let html = step(&[FactorKind::Totp, FactorKind::RecoveryCode], Passkeys::Supported);
        assert!(html.contains("<h1 tabindex=\"-1\">Two-step log-in</h1>"), "{html}");
        assert!(html.contains("<label for=\"code\">Code from your app</label>"), "{html}");
        assert!(html.contains("name=\"code\"") && html.contains("inputmode=\"numeric\""));
        assert!(html.contains("autocomplete=\"one-time-code\""), "{html}");
        for button in ["Continue", "Use a recovery code", "Start over"] {
            assert!(html.contains(&format!(">{button}</button>")), "{button}: {html}");
        }
        assert!(!html.contains("Use a passkey"), "the account has none: {html}");
        assert!(!html.contains("secret ticket"), "{html}");
        assert!(!html.contains("role=\"alert\"") && !html.contains("disabled"), "{html}");
    }

    #[test]
    fn only_the_factors_of_the_account_are_offered() {
        let html = step(&[FactorKind::Totp], Passkeys::Supported);
        assert!(!html.contains("passkey") && !html.contains("recovery"), "{html}");
        let both = [FactorKind::Totp, FactorKind::Passkey];
        assert!(step(&both, Passkeys::Supported).contains(">Use a passkey</button>"));
        assert!(!step(&both, Passkeys::Unsupported).contains("passkey"));
    }

    #[test]
    fn without_an_app_the_passkey_comes_first() {
        let factors = [FactorKind::Passkey, FactorKind::RecoveryCode];
        let html = step(&factors, Passkeys::Supported);
        assert!(!html.contains("<input"), "{html}");
        let (passkey, recovery) =
            (html.find("Use a passkey").unwrap(), html.find("Use a recovery code").unwrap());
        assert!(passkey < recovery, "{html}");
        let html = step(&factors, Passkeys::Unsupported);
        assert!(html.contains("This browser cannot use your passkeys."), "{html}");
        assert!(html.contains("<label for=\"recovery_code\">Recovery code</label>"), "{html}");
        assert!(html.contains("name=\"recovery_code\"") && !html.contains("Use a passkey"));
    }

    #[test]
    fn a_request_has_exactly_the_code_that_was_entered() {
        let sent = entered(&data(CODE, " 123 456\n"), View::AppCode, request()).unwrap();
        assert_eq!((sent.code.as_deref(), sent.recovery_code), (Some("123456"), None));
        let typed = data(RECOVERY_CODE, "abcd-efgh jkmn");
        let sent = entered(&typed, View::RecoveryCode, request()).unwrap();
        assert_eq!((sent.code, sent.recovery_code.as_deref()), (None, Some("abcd-efghjkmn")));
    }

    #[test]
    fn a_missing_code_is_not_sent() {
        let failure = entered(&data(CODE, " "), View::AppCode, request()).unwrap_err();
        assert_eq!(failure.at(CODE), Some(FieldProblem::AppCodeMissing));
        let failure = entered(&data(CODE, "1"), View::RecoveryCode, request()).unwrap_err();
        assert_eq!(failure.at(RECOVERY_CODE), Some(FieldProblem::RecoveryCodeMissing));
    }

    #[test]
    fn a_wrong_code_from_an_app_is_cleared() {
        let error = ApiError::rejected(422, None, WRONG_CODE);
        let failure = rejected(&error, View::AppCode, true);
        assert_eq!(failure.at(CODE), Some(FieldProblem::AppCodeWrong));
        assert_eq!((failure.clear, failure.form), (Some(CODE), None));
    }

    #[test]
    fn a_wrong_recovery_code_can_be_corrected() {
        let body = WRONG_CODE.replace("\"field\":\"code\"", "\"field\":\"recovery_code\"");
        let failure = rejected(&ApiError::rejected(422, None, &body), View::RecoveryCode, true);
        assert_eq!(failure.at(RECOVERY_CODE), Some(FieldProblem::RecoveryCodeWrong));
        assert_eq!((failure.clear, failure.form), (None, None));
    }

    #[test]
    fn after_too_many_codes_the_text_says_when_and_that_a_recovery_code_still_works() {
        let body = r#"{"code":"too_many_attempts"}"#;
        let error = ApiError::rejected(429, Some("900"), body);
        let text = |view, has_recovery_code| {
            rejected(&error, view, has_recovery_code).form.unwrap().to_string()
        };
        let app = text(View::AppCode, true);
        assert!(app.contains("in 15 minutes.") && app.contains("recovery code"), "{app}");
        for text in [text(View::AppCode, false), text(View::RecoveryCode, true)] {
            assert!(text.contains("in 15 minutes.") && !text.contains("recovery"), "{text}");
        }
    }

    #[test]
    fn an_invalid_ticket_starts_the_log_in_over() {
        let expired = Rc::new(Cell::new(false));
        let log_in = LogIn {
            ticket: "ticket".to_owned(),
            onsignedin: Callback::from(|_| Ok(())),
            onexpired: Callback::from({
                let expired = expired.clone();
                move |()| expired.set(true)
            }),
        };
        let reject = |code: &str| {
            let error = ApiError::rejected(401, None, &format!(r#"{{"code":"{code}"}}"#));
            log_in.reject(&error, passkey_rejected)
        };
        assert!(reject("challenge_expired").is_err());
        assert!(!expired.get());
        assert_eq!(reject("invalid_ticket"), Ok(()));
        assert!(expired.get());
    }
}

use std::rc::Rc;

use api_types::{
    ErrorCode, PasskeyTokenRequest, SecondFactorRequired, TokenRequest, TokenResponse,
};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_router::hooks::use_route;
use yew_session::{ApiError, Remember, Session, SessionHandle, User, use_session};

use super::passkey::{PasskeyButton, ask_for_passkey, passkey_rejected};
use super::second_step::{Ids, Restart, SecondStep};
use super::submission::use_submission;
use crate::api;
use crate::browser;
use crate::components::{
    Dialog, Failure, Form, FormData, PasswordField, Progress, hidden_username,
};
use crate::messages::{FieldProblem, describe};
use crate::routes::Route;
use crate::webauthn::{self, Passkeys};

const PASSWORD: &str = "password";
const HEADING: &str = "step-up";

/// The ids differ from the names, because the page below the dialog may have inputs with the same
/// names.
const PASSWORD_ID: &str = "step-up-password";
const IDS: Ids =
    Ids { code: "step-up-code", recovery_code: "step-up-recovery-code", heading: Some(HEADING) };

#[derive(Properties, PartialEq)]
pub(crate) struct StepUpProps {
    pub(crate) passkeys: Passkeys,
}

/// Shows the dialog in which the user logs in again while a request waits for it. When the user
/// leaves the page, or the session ends, the dialog is closed.
#[component]
pub(crate) fn StepUp(props: &StepUpProps) -> Html {
    let session = use_session();
    let route = use_route::<Route>();
    let user = match session.session() {
        Session::SignedIn(user) => Some(user),
        _ => None,
    };
    // The page on which the dialog was opened, and the user.
    let opened = use_state(|| None);
    let place = user.map(|user| (route, user.id.clone()));
    let onclose = {
        let (session, opened) = (session.clone(), opened.setter());
        Callback::from(move |()| {
            opened.set(None);
            session.cancel_step_up();
        })
    };
    use_effect_with(place.clone(), {
        let (session, opened, onclose) = (session.clone(), opened.setter(), onclose.clone());
        move |place| {
            let opener = place
                .clone()
                .map(|place| Callback::from(move |()| opened.set(Some(place.clone()))));
            session.set_step_up(opener);
            move || {
                session.set_step_up(None);
                onclose.emit(());
            }
        }
    });
    let Some(user) = user.filter(|_| *opened == place) else { return Html::default() };
    let onsignedin = {
        let (session, opened, id) = (session.clone(), opened.setter(), user.id.clone());
        Callback::from(move |answer| {
            opened.set(None);
            session.stepped_up(&id, answer);
            Ok(())
        })
    };
    html! {
        <StepUpDialog user={user.clone()} passkeys={props.passkeys} {onsignedin} {onclose} />
    }
}

#[derive(Properties, PartialEq)]
struct StepUpDialogProps {
    user: User,
    passkeys: Passkeys,
    onsignedin: Callback<TokenResponse, Result<(), Failure>>,
    onclose: Callback<()>,
}

/// The dialog with the steps of a log-in.
#[component]
fn StepUpDialog(props: &StepUpDialogProps) -> Html {
    let StepUpDialogProps { user, passkeys, onsignedin, onclose } = props;
    let passkeys = *passkeys;
    let session = use_session();
    let second = use_state(|| None::<Rc<SecondFactorRequired>>);
    let is_second_busy = use_state(|| false);
    let onbusy = use_callback((), {
        let is_second_busy = is_second_busy.setter();
        move |is_busy, ()| is_second_busy.set(is_busy)
    });
    let own_passkeys = use_own_passkeys(&session, passkeys);
    let (progress, onsubmit) = use_submission({
        let (email, session) = (user.email.clone(), session.clone());
        let (second, onsignedin) = (second.setter(), onsignedin.clone());
        async move |data: FormData| {
            check(&data).into_result()?;
            webauthn::abort();
            let password = data.text(PASSWORD).to_owned();
            let remember = session.remember() == Remember::Yes;
            let request = TokenRequest { email: email.clone(), password, remember };
            match api::sign_in(&request).send().await {
                Ok(answer) => onsignedin.emit(answer),
                Err(error) => {
                    let required = error.second_factor().ok_or_else(|| rejected(&error))?;
                    second.set(Some(Rc::new(required.clone())));
                    Ok(())
                }
            }
        }
    });
    let (passkey, onpasskey) = use_submission({
        let (allowed, onsignedin) = (own_passkeys.clone(), onsignedin.clone());
        async move |()| {
            let credential = ask_for_passkey(None, &allowed).await?;
            let remember = session.remember() == Remember::Yes;
            let request = PasskeyTokenRequest { credential, remember };
            match api::sign_in_with_passkey(&request).send().await {
                Ok(answer) => onsignedin.emit(answer),
                Err(error) => Err(passkey_rejected(&error)),
            }
        }
    });
    // The number of attempts before the log-in started over. Until there are more, the form has no
    // outcome.
    let earlier = use_state(|| 0);
    let is_restarted = *earlier != 0 && progress.attempts == *earlier;
    let progress = if is_restarted && !progress.busy { Progress::default() } else { progress };
    use_effect_with(is_restarted && second.is_none(), |is_shown_again| {
        // The focused button was removed.
        if *is_shown_again {
            browser::focus(browser::element(PASSWORD_ID));
        }
    });
    let content = if let Some(required) = &*second {
        let onexpired = {
            let (second, earlier) = (second.setter(), earlier.setter());
            let attempts = progress.attempts;
            move |()| {
                earlier.set(attempts);
                second.set(None);
            }
        };
        html! {
            <SecondStep
                required={(**required).clone()}
                {passkeys}
                ids={IDS}
                onsignedin={onsignedin.clone()}
                {onexpired}
                {onbusy}
            />
        }
    } else {
        html! {
            <>
                if is_restarted {
                    {Restart::Expired.notice()}
                }
                <Form
                    submit="Continue"
                    submitting="Checking…"
                    progress={progress.clone()}
                    {onsubmit}
                >
                    {hidden_username(&user.email.clone().into())}
                    <PasswordField
                        name={PASSWORD}
                        id={PASSWORD_ID}
                        autocomplete="current-password"
                        problem={progress.failure.at(PASSWORD)}
                        busy={progress.busy}
                    />
                </Form>
                if !own_passkeys.is_empty() {
                    <PasskeyButton
                        text="Use a passkey"
                        quiet=true
                        progress={passkey}
                        disabled={progress.busy}
                        onpress={onpasskey}
                    />
                }
            </>
        }
    };
    html! {
        <Dialog title="Confirm it is you" title_id={HEADING} busy={progress.busy || *is_second_busy} {onclose}>
            <p>{"To protect your account, log in again before you make this change."}</p>
            {content}
        </Dialog>
    }
}

/// Returns the credential IDs of the user's passkeys, once they are loaded. If the browser offered
/// any passkey, the user might choose one of another account.
#[hook]
fn use_own_passkeys(session: &SessionHandle, passkeys: Passkeys) -> Rc<[String]> {
    let own = use_state(Rc::<[String]>::default);
    use_effect_with((), {
        let (session, own) = (session.clone(), own.setter());
        move |()| {
            if passkeys == Passkeys::Supported {
                spawn_local(async move {
                    // Without the list, the user can still enter the password.
                    if let Ok(factors) = session.authorized(api::factors()).await {
                        own.set(
                            factors
                                .passkeys
                                .into_iter()
                                .map(|passkey| passkey.credential_id)
                                .collect(),
                        );
                    }
                });
            }
        }
    });
    (*own).clone()
}

/// Checks whether the field is empty. The server would count an empty password as an attempt.
fn check(data: &FormData) -> Failure {
    let missing = data.text(PASSWORD).is_empty();
    Failure::from_fields([(PASSWORD, missing.then_some(FieldProblem::PasswordMissing))])
}

fn rejected(error: &ApiError) -> Failure {
    if error.has_code(ErrorCode::InvalidCredentials) {
        let wrong = Failure::from_fields([(PASSWORD, Some(FieldProblem::PasswordWrong))]);
        return Failure { clear: Some(PASSWORD), ..wrong };
    }
    Failure::from_form(describe(error))
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use super::*;
    use crate::pages::render::render;

    #[test]
    fn the_dialog_asks_for_the_password() {
        let html = render::<StepUpDialog>(StepUpDialogProps {
            user: User {
                id: "018f".to_owned(),
                email: "ada@example.com".to_owned(),
                created_at: "2026-04-14T09:30:00Z".to_owned(),
                email_verified_at: None,
                second_factor: true,
                second_factor_enrolment_required: false,
                roles: Vec::new(),
            },
            passkeys: Passkeys::Supported,
            onsignedin: Callback::from(|_| Ok(())),
            onclose: Callback::noop(),
        });
        assert!(html.contains("aria-labelledby=\"step-up\""), "{html}");
        assert!(html.contains("id=\"step-up\" tabindex=\"-1\">Confirm it is you</h2>"), "{html}");
        assert!(html.contains("id=\"step-up-password\" name=\"password\""), "{html}");
        assert!(html.contains("autocomplete=\"current-password\""), "{html}");
        assert!(html.contains("value=\"ada@example.com\""), "for password managers: {html}");
        for button in ["Continue", "Cancel"] {
            assert!(html.contains(&format!(">{button}</button>")), "{html}");
        }
        assert!(!html.contains("passkey"), "they are not loaded yet: {html}");
    }

    #[test]
    fn a_wrong_password_is_an_error_of_its_field() {
        let body = r#"{"code":"invalid_credentials"}"#;
        let failure = rejected(&ApiError::rejected(401, None, body));
        assert_eq!(failure.at(PASSWORD), Some(FieldProblem::PasswordWrong));
        assert_eq!((failure.clear, failure.form), (Some(PASSWORD), None));
        assert!(rejected(&ApiError::Unreachable).form.is_some());
    }

    #[test]
    fn an_empty_password_is_not_sent() {
        let data = |text: &str| FormData::from_iter([(PASSWORD.to_owned(), text.to_owned())]);
        assert_eq!(check(&data("")).at(PASSWORD), Some(FieldProblem::PasswordMissing));
        assert_eq!(check(&data("x")), Failure::default());
    }
}

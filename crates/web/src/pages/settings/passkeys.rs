mod add;
mod rename;

use api_types::{ErrorCode, Factors, Passkey};
use yew::prelude::*;

use super::confirm::ConfirmDialog;
use super::factors::{FactorsState, failure};
use super::remote_list::show;
use super::two_step::TURNED_ON;
use crate::api;
use crate::browser;
use crate::components::{BusyButton, Failure, PasskeyList, alert, status, verify_first};
use crate::pages::submission::use_submission;
use crate::webauthn::Passkeys;
use add::AddForm;
use rename::RenameForm;
use yew_session::{SessionHandle, use_session};

const HEADING: &str = "settings-passkeys";
const REMOVED: &str = "The passkey has been removed. All other sessions have ended.";

#[derive(Properties, PartialEq)]
pub(super) struct PasskeysSectionProps {
    pub(super) state: FactorsState,
    /// The support for passkeys on this page.
    pub(super) passkeys: Passkeys,
}

#[component]
pub(super) fn PasskeysSection(props: &PasskeysSectionProps) -> Html {
    let PasskeysSectionProps { state, passkeys } = props;
    let session = use_session();
    let message = use_state(|| None);
    let renaming = use_state(|| None::<AttrValue>);
    use_focus_after_renaming(&renaming);
    // The passkey whose removal the user is asked to confirm.
    let confirming = use_state(|| None::<AttrValue>);
    let last = use_state(|| None::<AttrValue>);
    let (removal, remove) = use_submission({
        let (state, session, message) = (state.clone(), session.clone(), message.setter());
        async move |id: AttrValue| {
            remove(&id, &session).await?;
            message.set(Some(REMOVED));
            state.changed(&session).await;
            Ok(())
        }
    });
    // The focused button is removed together with its passkey.
    use_effect_with(removal.has_succeeded(), |succeeded| {
        if *succeeded && browser::has_lost_focus() {
            browser::focus(browser::element(HEADING));
        }
    });
    let onremove = {
        let confirming = confirming.setter();
        move |id| confirming.set(Some(id))
    };
    let dialog = |passkey: &Passkey| {
        let id = AttrValue::from(passkey.id.clone());
        let opener = PasskeyList::remove_button(&id);
        let onclose = {
            let confirming = confirming.setter();
            move |()| confirming.set(None)
        };
        let onconfirm = {
            let (remove, last, message) = (remove.clone(), last.setter(), message.setter());
            move |()| {
                last.set(Some(id.clone()));
                message.set(None);
                remove.emit(id.clone());
            }
        };
        let text = format!(
            "Afterwards, you can no longer log in with the passkey “{}”. This ends all other \
             sessions.",
            passkey.name
        );
        html! {
            <ConfirmDialog
                title="Remove this passkey?"
                {text}
                button="Remove"
                {opener}
                {onclose}
                {onconfirm}
            />
        }
    };
    let onrename = {
        let (renaming, message) = (renaming.setter(), message.setter());
        move |id| {
            renaming.set(Some(id));
            message.set(None);
        }
    };
    let onmessage = {
        let message = message.setter();
        Callback::from(move |text| message.set(text))
    };
    let list = |factors: &Factors| {
        let is_asked_for = |passkey: &&Passkey| confirming.as_deref() == Some(&*passkey.id);
        let asked_for = factors.passkeys.iter().find(is_asked_for);
        let form = |id: AttrValue| {
            let passkey = factors.passkeys.iter().find(|passkey| id == passkey.id)?.clone();
            let (state, onmessage) = (state.clone(), onmessage.clone());
            let onclose = {
                let renaming = renaming.setter();
                move |()| renaming.set(None)
            };
            Some((id, html! { <RenameForm {passkey} {state} {onmessage} {onclose} /> }))
        };
        html! {
            <>
                <PasskeyList
                    passkeys={factors.passkeys.clone()}
                    renaming={(*renaming).clone().and_then(form)}
                    removing={(*last).clone().filter(|_| removal.busy)}
                    failure={(*last).clone().zip(removal.failure.form.clone())}
                    {onrename}
                    {onremove}
                />
                if let Some(passkey) = asked_for {
                    {dialog(passkey)}
                }
                if state.unverified {
                    {verify_first("add a passkey")}
                } else {
                    if !factors.passkeys.is_empty() && !factors.second_factor {
                        <AskForPasskey state={state.clone()} />
                    }
                    <AddForm state={state.clone()} passkeys={*passkeys} {onmessage} />
                }
            </>
        }
    };
    html! {
        <section class="setting" aria-labelledby={HEADING}>
            <h2 id={HEADING} tabindex="-1">{"Passkeys"}</h2>
            <p>
                {"With a passkey, you log in with your fingerprint, your face or the PIN of your \
                  device instead of your password."}
            </p>
            {show(&state.list, HEADING, &state.retry, list)}
            {status(message.map(AttrValue::from))}
        </section>
    }
}

/// Moves the focus to the button that has opened the form for a new name, after the form has been
/// removed.
#[hook]
fn use_focus_after_renaming(renaming: &Option<AttrValue>) {
    let previous = use_mut_ref(|| None::<AttrValue>);
    use_effect_with(renaming.clone(), move |renaming| {
        if let Some(id) = previous.replace(renaming.clone())
            && renaming.is_none()
        {
            let button = browser::element(&PasskeyList::rename_button(&id));
            browser::focus(button.or_else(|| browser::element(HEADING)));
        }
    });
}

async fn remove(id: &str, session: &SessionHandle) -> Result<(), Failure> {
    let answer = session.authorized_fresh(api::remove_passkey(id));
    match answer.await {
        // The passkey has been removed since the list was loaded.
        Err(error) if error.has_code(ErrorCode::NotFound) => Ok(()),
        answer => answer.map_err(|error| failure(&error)),
    }
}

#[derive(Properties, PartialEq)]
struct AskForPasskeyProps {
    state: FactorsState,
}

/// The button that turns the second factor on.
#[component]
fn AskForPasskey(props: &AskForPasskeyProps) -> Html {
    let session = use_session();
    let (progress, onpress) = use_submission({
        let state = props.state.clone();
        async move |()| {
            let codes = session.authorized_fresh(api::turn_second_factor_on()).await;
            state.show_codes(codes.map_err(|error| failure(&error))?, TURNED_ON);
            state.changed(&session).await;
            Ok(())
        }
    });
    html! {
        <>
            <p>
                <BusyButton
                    text="Ask for a passkey after the password"
                    busy_text="Turning on…"
                    busy={progress.busy}
                    class="button-quiet"
                    {onpress}
                />
            </p>
            if let Some(failure) = &progress.failure.form {
                {alert(failure)}
            }
        </>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::render::render;
    use crate::pages::settings::factors::View;
    use crate::pages::settings::remote_list::RemoteList;

    const ASK: &str = "Ask for a passkey after the password";

    #[derive(Properties, PartialEq)]
    struct LoadedProps {
        factors: Factors,
        unverified: bool,
    }

    /// The section after the passkeys have been loaded.
    #[component]
    fn Loaded(props: &LoadedProps) -> Html {
        let state = FactorsState {
            list: use_state(|| RemoteList::Loaded(props.factors.clone())),
            retry: Callback::noop(),
            view: use_state(|| View::Overview),
            message: use_state(|| None),
            unverified: props.unverified,
            onchanged: Callback::noop(),
        };
        html! { <PasskeysSection {state} passkeys={Passkeys::Supported} /> }
    }

    fn section(passkeys: &[Passkey], second_factor: bool, unverified: bool) -> String {
        let (totp, recovery_codes, passkeys) = (None, None, passkeys.to_vec());
        let factors = Factors { second_factor, totp, recovery_codes, passkeys };
        render::<Loaded>(LoadedProps { factors, unverified })
    }

    #[test]
    fn an_unverified_user_can_neither_add_a_passkey_nor_turn_the_second_factor_on() {
        let passkey = Passkey {
            id: "a".to_owned(),
            name: "Phone".to_owned(),
            created_at: "2026-04-14T09:30:00Z".to_owned(),
            last_used_at: None,
            synced: true,
            credential_id: "AAAA".to_owned(),
        };
        let passkeys = [passkey];
        let verified = section(&passkeys, false, false);
        assert!(verified.contains(ASK) && verified.contains("Add a passkey"), "{verified}");
        let unverified = section(&passkeys, false, true);
        assert!(unverified.contains("Phone") && unverified.contains("href=\"/verify\""));
        assert!(!unverified.contains(ASK) && !unverified.contains("Add a passkey"), "{unverified}");
        for html in [section(&[], false, false), section(&passkeys, true, false)] {
            assert!(!html.contains(ASK) && html.contains("Add a passkey"), "{html}");
        }
    }
}

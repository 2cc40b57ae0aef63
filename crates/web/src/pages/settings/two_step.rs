mod set_up;

use yew::prelude::*;

use super::confirm::ConfirmDialog;
use super::factors::{FactorsState, View, failure};
use super::remote_list::show;
use crate::components::{
    AppSetUp, Failure, RecoveryCodeList, TwoStepAction, TwoStepOverview, status,
};
use crate::pages::submission::use_submission;
use crate::{api, browser};
use set_up::SetUp;
use yew_session::{SessionHandle, use_session};

pub(super) const HEADING: &str = "settings-two-step";
pub(super) const TURNED_ON: &str = "Two-step log-in is on. All other sessions have ended.";
const TURNED_OFF: &str = "Two-step log-in is off. All other sessions have ended.";
const RENEWED: &str = "These are your new recovery codes. The old ones are no longer valid.";

/// The title, the text and the button of the dialog that asks the user to confirm an action.
const RENEW: (&str, &str, &str) = (
    "Create new recovery codes?",
    "Your saved recovery codes will no longer work. Save the new ones at once.",
    "New recovery codes",
);
const TURN_OFF: (&str, &str, &str) = (
    "Turn off two-step log-in?",
    "Afterwards, your password alone is enough to log in. This removes your app and your recovery \
     codes, and ends all other sessions. You keep your passkeys.",
    "Turn off",
);

#[derive(Properties, PartialEq)]
pub(super) struct TwoStepSectionProps {
    pub(super) email: AttrValue,
    pub(super) state: FactorsState,
}

#[component]
pub(super) fn TwoStepSection(props: &TwoStepSectionProps) -> Html {
    let TwoStepSectionProps { email, state } = props;
    let session = use_session();
    let confirming = use_state(|| None::<TwoStepAction>);
    let last = use_state(|| None);
    let (progress, run) = use_submission({
        let state = state.clone();
        async move |action: TwoStepAction| run(action, &state, &session).await
    });
    let run = {
        let (last, message) = (last.setter(), state.message.setter());
        move |action| {
            last.set(Some(action));
            message.set(None);
            run.emit(action);
        }
    };
    let onaction = {
        let (run, confirming) = (run.clone(), confirming.setter());
        move |action| match action {
            TwoStepAction::SetUp => run(action),
            TwoStepAction::Renew | TwoStepAction::TurnOff => confirming.set(Some(action)),
        }
    };
    let dialog = |action: TwoStepAction| {
        let (title, text, button) = match action {
            TwoStepAction::SetUp => return Html::default(),
            TwoStepAction::Renew => RENEW,
            TwoStepAction::TurnOff => TURN_OFF,
        };
        let onclose = {
            let confirming = confirming.setter();
            move |()| confirming.set(None)
        };
        let onconfirm = {
            let run = run.clone();
            move |()| run(action)
        };
        let opener = action.button();
        html! { <ConfirmDialog {title} {text} {button} {opener} {onclose} {onconfirm} /> }
    };
    let back = {
        let (view, message) = (state.view.setter(), state.message.setter());
        Callback::from(move |()| {
            view.set(View::Overview);
            message.set(None);
        })
    };
    use_focus(&state.view, progress.has_succeeded());
    let content = match &*state.view {
        View::SetUp(pending) => html! {
            <SetUp pending={pending.clone()} state={state.clone()} oncancel={back} />
        },
        View::Codes(codes) => html! {
            <RecoveryCodeList codes={codes.clone()} {email} onsaved={back} />
        },
        View::Overview => show(&state.list, HEADING, &state.retry, |factors| {
            html! {
                <TwoStepOverview
                    factors={factors.clone()}
                    unverified={state.unverified}
                    pending={last.filter(|_| progress.busy)}
                    failure={progress.failure.form.clone()}
                    {onaction}
                />
            }
        }),
    };
    html! {
        <section class="setting" aria-labelledby={HEADING}>
            <h2 id={HEADING} tabindex="-1">{"Two-step log-in"}</h2>
            {content}
            {status(state.message.map(AttrValue::from))}
            if let Some(action) = *confirming {
                {dialog(action)}
            }
        </section>
    }
}

/// Moves the focus to the heading of a view that has replaced another one, and to the heading of
/// the section if an action has removed the focused button.
#[hook]
fn use_focus(view: &View, has_succeeded: bool) {
    let heading = match view {
        View::Overview => HEADING,
        View::SetUp(_) => AppSetUp::HEADING,
        View::Codes(_) => RecoveryCodeList::HEADING,
    };
    let previous = use_mut_ref(|| heading);
    use_effect_with((heading, has_succeeded), move |(heading, has_succeeded)| {
        let is_new = previous.replace(heading) != *heading;
        if is_new || (*has_succeeded && browser::has_lost_focus()) {
            browser::focus(browser::element(heading));
        }
    });
}

async fn run(
    action: TwoStepAction,
    state: &FactorsState,
    session: &SessionHandle,
) -> Result<(), Failure> {
    match action {
        TwoStepAction::SetUp => {
            let pending = session.authorized_fresh(api::set_up_totp()).await;
            state.view.set(View::SetUp(pending.map_err(|error| failure(&error))?));
            return Ok(());
        }
        TwoStepAction::Renew => {
            let codes = session.authorized_fresh(api::renew_recovery_codes()).await;
            state.show_codes(codes.map_err(|error| failure(&error))?, RENEWED);
        }
        TwoStepAction::TurnOff => {
            let answer = session.authorized_fresh(api::turn_second_factor_off()).await;
            answer.map_err(|error| failure(&error))?;
            state.message.set(Some(TURNED_OFF));
        }
    }
    state.changed(session).await;
    Ok(())
}

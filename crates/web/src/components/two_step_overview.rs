use api_types::Factors;
use yew::prelude::*;

use super::busy_button::BusyButton;
use super::notice::alert;
use super::text::text;
use super::time_ago::TimeAgo;
use super::verify_first::verify_first;
use crate::format::count;
use crate::site::site;

/// The number of recovery codes below which the user should create new ones.
const ENOUGH_CODES: u32 = 4;

/// An action of the user on the second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TwoStepAction {
    /// Set up an app, or replace the one that is set up.
    SetUp,
    /// Create new recovery codes.
    Renew,
    /// Turn the second factor off.
    TurnOff,
}

/// Properties of [`TwoStepOverview`].
#[derive(Properties, PartialEq)]
pub struct TwoStepOverviewProps {
    /// The second factors.
    pub factors: Factors,
    /// `true` if the user must verify the email address before adding a factor.
    pub unverified: bool,
    /// The action whose request is pending.
    pub pending: Option<TwoStepAction>,
    /// The error of the last action.
    pub failure: Option<AttrValue>,
    /// Called when the user chooses an action.
    pub onaction: Callback<TwoStepAction>,
}

/// The state of the second factor, and the buttons that change it.
#[component]
pub fn TwoStepOverview(props: &TwoStepOverviewProps) -> Html {
    let Factors { second_factor, totp, recovery_codes, passkeys } = &props.factors;
    let set_up = if totp.is_some() { "Replace the app" } else { "Set up an app" };
    let name = site().name;
    let second_step = match (second_factor, totp, passkeys.is_empty()) {
        (false, ..) => {
            format!(
                "Your password alone is enough to log in. With two-step log-in, {name} also asks \
                 for a code from an app, or for a passkey."
            )
        }
        (true, Some(_), true) => {
            format!("After your password, {name} asks for a code from your app.")
        }
        (true, Some(_), false) => {
            format!("After your password, {name} asks for a code from your app, or for a passkey.")
        }
        (true, None, _) => format!("After your password, {name} asks for a passkey."),
    };
    html! {
        <>
            <p class="setting-state">{text(if *second_factor { "On" } else { "Off" })}</p>
            <p>{text(second_step)}</p>
            if let Some(totp) = totp {
                <p>
                    {"App set up "}<TimeAgo time={totp.created_at.clone()} />
                    if let Some(time) = &totp.last_used_at {
                        {", last used "}<TimeAgo time={time.clone()} />
                    }
                </p>
            }
            if let Some(codes) = recovery_codes {
                <p>{text(format!("{} left", count(codes.left.into(), "recovery code")))}</p>
                if codes.left < ENOUGH_CODES {
                    <div class="notice notice-alert">
                        <p>
                            {"Create new recovery codes. Without them, you cannot log in if you lose \
                              your app and your passkeys."}
                        </p>
                    </div>
                }
            }
            if props.unverified {
                {verify_first("set up an app")}
            }
            <div class="actions">
                if *second_factor {
                    {button(props, TwoStepAction::Renew, "New recovery codes", "Creating…")}
                }
                if !props.unverified {
                    {button(props, TwoStepAction::SetUp, set_up, "Starting…")}
                }
                if *second_factor {
                    {button(props, TwoStepAction::TurnOff, "Turn off", "Turning off…")}
                }
            </div>
            if let Some(failure) = &props.failure {
                {alert(failure)}
            }
        </>
    }
}

fn button(
    props: &TwoStepOverviewProps,
    action: TwoStepAction,
    text: &'static str,
    busy_text: &'static str,
) -> Html {
    let class =
        if action == TwoStepAction::TurnOff { "button-danger-quiet" } else { "button-quiet" };
    html! {
        <BusyButton
            {text}
            {busy_text}
            busy={props.pending == Some(action)}
            disabled={props.pending.is_some()}
            id={action.button()}
            {class}
            onpress={props.onaction.reform(move |()| action)}
        />
    }
}

impl TwoStepAction {
    /// Returns the id of the button for this action.
    #[must_use]
    pub const fn button(self) -> &'static str {
        match self {
            Self::SetUp => "set-up-app",
            Self::Renew => "renew-recovery-codes",
            Self::TurnOff => "turn-off",
        }
    }
}

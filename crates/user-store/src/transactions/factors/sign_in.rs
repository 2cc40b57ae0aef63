use auth_core::UserId;

use super::super::sessions::insert_session;
use super::super::statements::{factors, users};
use super::super::{Result, Tx};
use super::{save_record, save_wrong_code};
use crate::factors::{
    OpenedSession, Passkey, PasskeySignIn, PasskeySignInOutcome, PresentedFactor, SecondStep,
    SecondStepOutcome,
};
use crate::rules::factors::{
    PasskeySignInRows, PasskeyWrite, RejectedPasskey, SecondStepRows, SecondStepWrite, SignInWrite,
    TicketRows, TotpRow, UsedFactor,
};
use crate::rules::{self, Decision};
use crate::sessions::NewSession;

/// Opens a session with a ticket and a second factor.
pub(super) fn with_second_factor(tx: Tx<'_>, step: &SecondStep) -> Result<SecondStepOutcome> {
    let user = step.ticket.user;
    let account = users::by_id(tx, user)?;
    let state = users::account_state(tx, user)?;
    let presented = Presented::read(tx, user, &step.factor)?;
    let rows = SecondStepRows {
        ticket: TicketRows {
            account: account.as_ref(),
            state: state.as_ref(),
            is_used: factors::is_used(tx, step.ticket.id)?,
        },
        failures: &factors::failures(tx, user)?,
        totp: presented.totp.as_ref(),
        has_recovery_code: presented.has_recovery_code,
        passkey: presented.passkey.as_ref(),
        is_challenge_used: presented.is_challenge_used,
    };
    match rules::factors::open_session_with_second_factor(step, rows) {
        Decision::Write(SecondStepWrite::Opened(write)) => {
            Ok(SecondStepOutcome::Opened(open_session(tx, write, &step.session)?))
        }
        Decision::Write(SecondStepWrite::Wrong(wrong)) => {
            save_wrong_code(tx, &wrong)?;
            Ok(wrong.second_step_outcome())
        }
        Decision::Write(SecondStepWrite::Rejected(rejected)) => {
            save_rejected_passkey(tx, &rejected)?;
            Ok(SecondStepOutcome::CredentialInvalid)
        }
        Decision::Return(outcome) => Ok(outcome),
    }
}

/// Opens a session with a passkey alone.
pub(super) fn with_passkey(tx: Tx<'_>, sign_in: &PasskeySignIn) -> Result<PasskeySignInOutcome> {
    let user = sign_in.session.session.user_id;
    let Some(account) = users::by_id(tx, user)? else {
        return Ok(PasskeySignInOutcome::Rejected);
    };
    let passkey = factors::passkey(tx, sign_in.passkey.id)?;
    let rows = PasskeySignInRows {
        account: Some(&account),
        device_version: users::device_version(tx, user)?,
        passkey: passkey.as_ref(),
        is_challenge_used: factors::is_used(tx, sign_in.passkey.challenge.id)?,
    };
    match rules::factors::open_session_with_passkey(sign_in, rows) {
        Decision::Write(PasskeyWrite::Opened(write)) => {
            let opened = open_session(tx, write, &sign_in.session)?;
            Ok(PasskeySignInOutcome::Opened(opened))
        }
        Decision::Write(PasskeyWrite::Rejected(rejected)) => {
            save_rejected_passkey(tx, &rejected)?;
            Ok(PasskeySignInOutcome::Rejected)
        }
        Decision::Return(outcome) => Ok(outcome),
    }
}

/// The rows of a presented factor.
#[derive(Default)]
struct Presented {
    totp: Option<TotpRow>,
    has_recovery_code: bool,
    passkey: Option<Passkey>,
    is_challenge_used: bool,
}

impl Presented {
    fn read(tx: Tx<'_>, user: UserId, factor: &PresentedFactor) -> Result<Self> {
        Ok(match factor {
            PresentedFactor::AppCode(_) => {
                Self { totp: factors::totp(tx, user)?, ..Self::default() }
            }
            PresentedFactor::RecoveryCode(hash) => {
                let has_recovery_code = factors::has_recovery_code(tx, user, hash)?;
                Self { has_recovery_code, ..Self::default() }
            }
            PresentedFactor::Passkey(used) => Self {
                passkey: factors::passkey(tx, used.id)?,
                is_challenge_used: factors::is_used(tx, used.challenge.id)?,
                ..Self::default()
            },
        })
    }
}

/// Writes the decision that a second factor or a passkey opens a session.
fn open_session(tx: Tx<'_>, write: SignInWrite, new: &NewSession) -> Result<OpenedSession> {
    let now = new.session.created_at;
    for used in &write.used_ids {
        factors::insert_used(tx, used)?;
    }
    match &write.factor {
        UsedFactor::AppCode(step) => factors::use_totp(tx, write.user.id, *step, now)?,
        UsedFactor::RecoveryCode(hash) => factors::delete_recovery_code(tx, write.user.id, hash)?,
        UsedFactor::Passkey(id, state) => factors::use_passkey(tx, *id, *state, now)?,
    }
    factors::delete_failures(tx, write.user.id)?;
    let ended = insert_session(tx, new)?;
    save_record(tx, &write.record)?;
    Ok(OpenedSession { user: write.user, device_version: write.device_version, ended })
}

fn save_rejected_passkey(tx: Tx<'_>, rejected: &RejectedPasskey) -> Result<()> {
    factors::insert_used(tx, &rejected.challenge)?;
    save_record(tx, &rejected.record)
}

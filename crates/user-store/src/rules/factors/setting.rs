//! Turning the second factor on and off, and replacing the recovery codes.

use auth_core::{MailId, Timestamp};

use super::{ActingRows, Change, Record};
use crate::factors::{ReplaceRecoveryCodesOutcome, TurnOffOutcome, TurnOnOutcome};
use crate::rules::decision::Decision;
use crate::sessions::ActingSession;

/// Decides whether the second factor is turned on for a user with this number of passkeys. On
/// [`Decision::Write`], the transaction saves `now` as the time of the second factor and the
/// recovery codes instead of all others, and ends all other sessions.
pub(crate) fn turn_second_factor_on(
    acting: &ActingSession,
    rows: ActingRows<'_>,
    passkeys: usize,
    notice: Option<MailId>,
    now: Timestamp,
) -> Decision<Record, TurnOnOutcome> {
    let Some(account) = rows.authorize(acting, now) else {
        return Decision::Return(TurnOnOutcome::SessionEnded);
    };
    if passkeys == 0 {
        return Decision::Return(TurnOnOutcome::NoFactor);
    }
    if account.second_factor_at.is_some() {
        return Decision::Return(TurnOnOutcome::AlreadyOn);
    }
    Decision::Write(Change::SecondFactorOn.record(acting, account, notice, now))
}

/// Decides whether the second factor is turned off. On [`Decision::Write`], the transaction removes
/// the time of the second factor, deletes the app, the one that is being set up, the recovery codes
/// with their list and the counts of wrong codes, and ends all other sessions.
pub(crate) fn turn_second_factor_off(
    acting: &ActingSession,
    rows: ActingRows<'_>,
    notice: Option<MailId>,
    now: Timestamp,
) -> Decision<Record, TurnOffOutcome> {
    let Some(account) = rows.authorize(acting, now) else {
        return Decision::Return(TurnOffOutcome::SessionEnded);
    };
    if account.second_factor_at.is_none() {
        return Decision::Return(TurnOffOutcome::AlreadyOff);
    }
    Decision::Write(Change::SecondFactorOff.record(acting, account, notice, now))
}

/// Decides whether the recovery codes are replaced. On [`Decision::Write`], the transaction saves
/// the new ones instead of all others.
pub(crate) fn replace_recovery_codes(
    acting: &ActingSession,
    rows: ActingRows<'_>,
    notice: Option<MailId>,
    now: Timestamp,
) -> Decision<Record, ReplaceRecoveryCodesOutcome> {
    let Some(account) = rows.authorize(acting, now) else {
        return Decision::Return(ReplaceRecoveryCodesOutcome::SessionEnded);
    };
    if account.second_factor_at.is_none() {
        return Decision::Return(ReplaceRecoveryCodesOutcome::SecondFactorOff);
    }
    Decision::Write(Change::RecoveryCodesRenewed.record(acting, account, notice, now))
}

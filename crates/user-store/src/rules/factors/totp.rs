//! Setting up an app.

use auth_core::{CodeLimit, RecoveryCodeHash, Timestamp, TotpSecret, TotpStep, UserId};

use super::{ActingRows, Change, CodeAttempt, FailuresRow, PendingTotpRow, Record, WrongCode};
use crate::factors::{BeginTotpOutcome, ConfirmTotp, ConfirmTotpOutcome};
use crate::rules::decision::Decision;
use crate::sessions::ActingSession;

/// Decides whether an app may be set up. On [`Decision::Write`], the transaction saves its secret
/// instead of an earlier one that is being set up. The value is the user.
pub(crate) fn begin_totp(
    acting: &ActingSession,
    rows: ActingRows<'_>,
    now: Timestamp,
) -> Decision<UserId, BeginTotpOutcome> {
    match rows.authorize(acting, now) {
        Some(account) => Decision::Write(account.id),
        None => Decision::Return(BeginTotpOutcome::SessionEnded),
    }
}

/// The stored rows that decide whether an app is confirmed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConfirmTotpRows<'a> {
    pub(crate) acting: ActingRows<'a>,
    pub(crate) pending: Option<&'a PendingTotpRow>,
    pub(crate) failures: &'a FailuresRow,
}

/// The result of entering the code that confirms an app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConfirmTotpWrite {
    /// Returns [`ConfirmedTotp::outcome`].
    Confirmed(ConfirmedTotp),
    /// Returns [`confirm_outcome`](WrongCode::confirm_outcome).
    Wrong(WrongCode),
}

impl WrongCode {
    pub(crate) const fn confirm_outcome(&self) -> ConfirmTotpOutcome {
        if self.locks_out { ConfirmTotpOutcome::LockedOut } else { ConfirmTotpOutcome::CodeWrong }
    }
}

/// An app that was confirmed.
///
/// The transaction deletes the row of the app that is being set up, saves the app instead of the
/// one in use, created at the given time and not used yet, and ends all other sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfirmedTotp {
    pub(crate) user: UserId,
    pub(crate) secret: TotpSecret,
    pub(crate) last_step: TotpStep,
    /// If this is given, the transaction turns the second factor on, and saves these recovery codes
    /// instead of all others.
    pub(crate) recovery_codes: Option<Vec<RecoveryCodeHash>>,
    pub(crate) record: Record,
    pub(crate) outcome: ConfirmTotpOutcome,
}

/// Decides whether a code confirms the app that is being set up.
pub(crate) fn confirm_totp(
    acting: &ActingSession,
    confirmation: &ConfirmTotp,
    rows: ConfirmTotpRows<'_>,
    now: Timestamp,
) -> Decision<ConfirmTotpWrite, ConfirmTotpOutcome> {
    let Some(account) = rows.acting.authorize(acting, now) else {
        return Decision::Return(ConfirmTotpOutcome::SessionEnded);
    };
    let Some(pending) = rows.pending.filter(|pending| now < pending.expires_at) else {
        return Decision::Return(ConfirmTotpOutcome::NoPendingTotp);
    };
    let attempt = CodeAttempt {
        account,
        session: Some(&acting.session),
        client: &acting.client,
        limit: CodeLimit::AppCodes,
        throttle: confirmation.throttle,
        failures: rows.failures,
        notice: confirmation.notice,
        now,
    };
    if let Some(retry_after) = attempt.wait() {
        return Decision::Return(ConfirmTotpOutcome::TooManyAttempts { retry_after });
    }
    let Some(last_step) = pending.secret.verify(&confirmation.code, now, None) else {
        return Decision::Write(ConfirmTotpWrite::Wrong(attempt.wrong()));
    };
    let is_on = account.second_factor_at.is_some();
    let (change, outcome) = match is_on {
        true => (Change::TotpReplaced, ConfirmTotpOutcome::Replaced),
        false => (Change::SecondFactorOn, ConfirmTotpOutcome::TurnedOn),
    };
    Decision::Write(ConfirmTotpWrite::Confirmed(ConfirmedTotp {
        user: account.id,
        secret: pending.secret.clone(),
        last_step,
        recovery_codes: if is_on { None } else { Some(confirmation.recovery_codes.clone()) },
        record: change.record(acting, account, confirmation.notice, now),
        outcome,
    }))
}

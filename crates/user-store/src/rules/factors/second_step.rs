//! The second step of a sign-in.

use auth_core::{Amr, CodeLimit, Ticket, Timestamp};

use super::passkeys::{PasskeyVerdict, PresentedPasskey};
use super::{
    CodeAttempt, FailuresRow, Record, RejectedPasskey, SignInWrite, TotpRow, UsedFactor, UsedId,
    WrongCode,
};
use crate::audit::{Event, EventKind};
use crate::factors::{Passkey, PresentedFactor, SecondStep, SecondStepOutcome};
use crate::mails::NoticeKind;
use crate::rules::codes::enabled;
use crate::rules::decision::Decision;
use crate::rules::mails::notice;
use crate::rules::sessions::signed_in;
use crate::rules::users::AccountState;
use crate::sessions::NewSession;
use crate::users::User;

/// The stored rows that decide whether a ticket is valid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TicketRows<'a> {
    /// The account of the ticket.
    pub(crate) account: Option<&'a User>,
    /// The state of the same account.
    pub(crate) state: Option<&'a AccountState>,
    /// `true` if the id of the ticket is stored.
    pub(crate) is_used: bool,
}

/// The stored rows that decide whether a second factor opens a session. The rows of factors that
/// are not presented need not be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SecondStepRows<'a> {
    pub(crate) ticket: TicketRows<'a>,
    pub(crate) failures: &'a FailuresRow,
    pub(crate) totp: Option<&'a TotpRow>,
    /// `true` if the account has the presented recovery code.
    pub(crate) has_recovery_code: bool,
    /// The presented passkey, of any user.
    pub(crate) passkey: Option<&'a Passkey>,
    /// `true` if the id of the challenge is stored.
    pub(crate) is_challenge_used: bool,
}

/// The result of presenting a second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SecondStepWrite {
    Opened(SignInWrite),
    /// Returns [`second_step_outcome`](WrongCode::second_step_outcome).
    Wrong(WrongCode),
    /// Returns [`SecondStepOutcome::CredentialInvalid`].
    Rejected(RejectedPasskey),
}

impl WrongCode {
    pub(crate) const fn second_step_outcome(&self) -> SecondStepOutcome {
        if self.locks_out { SecondStepOutcome::LockedOut } else { SecondStepOutcome::CodeWrong }
    }
}

/// Decides whether a ticket and a second factor open a session.
pub(crate) fn open_session_with_second_factor(
    step: &SecondStep,
    rows: SecondStepRows<'_>,
) -> Decision<SecondStepWrite, SecondStepOutcome> {
    let new = &step.session;
    let now = new.session.created_at;
    let Some((account, state)) = ticket_account(step, rows.ticket) else {
        return Decision::Return(SecondStepOutcome::TicketInvalid);
    };
    let attempt = |limit| CodeAttempt {
        account,
        session: None,
        client: &new.client,
        limit,
        throttle: step.throttle,
        failures: rows.failures,
        notice: step.notice,
        now,
    };
    let mut used_ids = vec![UsedId::new(step.ticket.id, step.ticket.expires_at)];
    let mut events = Vec::new();
    let mut mail = None;
    let factor = match &step.factor {
        PresentedFactor::AppCode(code) => {
            let attempt = attempt(CodeLimit::AppCodes);
            if let Some(retry_after) = attempt.wait() {
                return Decision::Return(SecondStepOutcome::TooManyAttempts { retry_after });
            }
            let accepted =
                rows.totp.and_then(|totp| totp.secret.verify(code, now, Some(totp.last_step)));
            match accepted {
                Some(accepted) => UsedFactor::AppCode(accepted),
                None => return Decision::Write(SecondStepWrite::Wrong(attempt.wrong())),
            }
        }
        PresentedFactor::RecoveryCode(hash) => {
            // A lockout does not apply to a right code, which cannot be guessed. Otherwise, an
            // attacker with the password could lock the owner out.
            if !rows.has_recovery_code {
                let attempt = attempt(CodeLimit::RecoveryCodes);
                return match attempt.wait() {
                    Some(retry_after) => {
                        Decision::Return(SecondStepOutcome::TooManyAttempts { retry_after })
                    }
                    None => Decision::Write(SecondStepWrite::Wrong(attempt.wrong())),
                };
            }
            let event = Event::by_user(EventKind::RecoveryCodeUsed, now, new.client.clone());
            events.push(event.about(account.id).in_session(new.session.id));
            let kind = NoticeKind::RecoveryCodeUsed;
            mail = notice(step.notice, kind, account, Some(&new.client), now);
            UsedFactor::RecoveryCode(*hash)
        }
        PresentedFactor::Passkey(used) => {
            let presented = PresentedPasskey {
                account,
                used,
                stored: rows.passkey,
                is_challenge_used: rows.is_challenge_used,
                failed: EventKind::SecondFactorFailed,
                client: &new.client,
                notice: step.notice,
                now,
            };
            match presented.judge() {
                PasskeyVerdict::Accepted(factor, challenge) => {
                    used_ids.push(challenge);
                    factor
                }
                PasskeyVerdict::Rejected(rejected) => {
                    return Decision::Write(SecondStepWrite::Rejected(rejected));
                }
                PasskeyVerdict::Unknown => {
                    return Decision::Return(SecondStepOutcome::CredentialInvalid);
                }
                PasskeyVerdict::ChallengeUsed => {
                    return Decision::Return(SecondStepOutcome::ChallengeUsed);
                }
            }
        }
    };
    events.push(signed_in(new));
    Decision::Write(SecondStepWrite::Opened(SignInWrite {
        user: account.clone(),
        device_version: state.device_version,
        used_ids,
        factor,
        record: Record { events, notice: mail },
    }))
}

/// Returns the account if the ticket is valid for it, and the ticket and the factor may open this
/// session.
fn ticket_account<'a>(
    step: &SecondStep,
    rows: TicketRows<'a>,
) -> Option<(&'a User, &'a AccountState)> {
    let SecondStep { ticket, session: NewSession { session, .. }, .. } = step;
    let (account, state) = valid_ticket(ticket, rows, session.created_at)?;
    let is_valid = session.user_id == account.id && session.amr == amr(step);
    if is_valid { Some((account, state)) } else { None }
}

/// Returns the account of a ticket if the ticket is valid.
pub(crate) fn valid_ticket<'a>(
    ticket: &Ticket,
    rows: TicketRows<'a>,
    now: Timestamp,
) -> Option<(&'a User, &'a AccountState)> {
    let (account, state) = (enabled(rows.account)?, rows.state?);
    let has_versions = ticket.password_version == state.password_version.0
        && ticket.device_version == state.device_version.0;
    let turned_on = account.second_factor_at?.as_millisecond();
    let is_valid = ticket.user == account.id
        && has_versions
        && ticket.second_factor_at.as_millisecond() == turned_on
        && now < ticket.expires_at
        && !rows.is_used;
    if is_valid { Some((account, state)) } else { None }
}

/// Returns the methods of a sign-in with this ticket and factor.
fn amr(step: &SecondStep) -> Amr {
    let second = match step.factor {
        PresentedFactor::AppCode(_) | PresentedFactor::RecoveryCode(_) => Amr::CODE,
        PresentedFactor::Passkey(_) => Amr::PASSKEY_AS_SECOND_FACTOR,
    };
    step.ticket.first_step.with_second_factor(second)
}

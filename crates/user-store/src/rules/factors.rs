//! Decisions about second factors and passkeys.

use std::time::Duration;

use auth_core::{
    ClientInfo, CodeFailureOutcome, CodeFailures, CodeLimit, MailId, PasskeyId, PasskeyState,
    RecoveryCodeHash, Session, SingleUseId, Timestamp, TotpSecret, TotpStep, UserId,
};

use crate::audit::{Event, EventKind};
use crate::factors::CodeThrottle;
use crate::mails::NoticeKind;
use crate::rules::codes::acting_account;
use crate::rules::mails::{MailRow, after, notice};
use crate::sessions::ActingSession;
use crate::users::{DeviceVersion, User};

mod passkeys;
mod reset;
mod second_step;
mod setting;
mod totp;

pub(crate) use passkeys::{
    NewPasskeyRows, PasskeySignInRows, RemovePasskeyRows, add_passkey, open_session_with_passkey,
    remove_passkey,
};
pub(crate) use reset::{ResetRows, reset_second_factor};
pub(crate) use second_step::{
    SecondStepRows, SecondStepWrite, TicketRows, open_session_with_second_factor, valid_ticket,
};
pub(crate) use setting::{replace_recovery_codes, turn_second_factor_off, turn_second_factor_on};
pub(crate) use totp::{ConfirmTotpRows, ConfirmTotpWrite, begin_totp, confirm_totp};

/// The stored rows that decide whether a user may make a change.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ActingRows<'a> {
    /// The acting session, if it still exists.
    pub(crate) session: Option<&'a Session>,
    /// The account of the acting session, if it still exists.
    pub(crate) account: Option<&'a User>,
}

impl<'a> ActingRows<'a> {
    /// Returns the account if the acting session is active and fresh, and the account enabled.
    fn authorize(self, acting: &ActingSession, now: Timestamp) -> Option<&'a User> {
        let account = acting_account(acting, self.session, self.account, now)?;
        let is_fresh = self.session.is_some_and(|session| session.is_fresh(now));
        if is_fresh { Some(account) } else { None }
    }
}

/// An app, once it is confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TotpRow {
    pub(crate) secret: TotpSecret,
    /// The time step of the last accepted code.
    pub(crate) last_step: TotpStep,
}

/// An app that is being set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PendingTotpRow {
    pub(crate) secret: TotpSecret,
    pub(crate) expires_at: Timestamp,
}

/// The wrong codes of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FailuresRow {
    pub(crate) app_codes: CodeFailures,
    pub(crate) recovery_codes: CodeFailures,
}

impl FailuresRow {
    /// Returns the end of the lockout of a kind of code, if there is one.
    pub(crate) fn locked_until(&self, limit: CodeLimit, now: Timestamp) -> Option<Timestamp> {
        self.of(limit).wait(limit, now).map(|wait| after(now, wait))
    }

    fn of(&self, limit: CodeLimit) -> &CodeFailures {
        match limit {
            CodeLimit::AppCodes => &self.app_codes,
            CodeLimit::RecoveryCodes => &self.recovery_codes,
        }
    }

    fn of_mut(&mut self, limit: CodeLimit) -> &mut CodeFailures {
        match limit {
            CodeLimit::AppCodes => &mut self.app_codes,
            CodeLimit::RecoveryCodes => &mut self.recovery_codes,
        }
    }
}

/// The id of a ticket or a challenge that is used up. It must be stored in the transaction that
/// uses it. If the id is already stored, the transaction must fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UsedId {
    pub(crate) id: SingleUseId,
    /// When the row may be deleted.
    pub(crate) expires_at: Timestamp,
}

impl UsedId {
    /// `expires_at` is the time at which the ticket or the challenge expires. The row is kept for
    /// longer: a server whose clock is ahead may delete it while another server still accepts the
    /// id.
    fn new(id: SingleUseId, expires_at: Timestamp) -> Self {
        Self { id, expires_at: after(expires_at, MAX_CLOCK_DIFFERENCE) }
    }
}

const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_mins(5);

/// The records of a change: its events and its notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// The events, in the order of recording.
    pub(crate) events: Vec<Event>,
    pub(crate) notice: Option<MailRow>,
}

/// A wrong code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WrongCode {
    pub(crate) user: UserId,
    /// The counts to save. `None` if they stay as they are.
    pub(crate) failures: Option<FailuresRow>,
    /// `true` if a lockout has begun.
    pub(crate) locks_out: bool,
    pub(crate) record: Record,
}

/// A sign-in with a second factor or with a passkey alone.
///
/// The transaction stores the used ids, updates or deletes the row of the factor, clears the counts
/// of wrong codes, ends the session that the new one replaces and those beyond
/// [`NewSession::MAX_PER_USER`](crate::NewSession::MAX_PER_USER), and inserts the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignInWrite {
    pub(crate) user: User,
    pub(crate) device_version: DeviceVersion,
    pub(crate) used_ids: Vec<UsedId>,
    pub(crate) factor: UsedFactor,
    pub(crate) record: Record,
}

/// A factor that has opened a session. The time at which an app or a passkey was last used is the
/// time at which the session was created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UsedFactor {
    /// Save the time step of the app's code.
    AppCode(TotpStep),
    /// Delete the recovery code with this hash.
    RecoveryCode(RecoveryCodeHash),
    /// Save the state of this passkey.
    Passkey(PasskeyId, PasskeyState),
}

/// A passkey that was rejected although its signature was valid. The challenge is used up, so that
/// the rejection is recorded once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RejectedPasskey {
    pub(crate) challenge: UsedId,
    pub(crate) record: Record,
}

/// The result of presenting a passkey.
#[expect(clippy::large_enum_variant, reason = "it is matched immediately and never stored")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PasskeyWrite {
    Opened(SignInWrite),
    Rejected(RejectedPasskey),
}

/// A change that is recorded and announced.
#[derive(Debug, Clone, Copy)]
enum Change {
    SecondFactorOn,
    SecondFactorOff,
    TotpReplaced,
    RecoveryCodesRenewed,
    PasskeyAdded,
    PasskeyRemoved,
}

impl Change {
    const fn event(self) -> EventKind {
        match self {
            Self::SecondFactorOn => EventKind::SecondFactorOn,
            Self::SecondFactorOff => EventKind::SecondFactorOff,
            Self::TotpReplaced => EventKind::TotpReplaced,
            Self::RecoveryCodesRenewed => EventKind::RecoveryCodesRenewed,
            Self::PasskeyAdded => EventKind::PasskeyAdded,
            Self::PasskeyRemoved => EventKind::PasskeyRemoved,
        }
    }

    const fn notice(self) -> NoticeKind {
        match self {
            Self::SecondFactorOn => NoticeKind::SecondFactorOn,
            Self::SecondFactorOff => NoticeKind::SecondFactorOff,
            Self::TotpReplaced => NoticeKind::TotpReplaced,
            Self::RecoveryCodesRenewed => NoticeKind::RecoveryCodesRenewed,
            Self::PasskeyAdded => NoticeKind::PasskeyAdded,
            Self::PasskeyRemoved => NoticeKind::PasskeyRemoved,
        }
    }

    /// Returns the records of a change by a user.
    fn record(
        self,
        acting: &ActingSession,
        account: &User,
        id: Option<MailId>,
        now: Timestamp,
    ) -> Record {
        let ActingSession { session, client } = acting;
        let event = Event::by_user(self.event(), now, client.clone());
        Record {
            events: vec![event.about(account.id).in_session(session.id)],
            notice: notice(id, self.notice(), account, Some(client), now),
        }
    }
}

/// An attempt to enter a code.
struct CodeAttempt<'a> {
    account: &'a User,
    /// The acting session, if there is one.
    session: Option<&'a Session>,
    client: &'a ClientInfo,
    limit: CodeLimit,
    throttle: CodeThrottle,
    failures: &'a FailuresRow,
    notice: Option<MailId>,
    now: Timestamp,
}

impl CodeAttempt<'_> {
    /// Returns the time until the code may be compared, or `None` if it may be compared now.
    fn wait(&self) -> Option<Duration> {
        match self.throttle {
            CodeThrottle::Enforced => self.failures.of(self.limit).wait(self.limit, self.now),
            CodeThrottle::Off => None,
        }
    }

    /// Counts and records a wrong code.
    fn wrong(&self) -> WrongCode {
        let Self { account, client, limit, now, .. } = *self;
        let (mut failures, mut mail, mut locks_out) = (None, None, false);
        if self.throttle == CodeThrottle::Enforced {
            let mut counted = self.failures.clone();
            let outcome = counted.of_mut(limit).count(limit, now);
            locks_out = outcome != CodeFailureOutcome::Counted;
            if outcome == CodeFailureOutcome::FirstLockout {
                let kind = NoticeKind::SecondFactorLockedOut;
                mail = notice(self.notice, kind, account, Some(client), now);
            }
            failures = Some(counted);
        }
        let event = Event::by_user(EventKind::SecondFactorFailed, now, client.clone());
        let event = Event { session: self.session.map(|session| session.id), ..event };
        WrongCode {
            user: account.id,
            failures,
            locks_out,
            record: Record { events: vec![event.about(account.id)], notice: mail },
        }
    }
}

#[cfg(test)]
mod tests;

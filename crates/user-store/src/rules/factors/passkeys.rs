//! Adding, using and removing passkeys.

use auth_core::{Amr, ClientInfo, MailId, PasskeyId, PasskeyStateError, Timestamp};

use super::{
    ActingRows, Change, PasskeyWrite, Record, RejectedPasskey, SignInWrite, UsedFactor, UsedId,
};
use crate::audit::{Event, EventKind};
use crate::factors::{
    AddPasskeyOutcome, MAX_PASSKEYS, NewPasskey, Passkey, PasskeySignIn, PasskeySignInOutcome,
    PasskeyUse, RemovePasskeyOutcome,
};
use crate::mails::NoticeKind;
use crate::rules::codes::enabled;
use crate::rules::decision::Decision;
use crate::rules::mails::notice;
use crate::rules::sessions::signed_in;
use crate::sessions::ActingSession;
use crate::users::{DeviceVersion, User};

/// The stored rows that decide whether a passkey may be added.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewPasskeyRows<'a> {
    pub(crate) acting: ActingRows<'a>,
    /// The number of the user's passkeys.
    pub(crate) passkeys: usize,
    /// `true` if a passkey of some user has the credential ID.
    pub(crate) is_taken: bool,
    /// `true` if the id of the challenge is stored.
    pub(crate) is_challenge_used: bool,
}

/// A passkey that is added. The transaction inserts it, and stores the id of the challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AddedPasskey {
    pub(crate) passkey: Passkey,
    pub(crate) challenge: UsedId,
    pub(crate) record: Record,
}

/// Decides whether a passkey may be added.
pub(crate) fn add_passkey(
    acting: &ActingSession,
    new: &NewPasskey,
    rows: NewPasskeyRows<'_>,
    now: Timestamp,
) -> Decision<AddedPasskey, AddPasskeyOutcome> {
    let Some(account) = rows.acting.authorize(acting, now) else {
        return Decision::Return(AddPasskeyOutcome::SessionEnded);
    };
    if rows.is_challenge_used || now >= new.challenge.expires_at {
        return Decision::Return(AddPasskeyOutcome::ChallengeUsed);
    }
    if rows.is_taken {
        return Decision::Return(AddPasskeyOutcome::Taken);
    }
    if rows.passkeys >= MAX_PASSKEYS {
        return Decision::Return(AddPasskeyOutcome::TooMany);
    }
    Decision::Write(AddedPasskey {
        passkey: Passkey { user: account.id, ..new.passkey.clone() },
        challenge: UsedId::new(new.challenge.id, new.challenge.expires_at),
        record: Change::PasskeyAdded.record(acting, account, new.notice, now),
    })
}

/// The stored rows that decide whether a passkey may be removed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RemovePasskeyRows<'a> {
    pub(crate) acting: ActingRows<'a>,
    /// `true` if there is an app, not counting one that is being set up.
    pub(crate) has_totp: bool,
    /// The user's passkeys.
    pub(crate) passkeys: &'a [PasskeyId],
}

/// Decides whether a passkey may be removed. On [`Decision::Write`], the transaction deletes it,
/// and ends all other sessions.
pub(crate) fn remove_passkey(
    acting: &ActingSession,
    id: PasskeyId,
    rows: RemovePasskeyRows<'_>,
    notice: Option<MailId>,
    now: Timestamp,
) -> Decision<Record, RemovePasskeyOutcome> {
    let Some(account) = rows.acting.authorize(acting, now) else {
        return Decision::Return(RemovePasskeyOutcome::SessionEnded);
    };
    if !rows.passkeys.contains(&id) {
        return Decision::Return(RemovePasskeyOutcome::NotFound);
    }
    if account.second_factor_at.is_some() && !rows.has_totp && rows.passkeys.len() == 1 {
        return Decision::Return(RemovePasskeyOutcome::LastFactor);
    }
    Decision::Write(Change::PasskeyRemoved.record(acting, account, notice, now))
}

/// The stored rows that decide whether a passkey alone opens a session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PasskeySignInRows<'a> {
    /// The account of the session to open.
    pub(crate) account: Option<&'a User>,
    /// The version of the account's known browsers.
    pub(crate) device_version: DeviceVersion,
    /// The passkey, of any user.
    pub(crate) passkey: Option<&'a Passkey>,
    /// `true` if the id of the challenge is stored.
    pub(crate) is_challenge_used: bool,
}

/// Decides whether a passkey alone opens a session. If the passkey is
/// [rejected](PasskeyWrite::Rejected), the outcome is [`PasskeySignInOutcome::Rejected`].
pub(crate) fn open_session_with_passkey(
    sign_in: &PasskeySignIn,
    rows: PasskeySignInRows<'_>,
) -> Decision<PasskeyWrite, PasskeySignInOutcome> {
    let new = &sign_in.session;
    let account = enabled(rows.account).filter(|account| account.id == new.session.user_id);
    let Some(account) = account else {
        return Decision::Return(PasskeySignInOutcome::Rejected);
    };
    if new.session.amr != Amr::PASSKEY {
        return Decision::Return(PasskeySignInOutcome::Rejected);
    }
    let presented = PresentedPasskey {
        account,
        used: &sign_in.passkey,
        stored: rows.passkey,
        is_challenge_used: rows.is_challenge_used,
        failed: EventKind::SignInFailed,
        client: &new.client,
        notice: sign_in.notice,
        now: new.session.created_at,
    };
    match presented.judge() {
        PasskeyVerdict::Accepted(factor, challenge) => {
            Decision::Write(PasskeyWrite::Opened(SignInWrite {
                user: account.clone(),
                device_version: rows.device_version,
                used_ids: vec![challenge],
                factor,
                record: Record { events: vec![signed_in(new)], notice: None },
            }))
        }
        PasskeyVerdict::Rejected(rejected) => Decision::Write(PasskeyWrite::Rejected(rejected)),
        PasskeyVerdict::Unknown => Decision::Return(PasskeySignInOutcome::Rejected),
        PasskeyVerdict::ChallengeUsed => Decision::Return(PasskeySignInOutcome::ChallengeUsed),
    }
}

/// A passkey that is presented for an enabled account.
pub(super) struct PresentedPasskey<'a> {
    pub(super) account: &'a User,
    pub(super) used: &'a PasskeyUse,
    pub(super) stored: Option<&'a Passkey>,
    pub(super) is_challenge_used: bool,
    /// The event if the backup flags are not plausible.
    pub(super) failed: EventKind,
    pub(super) client: &'a ClientInfo,
    pub(super) notice: Option<MailId>,
    pub(super) now: Timestamp,
}

/// The verdict on a presented passkey.
#[expect(clippy::large_enum_variant, reason = "it is matched immediately and never stored")]
pub(super) enum PasskeyVerdict {
    Accepted(UsedFactor, UsedId),
    Rejected(RejectedPasskey),
    /// The user has no such passkey.
    Unknown,
    /// The challenge was used before, or has expired.
    ChallengeUsed,
}

impl PresentedPasskey<'_> {
    pub(super) fn judge(&self) -> PasskeyVerdict {
        let Self { account, used: PasskeyUse { id, challenge, assertion }, now, .. } = *self;
        if self.is_challenge_used || now >= challenge.expires_at {
            return PasskeyVerdict::ChallengeUsed;
        }
        let is_own = |passkey: &&Passkey| passkey.id == *id && passkey.user == account.id;
        let Some(passkey) = self.stored.filter(is_own) else {
            return PasskeyVerdict::Unknown;
        };
        let challenge = UsedId::new(challenge.id, challenge.expires_at);
        let (kind, mail) = match passkey.state.accept(assertion) {
            Ok(state) => {
                return PasskeyVerdict::Accepted(UsedFactor::Passkey(*id, state), challenge);
            }
            Err(PasskeyStateError::CounterRegressed) => {
                let kind = NoticeKind::PasskeyCounterRegressed;
                let mail = notice(self.notice, kind, account, Some(self.client), now);
                (EventKind::PasskeyCounterRegressed, mail)
            }
            Err(PasskeyStateError::BackupEligibilityLost) => (self.failed.clone(), None),
        };
        let event = Event::by_user(kind, now, self.client.clone()).about(account.id);
        let record = Record { events: vec![event], notice: mail };
        PasskeyVerdict::Rejected(RejectedPasskey { challenge, record })
    }
}

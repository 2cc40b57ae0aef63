//! Decisions about the outbox.

use std::time::Duration;

use auth_core::{
    ClientInfo, CounterKey, EmailHash, InvitationToken, MailId, OneTimeCode, ResetToken, Timestamp,
    UserId,
};
use serde::{Deserialize, Serialize};

use crate::audit::{Actor, Event, EventKind};
use crate::mails::{
    CodeMessage, InvitationMessage, MAX_UNSENT, MAX_UNSENT_PER_NETWORK, Message, NOTICE_LIFETIME,
    NewMail, Notice, NoticeKind, Requested, ResetMessage,
};
use crate::rules::codes::CodePurpose;
use crate::users::User;

/// A mail that is about to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MailRow {
    pub(crate) id: MailId,
    pub(crate) message: Message,
    /// The purpose of the code, and the hash of the email address that the code belongs to. `None`
    /// for a notice.
    pub(crate) code: Option<(CodePurpose, EmailHash)>,
    pub(crate) user: Option<UserId>,
    /// Empty if nothing is sent.
    pub(crate) recipient: String,
    pub(crate) network: Option<CounterKey>,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// The numbers of unsent mails with codes, each up to its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnsentMails {
    /// Those that clients of the same network have requested.
    pub(crate) of_network: u32,
    /// All of them.
    pub(crate) all: u32,
}

impl UnsentMails {
    /// Returns `true` if no further mail with a code may be added.
    pub(crate) const fn is_full(self) -> bool {
        self.of_network >= MAX_UNSENT_PER_NETWORK || self.all >= MAX_UNSENT
    }
}

/// A mail with a code, or one that stands in for it.
pub(crate) struct MailWithCode<'a> {
    pub(crate) mail: &'a NewMail,
    pub(crate) purpose: CodePurpose,
    pub(crate) email_hash: EmailHash,
    pub(crate) user: Option<UserId>,
    /// The recipient, if there is one.
    pub(crate) recipient: Option<String>,
    pub(crate) message: Message,
    pub(crate) now: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// Builds the row of a mail with a code. Without a recipient, nothing is sent.
pub(crate) fn mail_with_code(new: MailWithCode<'_>) -> MailRow {
    let (recipient, message) = match new.recipient {
        Some(recipient) => (recipient, new.message),
        None => (String::new(), Message::Nothing),
    };
    MailRow {
        id: new.mail.id,
        message,
        code: Some((new.purpose, new.email_hash)),
        user: new.user,
        recipient,
        network: Some(new.mail.network),
        created_at: new.now,
        expires_at: new.expires_at,
    }
}

/// Builds the notice of a change to an account, if mail is on and its email address was verified
/// before the change. `client` is `None` if an operator makes the change.
pub(crate) fn notice(
    id: Option<MailId>,
    kind: NoticeKind,
    account: &User,
    client: Option<&ClientInfo>,
    now: Timestamp,
) -> Option<MailRow> {
    let id = id?;
    account.email_verified_at?;
    let (actor, ip) = match client {
        Some(client) => (Actor::User, client.ip()),
        None => (Actor::Operator, None),
    };
    Some(MailRow {
        id,
        message: Message::Notice(Notice { kind, actor, at: now, ip }),
        code: None,
        // The account of a deletion no longer exists.
        user: match kind {
            NoticeKind::AccountDeleted => None,
            _ => Some(account.id),
        },
        recipient: account.email.to_ascii(),
        network: None,
        created_at: now,
        expires_at: after(now, NOTICE_LIFETIME),
    })
}

/// The kinds of messages that this version can send. Mails of other kinds were added by a newer
/// server that shares the store. They are not claimed, so that such a server sends them.
pub(crate) const SENT_KINDS: &[&str] = &[
    "verify_email",
    "reset_password",
    "change_email",
    "email_taken",
    "sign_in",
    "sign_in_unverified",
    "invitation",
    NoticeKind::PasswordChanged.as_str(),
    NoticeKind::PasswordReset.as_str(),
    NoticeKind::EmailChangeRequested.as_str(),
    NoticeKind::EmailChanged.as_str(),
    NoticeKind::AccountDeleted.as_str(),
    NoticeKind::SecondFactorOn.as_str(),
    NoticeKind::SecondFactorOff.as_str(),
    NoticeKind::SecondFactorReset.as_str(),
    NoticeKind::SecondFactorLockedOut.as_str(),
    NoticeKind::TotpReplaced.as_str(),
    NoticeKind::RecoveryCodeUsed.as_str(),
    NoticeKind::RecoveryCodesRenewed.as_str(),
    NoticeKind::PasskeyAdded.as_str(),
    NoticeKind::PasskeyRemoved.as_str(),
    NoticeKind::PasskeyCounterRegressed.as_str(),
];

/// Returns the time of the next attempt of a mail that has been claimed `attempts` times before.
pub(crate) fn next_attempt(attempts: u32, now: Timestamp) -> Timestamp {
    let minutes = 2_u64.checked_shl(attempts).unwrap_or(u64::MAX).min(60);
    after(now, Duration::from_mins(minutes))
}

/// Returns when an attempt that begins at `now` has ended, even if its server has stopped: after
/// the shortest time between two attempts.
pub(crate) fn claimed_until(now: Timestamp) -> Timestamp {
    next_attempt(0, now)
}

/// Returns the time that is `duration` later, or the last possible one.
pub(crate) fn after(now: Timestamp, duration: Duration) -> Timestamp {
    now.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// Builds the event of a mail that was rejected for good.
pub(crate) fn mail_failed(user: Option<UserId>, now: Timestamp) -> Event {
    let event = Event::by_user(EventKind::MailFailed, now, ClientInfo::default());
    Event { user, ..event }
}

/// A message as it is stored. Times are milliseconds since 1970.
#[derive(Serialize, Deserialize)]
struct StoredMessage {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ip: Option<std::net::IpAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    /// `true` if an operator made the change of a notice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    by_operator: bool,
}

impl StoredMessage {
    const EMPTY: Self =
        Self { code: None, token: None, at: None, ip: None, expires_at: None, by_operator: false };

    fn requested(request: Requested) -> Self {
        Self {
            at: Some(request.at.as_millisecond()),
            ip: request.ip,
            expires_at: Some(request.expires_at.as_millisecond()),
            ..Self::EMPTY
        }
    }

    fn read_requested(&self) -> Option<Requested> {
        let (at, expires_at) = (timestamp(self.at?)?, timestamp(self.expires_at?)?);
        Some(Requested { at, ip: self.ip, expires_at })
    }

    fn read_code(&self) -> Option<CodeMessage> {
        let code = OneTimeCode::parse(self.code.as_deref()?).ok()?;
        Some(CodeMessage { code, requested: self.read_requested()? })
    }
}

fn timestamp(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(millis).ok()
}

/// Returns the stored form of a message: JSON, without its kind.
pub(crate) fn to_json(message: &Message) -> Result<String, serde_json::Error> {
    let code = |message: &CodeMessage| StoredMessage {
        code: Some(message.code.to_text().to_string()),
        ..StoredMessage::requested(message.requested)
    };
    serde_json::to_string(&match message {
        Message::VerifyEmail(message)
        | Message::ChangeEmail(message)
        | Message::SignIn(message) => code(message),
        Message::ResetPassword(message) => StoredMessage {
            token: Some(message.token.to_text().to_string()),
            ..StoredMessage::requested(message.requested)
        },
        Message::Invitation(message) => StoredMessage {
            token: Some(message.token.to_text().to_string()),
            expires_at: Some(message.expires_at.as_millisecond()),
            ..StoredMessage::EMPTY
        },
        Message::EmailTaken(request) | Message::SignInUnverified(request) => {
            StoredMessage::requested(*request)
        }
        Message::Notice(notice) => StoredMessage {
            at: Some(notice.at.as_millisecond()),
            ip: notice.ip,
            by_operator: notice.actor == Actor::Operator,
            ..StoredMessage::EMPTY
        },
        Message::Nothing => StoredMessage::EMPTY,
    })
}

/// Parses a stored message. Returns `None` for one that only a newer version knows.
pub(crate) fn from_json(kind: &str, json: &str) -> Option<Message> {
    let stored: StoredMessage = serde_json::from_str(json).ok()?;
    if let Some(kind) = NoticeKind::ALL.iter().find(|notice| notice.as_str() == kind) {
        let at = timestamp(stored.at?)?;
        let actor = if stored.by_operator { Actor::Operator } else { Actor::User };
        return Some(Message::Notice(Notice { kind: *kind, actor, at, ip: stored.ip }));
    }
    Some(match kind {
        "verify_email" => Message::VerifyEmail(stored.read_code()?),
        "change_email" => Message::ChangeEmail(stored.read_code()?),
        "sign_in" => Message::SignIn(stored.read_code()?),
        "reset_password" => Message::ResetPassword(ResetMessage {
            token: ResetToken::parse(stored.token.as_deref()?).ok()?,
            requested: stored.read_requested()?,
        }),
        "invitation" => Message::Invitation(InvitationMessage {
            token: InvitationToken::parse(stored.token.as_deref()?).ok()?,
            expires_at: timestamp(stored.expires_at?)?,
        }),
        "email_taken" => Message::EmailTaken(stored.read_requested()?),
        "sign_in_unverified" => Message::SignInUnverified(stored.read_requested()?),
        "nothing" => Message::Nothing,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use auth_core::SystemRandom;

    use super::*;

    #[test]
    fn attempts_are_further_and_further_apart() {
        let now = Timestamp::UNIX_EPOCH;
        let minutes: Vec<_> =
            (0..8).map(|attempts| next_attempt(attempts, now).as_second() / 60).collect();
        assert_eq!(minutes, [2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(next_attempt(u32::MAX, now).as_second(), 3_600);
    }

    #[test]
    fn the_outbox_is_full_at_either_limit() {
        let (of_network, all) = (MAX_UNSENT_PER_NETWORK - 1, MAX_UNSENT - 1);
        assert!(!UnsentMails { of_network, all }.is_full());
        assert!(UnsentMails { of_network: of_network + 1, all }.is_full());
        assert!(UnsentMails { of_network, all: all + 1 }.is_full());
    }

    #[test]
    fn every_message_is_read_back() {
        let at = Timestamp::from_millisecond(1_700_000_000_123).unwrap();
        let requested = Requested { at, ip: Some([192, 0, 2, 1].into()), expires_at: at };
        let code = CodeMessage { code: OneTimeCode::generate(&SystemRandom), requested };
        let token = ResetToken::generate(&SystemRandom);
        let mut messages = vec![
            Message::VerifyEmail(code.clone()),
            Message::ChangeEmail(code.clone()),
            Message::SignIn(code),
            Message::ResetPassword(ResetMessage { token, requested }),
            Message::Invitation(InvitationMessage {
                token: InvitationToken::generate(&SystemRandom),
                expires_at: at,
            }),
            Message::EmailTaken(requested),
            Message::SignInUnverified(Requested { ip: None, ..requested }),
            Message::Nothing,
        ];
        for actor in [Actor::User, Actor::Operator] {
            let notices = NoticeKind::ALL.iter();
            let notices = notices.map(|kind| Notice { kind: *kind, actor, at, ip: requested.ip });
            messages.extend(notices.map(Message::Notice));
        }
        for message in messages {
            let json = to_json(&message).unwrap();
            assert_eq!(from_json(message.kind(), &json).as_ref(), Some(&message), "{json}");
            let is_sent = SENT_KINDS.contains(&message.kind());
            assert_eq!(is_sent, message != Message::Nothing, "{}", message.kind());
        }
        assert_eq!(from_json("face_added", "{\"at\":1}"), None);
        assert_eq!(from_json("verify_email", "{}"), None);
    }
}

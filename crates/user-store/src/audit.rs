//! The audit log: who did what, when and from where (OWASP ASVS 5.0, 16.3).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{Amr, ClientInfo, SessionId, Timestamp, UserId};

use crate::error::StoreError;

/// Records and lists audit events.
///
/// # Rules
///
/// - An event is recorded in the transaction of the change that it describes, so that neither
///   exists without the other. A call that changes nothing records nothing.
/// - A recorded event is never changed. It is kept for [`EVENT_RETENTION`], unless its account is
///   deleted earlier.
/// - All servers that share a store see its events in the same order.
/// - If this version does not know the kind of a stored event, the event is kept and listed under
///   its recorded name.
#[doc = include_str!("signatures/AuditLog.md")]
#[async_trait]
pub trait AuditLog: Send + Sync + 'static {
    /// Records an event that does not belong to any other change in the store. An event about an
    /// account that does not exist is not recorded.
    async fn record_event(&self, event: &Event) -> Result<(), StoreError>;

    /// Returns up to `limit` events about a user, newest first.
    async fn activity(&self, user: UserId, limit: u32) -> Result<Vec<Event>, StoreError>;

    /// Returns up to `limit` events that were recorded after `after`, in the order of recording. If
    /// `user` is given, only events about that user are returned.
    ///
    /// A reader that continues with the last id that it has received gets every event exactly once,
    /// even while other servers record events.
    async fn events(
        &self,
        user: Option<UserId>,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<(EventId, Event)>, StoreError>;

    /// Deletes up to `limit` events that are older than [`EVENT_RETENTION`] at `now`. Returns the
    /// number deleted.
    ///
    /// If the newest event is older than `now`, ages are relative to that event. So a clock that is
    /// ahead does not delete events too early.
    async fn purge_events(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError>;
}

/// The time for which events are kept, unless their account is deleted earlier.
pub const EVENT_RETENTION: Duration = Duration::from_hours(90 * 24);

/// An audit event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The time of the event.
    pub at: Timestamp,
    /// The kind of the event.
    pub kind: EventKind,
    /// The actor that caused the event.
    pub actor: Actor,
    /// The account that the event is about, if there is one.
    pub user: Option<UserId>,
    /// The session that was opened or ended, or that the request belonged to.
    pub session: Option<SessionId>,
    /// The client that sent the request.
    pub client: ClientInfo,
    /// The `kid` of the signing key that the event is about.
    pub kid: Option<String>,
    /// The methods of the sign-in, if the kind is [`SignedIn`](EventKind::SignedIn).
    pub amr: Option<Amr>,
    /// The role that was granted or revoked, or the part of the metadata that was changed: `public`
    /// or `private`.
    pub detail: Option<String>,
}

impl Event {
    /// Builds an event caused by a request from `client`.
    #[must_use]
    pub const fn by_user(kind: EventKind, at: Timestamp, client: ClientInfo) -> Self {
        let actor = Actor::User;
        Self {
            at,
            kind,
            actor,
            user: None,
            session: None,
            client,
            kid: None,
            amr: None,
            detail: None,
        }
    }

    /// Builds an event caused by an operator.
    #[must_use]
    pub fn by_operator(kind: EventKind, at: Timestamp) -> Self {
        Self { actor: Actor::Operator, ..Self::by_user(kind, at, ClientInfo::default()) }
    }

    /// Sets the account that the event is about.
    #[must_use]
    pub fn about(self, user: UserId) -> Self {
        Self { user: Some(user), ..self }
    }

    /// Sets the session of the event.
    #[must_use]
    pub fn in_session(self, session: SessionId) -> Self {
        Self { session: Some(session), ..self }
    }

    /// Sets the methods of the sign-in.
    #[must_use]
    pub fn with_amr(self, amr: Amr) -> Self {
        Self { amr: Some(amr), ..self }
    }

    /// Sets the role, or the part of the metadata, that the event is about.
    #[must_use]
    pub fn with_detail(self, detail: &str) -> Self {
        Self { detail: Some(detail.to_owned()), ..self }
    }

    /// Sets the signing key that the event is about.
    #[must_use]
    pub fn about_key(self, kid: &str) -> Self {
        Self { kid: Some(kid.to_owned()), ..self }
    }
}

/// The actor that caused an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A client on the network: the user, or an attacker who claims to be the user.
    User,
    /// An operator on the machine with the store.
    Operator,
}

impl Actor {
    /// Returns the actor with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::User, Self::Operator].into_iter().find(|actor| actor.as_str() == name)
    }

    /// Returns the stable name of the actor: `user` or `operator`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Operator => "operator",
        }
    }
}

/// The position of an event in the audit log: a cursor for [`AuditLog::events`]. Its value has no
/// meaning outside the store.
///
/// Cursors are ordered by transaction, and then by the number of the event. A store that runs one
/// transaction at a time uses only the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    transaction: i64,
    number: i64,
}

impl EventId {
    /// Builds a cursor from the numbers that the store assigned to the transaction and to the
    /// event.
    #[must_use]
    pub const fn new(transaction: i64, number: i64) -> Self {
        Self { transaction, number }
    }

    /// Builds a cursor from the number that the store assigned to the event.
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        Self::new(0, number)
    }

    /// Returns the number of the transaction. Zero if the store uses only the numbers of events.
    #[must_use]
    pub const fn transaction(self) -> i64 {
        self.transaction
    }

    /// Returns the number of the event.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.number
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.transaction, self.number)
    }
}

impl FromStr for EventId {
    type Err = InvalidEventId;

    fn from_str(text: &str) -> Result<Self, InvalidEventId> {
        let (transaction, number) = text.split_once('.').ok_or(InvalidEventId(()))?;
        let parse = |part: &str| part.parse().map_err(|_| InvalidEventId(()));
        Ok(Self::new(parse(transaction)?, parse(number)?))
    }
}

/// An error from parsing an [`EventId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an event id: expected two integers with a dot between them")]
pub struct InvalidEventId(());

macro_rules! event_kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)+) => {
        /// The kind of an audit event.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum EventKind {
            $($(#[$doc])* $kind,)+
            /// A kind that this version does not know, with its name. It was recorded by a newer
            /// server that shares the store.
            Unknown(String),
        }

        impl EventKind {
            /// All kinds that this version knows.
            pub const ALL: &[Self] = &[$(Self::$kind,)+];

            /// Returns the kind with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Self {
                match name {
                    $($name => Self::$kind,)+
                    unknown => Self::Unknown(unknown.to_owned()),
                }
            }

            /// Returns the stable name of the kind.
            #[must_use]
            pub const fn as_str(&self) -> &str {
                match self {
                    $(Self::$kind => $name,)+
                    Self::Unknown(name) => name.as_str(),
                }
            }
        }
    };
}

event_kinds! {
    /// An account was created, by a sign-up or by an operator.
    AccountCreated = "account_created",
    /// A user signed in.
    SignedIn = "signed_in",
    /// A sign-in failed: wrong password, or a disabled or unknown account.
    SignInFailed = "sign_in_failed",
    /// Sign-ins were locked out after too many failures.
    SignInsThrottled = "sign_ins_throttled",
    /// An operator reset the counters of failed sign-ins to an account.
    SignInsUnlocked = "sign_ins_unlocked",
    /// A reauthentication failed because the password was wrong.
    PasswordCheckFailed = "password_check_failed",
    /// A user signed out.
    SignedOut = "signed_out",
    /// A user ended another of their sessions.
    SessionEnded = "session_ended",
    /// A user ended all their other sessions.
    OtherSessionsEnded = "other_sessions_ended",
    /// An operator ended all sessions of a user.
    AllSessionsEnded = "all_sessions_ended",
    /// A replaced refresh token was used once more, by a second tab or after a lost response. If
    /// the client of the first use has another IP address, it has an event of its own.
    RefreshTokenRepeated = "refresh_token_repeated",
    /// A replaced refresh token was used in a way that suggests a copy. Its session was ended. If
    /// the client of the latest refresh has another IP address, it has an event of its own.
    RefreshTokenReused = "refresh_token_reused",
    /// The password was changed, by the user or by an operator.
    PasswordChanged = "password_changed",
    /// The email address of an account was verified, by the user or by an operator.
    EmailVerified = "email_verified",
    /// A user requested a change of the email address.
    EmailChangeRequested = "email_change_requested",
    /// A user changed the email address.
    EmailChanged = "email_changed",
    /// Somebody requested a mail to reset the password.
    PasswordResetRequested = "password_reset_requested",
    /// The password was reset with a token from a mail.
    PasswordReset = "password_reset",
    /// Somebody requested a mail with a code for signing in.
    LogInCodeSent = "log_in_code_sent",
    /// An operator invited an email address to create an account.
    InvitationCreated = "invitation_created",
    /// The second factor was turned on.
    SecondFactorOn = "second_factor_on",
    /// The second factor was turned off.
    SecondFactorOff = "second_factor_off",
    /// The second factor of a sign-in, or the code that confirms an app, was wrong.
    SecondFactorFailed = "second_factor_failed",
    /// An operator removed all second factors and passkeys of a user.
    SecondFactorReset = "second_factor_reset",
    /// An app was replaced, or added to an account whose second factor was on.
    TotpReplaced = "totp_replaced",
    /// A recovery code was used to sign in.
    RecoveryCodeUsed = "recovery_code_used",
    /// The recovery codes were replaced.
    RecoveryCodesRenewed = "recovery_codes_renewed",
    /// A passkey was added.
    PasskeyAdded = "passkey_added",
    /// A passkey was removed.
    PasskeyRemoved = "passkey_removed",
    /// A passkey was rejected, because its signature counter had not grown: it may have been
    /// copied.
    PasskeyCounterRegressed = "passkey_counter_regressed",
    /// A mail was rejected for good.
    MailFailed = "mail_failed",
    /// An operator granted a role to a user.
    RoleGranted = "role_granted",
    /// An operator revoked a role of a user.
    RoleRevoked = "role_revoked",
    /// The app, or an operator, changed the public or the private metadata of a user.
    MetadataChanged = "metadata_changed",
    /// An operator disabled an account.
    AccountDisabled = "account_disabled",
    /// An operator enabled an account again.
    AccountEnabled = "account_enabled",
    /// An account was deleted, by the user or by an operator.
    AccountDeleted = "account_deleted",
    /// An operator added a signing key.
    SigningKeyRotated = "signing_key_rotated",
    /// An operator retired a signing key.
    SigningKeyRetired = "signing_key_retired",
    /// An operator backed up the store.
    BackupMade = "backup_made",
    /// An operator started an export of all users, including password hashes.
    UsersExported = "users_exported",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_kind_is_parsed_from_its_name() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::from_name(kind.as_str()), *kind);
        }
    }

    #[test]
    fn an_unknown_kind_keeps_its_name() {
        let kind = EventKind::from_name("face_added");
        assert_eq!(kind, EventKind::Unknown("face_added".to_owned()));
        assert_eq!(kind.as_str(), "face_added");
    }

    #[test]
    fn an_event_id_is_parsed_from_its_display_form() {
        let id = EventId::new(7, 42);
        assert_eq!(id.to_string(), "7.42");
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "42", "7.", ".42", "7.42.1", "x.y"] {
            assert!(text.parse::<EventId>().is_err(), "{text}");
        }
    }
}

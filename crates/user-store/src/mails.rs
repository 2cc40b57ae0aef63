//! The outbox: mails that are stored until they have been sent.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{
    ClientInfo, CodeHash, CounterKey, InvitationToken, MailId, OneTimeCode, ResetToken, Timestamp,
    UserId,
};

use crate::audit::Actor;
use crate::error::StoreError;

/// Stores mails until they have been sent.
///
/// # Rules
///
/// - A mail is added in the transaction of the change that it announces, so that neither exists
///   without the other. The methods that add mails belong to the other traits.
/// - A mail is claimed before an attempt to send it: the claim schedules the next attempt. So a
///   mail whose server stops during an attempt is tried again, and two servers do not claim it at
///   the same time.
/// - The time until the next attempt is 2, 4, 8, 16 and 32 minutes, and then 60 minutes each time.
/// - A mail stays claimed until it is sent, rejected or deferred, and for at most 2 minutes, the
///   shortest time between two attempts. An operator cannot make a claimed mail due any earlier, so
///   that no server sends a mail that another one is sending.
/// - A mail that has been sent is deleted. A mail that is rejected for good is kept for
///   [`FAILED_MAIL_RETENTION`] without its recipient's secret: its message is deleted at once.
/// - A mail that has expired is deleted, sent or not.
/// - A new code deletes the unsent mails with earlier codes of its purpose and account.
/// - The outbox holds at most [`MAX_UNSENT_PER_NETWORK`] unsent mails with codes that clients of
///   one network have requested, and [`MAX_UNSENT`] in all. Notices and invitations do not count.
/// - [`Message::Nothing`] stands in for a mail to an email address without an account, so that the
///   same rows are written. It is deleted when it is due, and is never claimed.
#[doc = include_str!("signatures/Outbox.md")]
#[async_trait]
pub trait Outbox: Send + Sync + 'static {
    /// Claims up to `limit` mails that are due at `now`, in the order in which they became due.
    async fn claim_mails(&self, now: Timestamp, limit: u32) -> Result<Vec<Mail>, StoreError>;

    /// Deletes a mail that has been sent. Does nothing if there is no such mail.
    async fn mail_sent(&self, id: MailId) -> Result<(), StoreError>;

    /// Records why an attempt to send a mail has failed, for operators. The mail is tried again,
    /// and is no longer claimed.
    async fn mail_deferred(&self, id: MailId, reason: &str) -> Result<(), StoreError>;

    /// Marks a mail as rejected for good, deletes its message, and records
    /// [`MailFailed`](crate::EventKind::MailFailed). Does nothing if there is no such mail, or if
    /// it is marked already.
    async fn mail_failed(&self, id: MailId, reason: &str, now: Timestamp)
    -> Result<(), StoreError>;

    /// Returns up to `limit` mails after `after`, in the order of their ids, without
    /// [`Message::Nothing`].
    async fn mails(&self, after: Option<MailId>, limit: u32)
    -> Result<Vec<MailRecord>, StoreError>;

    /// Makes an unsent mail due at `now`, or all unsent ones if `id` is `None`. A mail that is
    /// claimed becomes due when the claim ends.
    async fn retry_mails(
        &self,
        id: Option<MailId>,
        now: Timestamp,
    ) -> Result<RetryMailsOutcome, StoreError>;

    /// Deletes up to `limit` mails and up to `limit` codes that have expired at `now`, failed mails
    /// after [`FAILED_MAIL_RETENTION`]. Returns the larger of the two numbers deleted.
    async fn purge_mails(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError>;
}

/// The time for which a mail that was rejected for good is listed.
pub const FAILED_MAIL_RETENTION: Duration = Duration::from_hours(7 * 24);

/// The time in which a notice is sent. A mail with a code expires with its code.
pub const NOTICE_LIFETIME: Duration = Duration::from_hours(3 * 24);

/// The maximum number of unsent mails with codes that clients of one network have requested.
pub const MAX_UNSENT_PER_NETWORK: u32 = 1_000;

/// The maximum number of unsent mails with codes.
pub const MAX_UNSENT: u32 = 100_000;

/// A mail that has been claimed, to be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The id of the mail. All attempts have the same one.
    pub id: MailId,
    /// The recipient: a stored email address with its domain in ASCII
    /// ([`Email::to_ascii`](auth_core::Email::to_ascii)).
    pub recipient: String,
    /// The message.
    pub message: Message,
    /// When the mail was added.
    pub created_at: Timestamp,
    /// When the mail is no longer worth sending.
    pub expires_at: Timestamp,
    /// The number of this attempt, counted from 1.
    pub attempt: u32,
}

/// The content of a mail. `Debug` prints no secret.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message {
    /// The code that verifies the recipient's email address.
    VerifyEmail(CodeMessage),
    /// The token with which the recipient can set a new password.
    ResetPassword(ResetMessage),
    /// The code that changes the email address of an account to the recipient's.
    ChangeEmail(CodeMessage),
    /// Somebody wants to change the email address of their account to the recipient's, which has an
    /// account already.
    EmailTaken(Requested),
    /// The code with which the recipient can sign in.
    SignIn(CodeMessage),
    /// Somebody wants to sign in by email. The recipient's email address is not verified, so the
    /// password has to be reset instead.
    SignInUnverified(Requested),
    /// The token with which the recipient can create an account.
    Invitation(InvitationMessage),
    /// A change to the recipient's account.
    Notice(Notice),
    /// Nothing is sent: the email address has no account, or a disabled one.
    Nothing,
}

/// A code, and the request for it.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeMessage {
    /// The code.
    pub code: OneTimeCode,
    /// The request.
    pub requested: Requested,
}

/// A reset token, and the request for it.
#[derive(Clone, PartialEq, Eq)]
pub struct ResetMessage {
    /// The token.
    pub token: ResetToken,
    /// The request.
    pub requested: Requested,
}

/// An invitation.
#[derive(Clone, PartialEq, Eq)]
pub struct InvitationMessage {
    /// The token.
    pub token: InvitationToken,
    /// When the token expires.
    pub expires_at: Timestamp,
}

/// When and from where a mail was requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requested {
    /// The time of the request.
    pub at: Timestamp,
    /// The IP address of the client, if it is known.
    pub ip: Option<IpAddr>,
    /// When the code or the token expires.
    pub expires_at: Timestamp,
}

/// A notice of a change to an account (NIST SP 800-63B-4, 4.6; OWASP ASVS 5.0, 6.3.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// The change.
    pub kind: NoticeKind,
    /// The actor that made the change.
    pub actor: Actor,
    /// When the change was made.
    pub at: Timestamp,
    /// The IP address of the client that made it. `None` if an operator did, or if it is not known.
    pub ip: Option<IpAddr>,
}

/// The kind of a [`Notice`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NoticeKind {
    /// The password was changed, by the user or by an operator.
    PasswordChanged,
    /// The password was reset with a token from a mail.
    PasswordReset,
    /// A change of the email address was requested. Goes to the current one.
    EmailChangeRequested,
    /// The email address was changed. Goes to the previous one.
    EmailChanged,
    /// The account was deleted, by the user or by an operator.
    AccountDeleted,
    /// The second factor was turned on.
    SecondFactorOn,
    /// The second factor was turned off.
    SecondFactorOff,
    /// An operator removed all second factors and passkeys.
    SecondFactorReset,
    /// Too many codes of one kind were wrong. Sent at the first lockout.
    SecondFactorLockedOut,
    /// The app was replaced, or added while the second factor was on.
    TotpReplaced,
    /// A recovery code was used to sign in.
    RecoveryCodeUsed,
    /// The recovery codes were replaced.
    RecoveryCodesRenewed,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// A passkey was rejected, because it may have been copied.
    PasskeyCounterRegressed,
}

/// A mail in the outbox, as operators see it: without its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailRecord {
    /// The id of the mail.
    pub id: MailId,
    /// The stable name of the kind of message, such as `reset_password`
    /// ([`Message::kind`]).
    pub kind: String,
    /// The recipient.
    pub recipient: String,
    /// The account that the mail is about, if it exists.
    pub user: Option<UserId>,
    /// When the mail was added.
    pub created_at: Timestamp,
    /// When the mail is deleted if it has been neither sent nor rejected for good.
    pub expires_at: Timestamp,
    /// The number of attempts.
    pub attempts: u32,
    /// When the next attempt is due. `None` if the mail was rejected for good.
    pub next_attempt_at: Option<Timestamp>,
    /// When the mail was rejected for good.
    pub failed_at: Option<Timestamp>,
    /// The reason why the last attempt failed.
    pub reason: Option<String>,
}

/// The number of mails in the outbox, without [`Message::Nothing`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MailCounts {
    /// The number of mails that have not been sent yet.
    pub unsent: u64,
    /// The number of mails that were rejected for good.
    pub failed: u64,
}

/// The outcome of [`Outbox::retry_mails`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum RetryMailsOutcome {
    /// This many mails are due now, or when they are no longer claimed.
    Due(usize),
    /// The mail was rejected for good, and its message is deleted.
    Failed,
    /// There is no mail with this id.
    NotFound,
}

/// The id and the origin of a mail that is about to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMail {
    /// The id of the mail.
    pub id: MailId,
    /// The counter key of the client's network
    /// ([`CounterKey::mails_by_network`]), for [`MAX_UNSENT_PER_NETWORK`].
    pub network: CounterKey,
}

/// A code that a signed-in user has requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCode {
    /// The code, which only the mail contains.
    pub code: OneTimeCode,
    /// The hash that is stored ([`OneTimeCode::hash_for_user`]).
    pub hash: CodeHash,
    /// When the code and its mail expire.
    pub expires_at: Timestamp,
    /// The mail.
    pub mail: NewMail,
    /// The client that requested the code.
    pub client: ClientInfo,
}

impl Message {
    /// Returns the stable name of the kind of message. A notice has the name of its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::VerifyEmail(_) => "verify_email",
            Self::ResetPassword(_) => "reset_password",
            Self::ChangeEmail(_) => "change_email",
            Self::EmailTaken(_) => "email_taken",
            Self::SignIn(_) => "sign_in",
            Self::SignInUnverified(_) => "sign_in_unverified",
            Self::Invitation(_) => "invitation",
            Self::Notice(notice) => notice.kind.as_str(),
            Self::Nothing => "nothing",
        }
    }
}

impl NoticeKind {
    /// All kinds.
    pub const ALL: &[Self] = &[
        Self::PasswordChanged,
        Self::PasswordReset,
        Self::EmailChangeRequested,
        Self::EmailChanged,
        Self::AccountDeleted,
        Self::SecondFactorOn,
        Self::SecondFactorOff,
        Self::SecondFactorReset,
        Self::SecondFactorLockedOut,
        Self::TotpReplaced,
        Self::RecoveryCodeUsed,
        Self::RecoveryCodesRenewed,
        Self::PasskeyAdded,
        Self::PasskeyRemoved,
        Self::PasskeyCounterRegressed,
    ];

    /// Returns the stable name of the kind.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PasswordChanged => "password_changed",
            Self::PasswordReset => "password_reset",
            Self::EmailChangeRequested => "email_change_requested",
            Self::EmailChanged => "email_changed",
            Self::AccountDeleted => "account_deleted",
            Self::SecondFactorOn => "second_factor_on",
            Self::SecondFactorOff => "second_factor_off",
            Self::SecondFactorReset => "second_factor_reset",
            Self::SecondFactorLockedOut => "second_factor_locked_out",
            Self::TotpReplaced => "totp_replaced",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::RecoveryCodesRenewed => "recovery_codes_renewed",
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyRemoved => "passkey_removed",
            Self::PasskeyCounterRegressed => "passkey_counter_regressed",
        }
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({})", self.kind())
    }
}

impl fmt::Debug for CodeMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeMessage").field("requested", &self.requested).finish_non_exhaustive()
    }
}

impl fmt::Debug for ResetMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResetMessage").field("requested", &self.requested).finish_non_exhaustive()
    }
}

impl fmt::Debug for InvitationMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvitationMessage")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

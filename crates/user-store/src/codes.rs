//! Codes and reset tokens, which prove that their holder can read a mailbox, and invitations.

use async_trait::async_trait;
use auth_core::{
    ClientInfo, CodeHash, Email, EmailKey, EmailSignInTokenHash, InvitationToken, MailId,
    OneTimeCode, PasswordHash, ResetToken, ResetTokenHash, SessionId, Timestamp, UserId,
};

use crate::error::StoreError;
use crate::mails::{NewCode, NewMail};
use crate::sessions::{ActingSession, NewSession};
use crate::users::{DeviceVersion, PasswordVersion, Reauthentication, User};

/// Stores the hashes of codes, reset tokens and invitations, and makes the changes that codes and
/// reset tokens allow. An invitation allows [`UserStore::create_invited_user`](
/// crate::UserStore::create_invited_user).
///
/// # Rules
///
/// - For each purpose, only the newest code of an email address is valid. A purpose is one of:
///   verify the email address, change it, reset the password, sign in, invite.
/// - A code is deleted in the transaction that uses it, so of two concurrent uses one succeeds. A
///   change that is rejected for another reason, such as a taken email address, uses it too.
/// - A code is deleted by the fifth wrong try ([`MAX_TRIES`]), and no longer valid when it has
///   expired.
/// - A code belongs to an account and to its email address. If that address is no longer the
///   account's, or if the account is disabled, the code is not valid.
/// - Every change of the password, the email address or the second factors and passkeys, and
///   disabling an account, deletes all codes of the account, and the unsent mails with codes.
/// - A request for an email address that has no account, or a disabled one, writes the same rows as
///   one for an account: a code that nobody knows, a mail of kind
///   [`Nothing`](crate::Message::Nothing), and an event without a user.
/// - An invitation belongs to an email address that has no account. It is deleted, and the unsent
///   mail with it, when an account with that address is created, and when the address stops being
///   that of an account. Nothing else makes it invalid before it expires.
/// - Requests and uses are recorded in the audit log: `password_reset_requested`, `password_reset`,
///   `email_change_requested`, `email_changed`, `email_verified`, `log_in_code_sent`,
///   `invitation_created`.
/// - If `notice` is given, the change adds a notice to the account's previous email address, if
///   that one was verified before the change. A reset verifies the address, so it always adds one.
#[doc = include_str!("signatures/CodeStore.md")]
#[async_trait]
pub trait CodeStore: Send + Sync + 'static {
    /// Stores a code that verifies the email address of the user, and the mail with it.
    async fn send_verification_code(
        &self,
        acting: &ActingSession,
        code: &NewCode,
        now: Timestamp,
    ) -> Result<SendVerificationOutcome, StoreError>;

    /// Verifies the email address of the user with a code.
    async fn verify_email(
        &self,
        acting: &ActingSession,
        code: &CodeHash,
        now: Timestamp,
    ) -> Result<VerifyEmailOutcome, StoreError>;

    /// Stores a code that changes the email address of the user who has reauthenticated, and the
    /// mail with it to the new address. If the new address has another account, the mail is
    /// [`EmailTaken`](crate::Message::EmailTaken), and nobody knows the code.
    async fn send_email_change_code(
        &self,
        reauthentication: &Reauthentication,
        change: &NewEmailChange,
        now: Timestamp,
    ) -> Result<SendEmailChangeOutcome, StoreError>;

    /// Changes the email address of the user with a code. The new address is verified. Ends all
    /// other sessions of the user, and forgets the known browsers.
    async fn change_email(
        &self,
        acting: &ActingSession,
        code: &CodeHash,
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<ChangeEmailOutcome, StoreError>;

    /// Stores a reset token for the account with this email address, and the mail with it.
    async fn send_reset_token(
        &self,
        email: &EmailKey,
        token: &NewResetToken,
        now: Timestamp,
    ) -> Result<SendOutcome, StoreError>;

    /// Returns the account whose password a token can reset at `now`. Does not use the token.
    async fn reset_target(
        &self,
        token: &ResetTokenHash,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError>;

    /// Sets a new password with a token. Ends all sessions of the user, forgets the known browsers,
    /// resets the counters of failed sign-ins to the account, and verifies the email address.
    async fn reset_password(
        &self,
        reset: &PasswordReset,
        now: Timestamp,
    ) -> Result<ResetPasswordOutcome, StoreError>;

    /// Stores a code with which one browser can sign in to the account with this email address, and
    /// the mail with it. If the email address is not verified, the mail is
    /// [`SignInUnverified`](crate::Message::SignInUnverified), and nobody knows the code.
    async fn send_sign_in_code(
        &self,
        email: &EmailKey,
        code: &NewSignInCode,
        now: Timestamp,
    ) -> Result<SendOutcome, StoreError>;

    /// Returns the sign-in that a browser has requested, if its code is still valid at `now`, and
    /// whether the presented code is the right one. Counts no try. Does not reveal whether the
    /// account exists unless the caller does.
    async fn pending_sign_in(
        &self,
        browser: &EmailSignInTokenHash,
        presented: &CodeHash,
        now: Timestamp,
    ) -> Result<Option<PendingSignIn>, StoreError>;

    /// Opens a session with a code. `session` is that of the user of the [`PendingSignIn`], or of a
    /// random id if it has none: then the code is wrong. Ends the same sessions as
    /// [`SessionStore::open_session`](crate::SessionStore::open_session).
    async fn open_session_with_code(
        &self,
        browser: &EmailSignInTokenHash,
        code: &CodeHash,
        session: &NewSession,
    ) -> Result<OpenSessionWithCodeOutcome, StoreError>;

    /// Stores an invitation of an operator for this email address, and the mail with it, if there
    /// is one.
    async fn invite(
        &self,
        email: &Email,
        invitation: &NewInvitation,
        now: Timestamp,
    ) -> Result<InviteOutcome, StoreError>;
}

/// The number of wrong tries that ends a code. The last of them is answered like an expired code.
pub const MAX_TRIES: u32 = 5;

/// A change of the email address that a user has requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEmailChange {
    /// The new email address.
    pub email: Email,
    /// The code.
    pub code: NewCode,
    /// The id of the notice to the current email address.
    pub notice: MailId,
}

/// A reset token that somebody has requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewResetToken {
    /// The token, which only the mail contains. Its hash is stored.
    pub token: ResetToken,
    /// When the token and its mail expire.
    pub expires_at: Timestamp,
    /// The mail.
    pub mail: NewMail,
    /// The client that requested the token.
    pub client: ClientInfo,
}

/// A code for signing in that a browser has requested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSignInCode {
    /// The code, which only the mail contains.
    pub code: OneTimeCode,
    /// The hash that is stored ([`OneTimeCode::hash_for_browser`]).
    pub hash: CodeHash,
    /// The hash of the token of the browser.
    pub browser: EmailSignInTokenHash,
    /// `true` if the session should survive closing the browser.
    pub remember: bool,
    /// When the code and its mail expire.
    pub expires_at: Timestamp,
    /// The mail.
    pub mail: NewMail,
    /// The client that requested the code.
    pub client: ClientInfo,
}

/// An invitation to create an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvitation {
    /// The token. Its hash is stored.
    pub token: InvitationToken,
    /// When the token and its mail expire.
    pub expires_at: Timestamp,
    /// The id of the mail to the email address, if there should be one.
    pub mail: Option<MailId>,
}

/// A new password that is set with a reset token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordReset {
    /// The hash of the token.
    pub token: ResetTokenHash,
    /// The hash of the new password.
    pub password: PasswordHash,
    /// The client that presents the token.
    pub client: ClientInfo,
    /// The id of the notice to the account's email address, if mail is on.
    pub notice: Option<MailId>,
}

/// A sign-in by email that has been requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingSignIn {
    /// The account, if the email address has one.
    pub user: Option<UserId>,
    /// `true` if the session should survive closing the browser.
    pub remember: bool,
    /// `true` if the presented code is the right one.
    pub is_code_right: bool,
}

/// The purpose of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CodePurpose {
    /// To verify the email address.
    VerifyEmail,
    /// To change the email address.
    ChangeEmail,
    /// To reset the password. The code is a reset token.
    ResetPassword,
    /// To sign in.
    SignIn,
    /// To sign up although sign-up is off. The code is the token of an invitation.
    Invitation,
}

impl CodePurpose {
    /// All purposes.
    pub const ALL: &[Self] = &[
        Self::VerifyEmail,
        Self::ChangeEmail,
        Self::ResetPassword,
        Self::SignIn,
        Self::Invitation,
    ];

    /// Returns the purpose with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|purpose| purpose.as_str() == name)
    }

    /// Returns the stable name of the purpose.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ChangeEmail => "change_email",
            Self::ResetPassword => "reset_password",
            Self::SignIn => "sign_in",
            Self::Invitation => "invitation",
        }
    }
}

/// The outcome of [`CodeStore::send_reset_token`] and [`CodeStore::send_sign_in_code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum SendOutcome {
    /// The request was stored, whether or not the email address has an account.
    Stored,
    /// The outbox holds too many unsent mails. Nothing was written.
    OutboxFull,
}

/// The outcome of [`CodeStore::invite`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum InviteOutcome {
    /// The invitation was stored.
    Stored,
    /// An account has this email address. Nothing was written.
    EmailTaken,
}

/// The outcome of [`CodeStore::send_verification_code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum SendVerificationOutcome {
    /// The code and its mail were stored.
    Stored,
    /// The email address is verified already. Nothing was written.
    AlreadyVerified,
    /// The session has expired or was ended. Nothing was written.
    SessionEnded,
    /// The outbox holds too many unsent mails. Nothing was written.
    OutboxFull,
}

/// The outcome of [`CodeStore::verify_email`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum VerifyEmailOutcome {
    /// The email address is verified. This is the account after the change.
    Verified(User),
    /// The code is wrong. The try was counted.
    CodeWrong,
    /// There is no valid code, or this was the last wrong try.
    CodeExpired,
    /// The session has expired or was ended. Nothing was written.
    SessionEnded,
}

/// The outcome of [`CodeStore::send_email_change_code`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum SendEmailChangeOutcome {
    /// The code and its mail were stored.
    Stored,
    /// The new email address is the current one, possibly in another spelling. Nothing was written.
    Unchanged,
    /// The password was changed, or the account disabled, after the password was verified. Nothing
    /// was written.
    CredentialsChanged,
    /// The session has expired or was ended. Nothing was written.
    SessionEnded,
    /// The outbox holds too many unsent mails. Nothing was written.
    OutboxFull,
}

/// The outcome of [`CodeStore::change_email`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum ChangeEmailOutcome {
    /// The email address was changed.
    Changed {
        /// The account after the change.
        user: User,
        /// The version of the account's known browsers after the change.
        device_version: DeviceVersion,
    },
    /// Another account has the new email address. The code was deleted.
    EmailTaken,
    /// The code is wrong. The try was counted.
    CodeWrong,
    /// There is no valid code, or this was the last wrong try.
    CodeExpired,
    /// The session has expired or was ended. Nothing was written.
    SessionEnded,
}

/// The outcome of [`CodeStore::reset_password`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum ResetPasswordOutcome {
    /// The password was reset.
    Reset {
        /// The account after the change.
        user: User,
        /// The version of the account's known browsers after the change.
        device_version: DeviceVersion,
    },
    /// No enabled account has this token. Nothing was written.
    TokenInvalid,
}

/// The outcome of [`CodeStore::open_session_with_code`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum OpenSessionWithCodeOutcome {
    /// The session was opened.
    Opened {
        /// The account.
        user: User,
        /// The version of the account's known browsers.
        device_version: DeviceVersion,
        /// Other sessions, which were ended.
        ended: Vec<SessionId>,
    },
    /// The code was correct and is used up. The second factor is on, so no session was opened.
    SecondFactorRequired {
        /// The account.
        user: User,
        /// The version of the account's password.
        password_version: PasswordVersion,
        /// The version of the account's known browsers.
        device_version: DeviceVersion,
    },
    /// The code is wrong. The try was counted.
    CodeWrong,
    /// There is no valid code, or this was the last wrong try.
    CodeExpired,
}

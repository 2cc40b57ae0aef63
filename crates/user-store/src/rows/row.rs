//! The rows of a store.

use std::collections::BTreeMap;
use std::fmt;

use auth_core::{
    ClientInfo, CodeFailures, CounterKey, DecoyKey, Email, EmailHash, EmailSignInTokenHash,
    FamilyHash, MailId, PasswordHash, RecoveryCodeHash, RefreshTokenHash, ReplacedToken, Session,
    Timestamp, TotpSecret, TotpStep, UserId,
};

use crate::codes::CodePurpose;
use crate::decoys::HashClass;
use crate::followers::{FollowerLease, FollowerPosition};
use crate::users::{DeviceVersion, PasswordVersion, User};

/// An account, with everything that there is once per account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The account.
    pub user: User,
    /// The hash of the current password.
    pub password_hash: PasswordHash,
    /// The version of the current password.
    pub password_version: PasswordVersion,
    /// The version of the known browsers.
    pub device_version: DeviceVersion,
    /// The app, if there is one.
    pub totp: Option<AccountTotp>,
    /// The app that is being set up, if there is one.
    pub pending_totp: Option<PendingTotp>,
    /// The recovery codes, if the second factor is on.
    pub recovery_codes: Option<StoredRecoveryCodes>,
    /// The wrong app codes.
    pub wrong_app_codes: CodeFailures,
    /// The wrong recovery codes.
    pub wrong_recovery_codes: CodeFailures,
}

/// An app, once it is confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountTotp {
    /// The secret that the app shares with the store.
    pub secret: TotpSecret,
    /// The time step of the last accepted code.
    pub last_step: TotpStep,
    /// When the app was confirmed.
    pub created_at: Timestamp,
    /// When an app code last opened a session.
    pub last_used_at: Option<Timestamp>,
}

/// An app that is being set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingTotp {
    /// The secret that the app shares with the store.
    pub secret: TotpSecret,
    /// When the set-up expires.
    pub expires_at: Timestamp,
}

/// The unused recovery codes of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecoveryCodes {
    /// The hashes of the codes, in any order.
    pub hashes: Vec<RecoveryCodeHash>,
    /// When the codes were stored.
    pub created_at: Timestamp,
}

/// A session with its refresh tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// The session.
    pub session: Session,
    /// The client that opened or last refreshed the session.
    pub client: ClientInfo,
    /// The hash of the part that all refresh tokens of the session share.
    pub family: FamilyHash,
    /// The hash of the current refresh token.
    pub refresh_token: RefreshTokenHash,
    /// The previous refresh token. `None` if the session has never been refreshed.
    pub replaced: Option<ReplacedToken>,
}

/// A code or a reset token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCode {
    /// The purpose.
    pub purpose: CodePurpose,
    /// The hash of the email address that it was requested for.
    pub email_hash: EmailHash,
    /// The hash of the code or the reset token.
    pub hash: [u8; 32],
    /// The account, if there is one.
    pub user: Option<UserId>,
    /// The browser in which a code for signing in was requested.
    pub browser: Option<EmailSignInTokenHash>,
    /// `true` if the session should survive closing the browser.
    pub remember: bool,
    /// The email address that the code changes the account to.
    pub new_email: Option<Email>,
    /// The number of wrong tries.
    pub tries: u32,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// A mail in the outbox.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredMail {
    /// The id.
    pub id: MailId,
    /// The [kind](crate::Message::kind) of the message.
    pub kind: String,
    /// The message as JSON, which contains a secret. `None` after the mail was rejected for good.
    pub message: Option<String>,
    /// The purpose of the code, and the email address that it was requested for. `None` for a
    /// notice.
    pub code: Option<(CodePurpose, EmailHash)>,
    /// The account, if there is one.
    pub user: Option<UserId>,
    /// The recipient. Empty if nothing is sent.
    pub recipient: String,
    /// The network that requested the mail.
    pub network: Option<CounterKey>,
    /// When the mail was added.
    pub created_at: Timestamp,
    /// When the mail is no longer worth sending.
    pub expires_at: Timestamp,
    /// The number of attempts so far.
    pub attempts: u32,
    /// When the mail is due.
    pub next_attempt_at: Timestamp,
    /// When the attempt that has begun has certainly ended.
    pub claimed_until: Option<Timestamp>,
    /// When the mail was rejected for good.
    pub failed_at: Option<Timestamp>,
    /// The reason why the last attempt failed.
    pub reason: Option<String>,
}

/// A follower of the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredFollower {
    /// The position in the audit log.
    pub position: FollowerPosition,
    /// The lease, even if it has ended.
    pub lease: Option<FollowerLease>,
}

/// All decoys ([`DecoyStore`](crate::DecoyStore)). They contain one secret, the key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decoys {
    /// The key that assigns positions.
    pub key: Option<DecoyKey>,
    /// The version of the decoys.
    pub version: i64,
    /// When the hashes of the accounts were last counted.
    pub counted_at: Option<Timestamp>,
    /// The classes of imported hashes, by template.
    pub classes: BTreeMap<String, HashClass>,
    /// The template of the decoy at each position that has one.
    pub templates: BTreeMap<u8, String>,
}

impl fmt::Debug for StoredMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredMail")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

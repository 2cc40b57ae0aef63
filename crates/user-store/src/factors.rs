//! Second factors and passkeys.

use std::time::Duration;

use async_trait::async_trait;
use auth_core::{
    CredentialId, MailId, PasskeyChallenge, PasskeyId, PasskeyName, PasskeyPublicKey, PasskeyState,
    RecoveryCodeHash, SessionId, Ticket, Timestamp, TotpCode, TotpSecret, UserId,
    VerifiedAssertion,
};

use crate::error::StoreError;
use crate::sessions::{ActingSession, NewSession};
use crate::users::{DeviceVersion, User};

/// Stores the second factors and the passkeys of accounts, and opens the sessions that need them.
///
/// # Rules
///
/// - While the second factor of an account is on, no session is opened with the password or with a
///   code from a mail alone: [`SessionStore::open_session`](crate::SessionStore::open_session) and
///   [`CodeStore::open_session_with_code`](crate::CodeStore::open_session_with_code) check this in
///   the transaction that would open it. A passkey alone still opens one.
/// - Every change requires that the acting session is active and
///   [fresh](auth_core::Session::is_fresh). A user's changes of one account run one after the
///   other.
/// - The second factor is on while [`User::second_factor_at`] is set. It is turned on by the first
///   app, or by [`turn_second_factor_on`](Self::turn_second_factor_on) if there is a passkey, and
///   only turned off by the user or reset by an operator. While it is on, there is an app or a
///   passkey.
/// - Turning the second factor on or off, replacing the app and removing a passkey end all other
///   sessions of the user. An operator's reset ends all of them.
/// - Every change, except setting up an app that is not confirmed yet and renaming a passkey,
///   deletes all codes of the account, and the unsent mails with codes.
/// - Each time step of an app is accepted once, and none that is earlier than an accepted one. The
///   code that confirms an app uses up its step. A recovery code is deleted by its use. Of two
///   concurrent uses, one succeeds.
/// - A ticket or a challenge is used once: its id is stored until it has expired, even by a clock
///   that is five minutes behind. A wrong code or credential does not use up the ticket.
/// - A ticket is valid until it expires, as long as the account is enabled and its versions and the
///   time of its second factor are those of the ticket.
/// - Wrong and reused app codes are counted, including those that are entered to confirm an app.
///   Wrong recovery codes are counted separately ([`CodeFailures`](auth_core::CodeFailures)).
///   During a lockout of one kind of code, codes of this kind are not compared. Opening a session
///   with a second factor or a passkey clears both counts, and so does turning the second factor
///   off. Otherwise, only an operator can clear them: neither the right password nor a reset of the
///   password does.
/// - A passkey whose signature counter has not increased is rejected, and so is one that was
///   eligible for backup and no longer is. This uses up the challenge, and is recorded: the former
///   as `passkey_counter_regressed`, the latter as `second_factor_failed`, or as `sign_in_failed`
///   if the passkey is used alone.
/// - Changes are recorded in the audit log: `second_factor_on`, `second_factor_off`,
///   `second_factor_failed`, `second_factor_reset`, `totp_replaced`, `recovery_code_used`,
///   `recovery_codes_renewed`, `passkey_added`, `passkey_removed`, `passkey_counter_regressed`.
///   Each of them, except `second_factor_failed`, adds a notice to the account's email address if
///   the caller gives an id for it and the address is verified. So does the first lockout of a kind
///   of code.
#[doc = include_str!("signatures/FactorStore.md")]
#[async_trait]
pub trait FactorStore: Send + Sync + 'static {
    /// Returns the second factors and the passkeys of a user. If the account does not exist, they
    /// are empty.
    async fn factors(&self, user: UserId) -> Result<Factors, StoreError>;

    /// Returns the second factors and the passkeys of the user of a ticket, or `None` if the ticket
    /// is not valid. Does not use up the ticket.
    async fn factors_of_ticket(
        &self,
        ticket: &Ticket,
        now: Timestamp,
    ) -> Result<Option<Factors>, StoreError>;

    /// Stores the secret of an app that is being set up until `expires_at`. It replaces an earlier
    /// one that is being set up. An app that is in use stays in use.
    async fn begin_totp(
        &self,
        acting: &ActingSession,
        secret: &TotpSecret,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<BeginTotpOutcome, StoreError>;

    /// Confirms the app that is being set up with a code. It replaces the app in use, if there is
    /// one. Turns the second factor on if it is off.
    async fn confirm_totp(
        &self,
        acting: &ActingSession,
        confirmation: &ConfirmTotp,
        now: Timestamp,
    ) -> Result<ConfirmTotpOutcome, StoreError>;

    /// Turns the second factor on for a user with a passkey. `recovery_codes` are stored if it was
    /// off.
    async fn turn_second_factor_on(
        &self,
        acting: &ActingSession,
        recovery_codes: &[RecoveryCodeHash],
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<TurnOnOutcome, StoreError>;

    /// Turns the second factor off. Deletes the app, the one that is being set up, the recovery
    /// codes and the counts of wrong codes. Passkeys stay.
    async fn turn_second_factor_off(
        &self,
        acting: &ActingSession,
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<TurnOffOutcome, StoreError>;

    /// Replaces the recovery codes. Ends no session.
    async fn replace_recovery_codes(
        &self,
        acting: &ActingSession,
        recovery_codes: &[RecoveryCodeHash],
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<ReplaceRecoveryCodesOutcome, StoreError>;

    /// Adds a passkey, and uses up the challenge.
    async fn add_passkey(
        &self,
        acting: &ActingSession,
        new: &NewPasskey,
        now: Timestamp,
    ) -> Result<AddPasskeyOutcome, StoreError>;

    /// Renames a passkey of this user. Returns `None` if the user has no passkey with this id.
    async fn rename_passkey(
        &self,
        user: UserId,
        id: PasskeyId,
        name: &PasskeyName,
    ) -> Result<Option<Passkey>, StoreError>;

    /// Removes a passkey of the acting user.
    async fn remove_passkey(
        &self,
        acting: &ActingSession,
        id: PasskeyId,
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<RemovePasskeyOutcome, StoreError>;

    /// Returns the passkey with this credential ID, of any user.
    async fn passkey(&self, credential: &CredentialId) -> Result<Option<Passkey>, StoreError>;

    /// Opens a session with a ticket and a second factor, and uses up the ticket. Ends the same
    /// sessions as [`SessionStore::open_session`](crate::SessionStore::open_session).
    async fn open_session_with_second_factor(
        &self,
        step: &SecondStep,
    ) -> Result<SecondStepOutcome, StoreError>;

    /// Opens a session with a passkey alone. Ends the same sessions as
    /// [`SessionStore::open_session`](crate::SessionStore::open_session).
    async fn open_session_with_passkey(
        &self,
        sign_in: &PasskeySignIn,
    ) -> Result<PasskeySignInOutcome, StoreError>;

    /// Removes all second factors and passkeys of a user, and the app that is being set up, on
    /// behalf of an operator. Ends all sessions of the user.
    async fn reset_second_factor(
        &self,
        user: UserId,
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<ResetSecondFactorOutcome, StoreError>;

    /// Deletes up to `limit` ids of used tickets and challenges, and up to `limit` apps that were
    /// being set up, that have expired at `now`. Returns the larger of the two numbers deleted.
    async fn purge_factors(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError>;
}

/// The maximum number of passkeys that a user can have.
pub const MAX_PASSKEYS: usize = 20;

/// The second factors and the passkeys of a user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Factors {
    /// When the second factor was turned on, if it is on.
    pub second_factor_at: Option<Timestamp>,
    /// The app, if there is one.
    pub totp: Option<Totp>,
    /// The recovery codes, if the second factor is on.
    pub recovery_codes: Option<RecoveryCodes>,
    /// The passkeys, in the order of their ids: oldest first.
    pub passkeys: Vec<Passkey>,
}

/// An app, without its secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totp {
    /// When the app was confirmed.
    pub created_at: Timestamp,
    /// When an app code last opened a session.
    pub last_used_at: Option<Timestamp>,
}

/// The recovery codes of a user, without the codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecoveryCodes {
    /// The number of unused codes.
    pub left: u32,
    /// When the codes were stored.
    pub created_at: Timestamp,
}

/// A passkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passkey {
    /// The id of the passkey.
    pub id: PasskeyId,
    /// Its owner.
    pub user: UserId,
    /// The credential ID, by which authenticators identify the passkey.
    pub credential_id: CredentialId,
    /// The key that verifies its signatures.
    pub public_key: PasskeyPublicKey,
    /// Its signature counter and whether it is backed up, as of its last use.
    pub state: PasskeyState,
    /// The name that the user gave it.
    pub name: PasskeyName,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last opened a session.
    pub last_used_at: Option<Timestamp>,
}

/// The code that confirms an app, for [`FactorStore::confirm_totp`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmTotp {
    /// The code.
    pub code: TotpCode,
    /// The recovery codes to store if this turns the second factor on.
    pub recovery_codes: Vec<RecoveryCodeHash>,
    /// Determines whether wrong codes count.
    pub throttle: CodeThrottle,
    /// The id of the notice, if mail is on.
    pub notice: Option<MailId>,
}

/// Determines whether the limits on wrong codes are enforced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeThrottle {
    /// Wrong codes count, and cause lockouts.
    Enforced,
    /// Wrong codes are only recorded in the audit log.
    Off,
}

/// A passkey that a user adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPasskey {
    /// The passkey. It belongs to the acting user.
    pub passkey: Passkey,
    /// The challenge that was signed.
    pub challenge: PasskeyChallenge,
    /// The id of the notice, if mail is on.
    pub notice: Option<MailId>,
}

/// The second step of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondStep {
    /// The ticket of the first step.
    pub ticket: Ticket,
    /// The second factor.
    pub factor: PresentedFactor,
    /// The session to open: that of the ticket's user, with the methods of both steps.
    pub session: NewSession,
    /// Determines whether wrong codes count.
    pub throttle: CodeThrottle,
    /// The id of a notice, if mail is on.
    pub notice: Option<MailId>,
}

/// A second factor that a client presents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PresentedFactor {
    /// A code from the app.
    AppCode(TotpCode),
    /// A recovery code.
    RecoveryCode(RecoveryCodeHash),
    /// A passkey.
    Passkey(PasskeyUse),
}

/// A use of a passkey, whose signature was verified with the [`Passkey::public_key`] that was read
/// before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyUse {
    /// The passkey.
    pub id: PasskeyId,
    /// The challenge that was signed.
    pub challenge: PasskeyChallenge,
    /// The signed state.
    pub assertion: VerifiedAssertion,
}

/// A sign-in with a passkey alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeySignIn {
    /// The passkey.
    pub passkey: PasskeyUse,
    /// The session to open: that of the passkey's owner.
    pub session: NewSession,
    /// The id of a notice, if mail is on.
    pub notice: Option<MailId>,
}

/// The outcome of [`FactorStore::begin_totp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum BeginTotpOutcome {
    /// The secret was stored.
    Stored,
    /// The acting session has expired, was ended, or is not fresh. Nothing was written.
    SessionEnded,
}

/// The outcome of [`FactorStore::confirm_totp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum ConfirmTotpOutcome {
    /// The app is in use, and the second factor was turned on. The recovery codes were stored.
    TurnedOn,
    /// The app is in use. The second factor was already on, and the recovery codes are unchanged.
    Replaced,
    /// The code is wrong. It was recorded, and counted if the limits are enforced.
    CodeWrong,
    /// The code is wrong, as for [`CodeWrong`](Self::CodeWrong), and a lockout has begun.
    LockedOut,
    /// No app is being set up, or the set-up has expired. Nothing was written.
    NoPendingTotp,
    /// Too many codes were wrong. Nothing was written.
    TooManyAttempts {
        /// How long to wait before the next attempt.
        retry_after: Duration,
    },
    /// The acting session has expired, was ended, or is not fresh. Nothing was written.
    SessionEnded,
}

/// The outcome of [`FactorStore::turn_second_factor_on`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum TurnOnOutcome {
    /// The second factor was turned on, and the recovery codes were stored.
    TurnedOn,
    /// The second factor was already on. Nothing was written.
    AlreadyOn,
    /// The user has no passkey. Nothing was written.
    NoFactor,
    /// The acting session has expired, was ended, or is not fresh. Nothing was written.
    SessionEnded,
}

/// The outcome of [`FactorStore::turn_second_factor_off`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum TurnOffOutcome {
    /// The second factor was turned off.
    TurnedOff,
    /// The second factor was already off. Nothing was written.
    AlreadyOff,
    /// The acting session has expired, was ended, or is not fresh. Nothing was written.
    SessionEnded,
}

/// The outcome of [`FactorStore::replace_recovery_codes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum ReplaceRecoveryCodesOutcome {
    /// The codes were replaced.
    Replaced,
    /// The second factor is off. Nothing was written.
    SecondFactorOff,
    /// The acting session has expired, was ended, or is not fresh. Nothing was written.
    SessionEnded,
}

/// The outcome of [`FactorStore::add_passkey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum AddPasskeyOutcome {
    /// The passkey was added.
    Added,
    /// A passkey of some user has this credential ID. Nothing was written.
    Taken,
    /// The user has [`MAX_PASSKEYS`] passkeys. Nothing was written.
    TooMany,
    /// The challenge was used before, or has expired. Nothing was written.
    ChallengeUsed,
    /// The acting session has expired, was ended, or is not fresh. Nothing was written.
    SessionEnded,
}

/// The outcome of [`FactorStore::remove_passkey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum RemovePasskeyOutcome {
    /// The passkey was removed.
    Removed,
    /// The passkey is the only second factor of the account. Nothing was written.
    LastFactor,
    /// The user has no passkey with this id. Nothing was written.
    NotFound,
    /// The acting session has expired, was ended, or is not fresh. Nothing was written.
    SessionEnded,
}

/// The outcome of [`FactorStore::open_session_with_second_factor`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum SecondStepOutcome {
    /// The session was opened.
    Opened(OpenedSession),
    /// The ticket has expired, was used, or is no longer valid for the account; or the session does
    /// not belong to its user, or does not have the methods of both steps. Nothing was written.
    TicketInvalid,
    /// The code is wrong, or was used before. It was recorded, and counted if the limits are
    /// enforced.
    CodeWrong,
    /// The code is wrong, as for [`CodeWrong`](Self::CodeWrong), and a lockout of codes of its kind
    /// has begun.
    LockedOut,
    /// The user has no such passkey, or its counter or its backup flags are not plausible. Only an
    /// implausible counter or flag was recorded.
    CredentialInvalid,
    /// The challenge was used before, or has expired. Nothing was written.
    ChallengeUsed,
    /// Too many codes were wrong. Nothing was written.
    TooManyAttempts {
        /// How long to wait before the next attempt.
        retry_after: Duration,
    },
}

/// The outcome of [`FactorStore::open_session_with_passkey`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum PasskeySignInOutcome {
    /// The session was opened.
    Opened(OpenedSession),
    /// The passkey no longer exists or belongs to another user, its counter or its backup flags are
    /// not plausible, or the account is disabled. Only an implausible counter or flag was recorded.
    Rejected,
    /// The challenge was used before, or has expired. Nothing was written.
    ChallengeUsed,
}

/// A session that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedSession {
    /// The account.
    pub user: User,
    /// The version of the account's known browsers.
    pub device_version: DeviceVersion,
    /// Other sessions, which were ended.
    pub ended: Vec<SessionId>,
}

/// The outcome of [`FactorStore::reset_second_factor`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum ResetSecondFactorOutcome {
    /// All second factors and passkeys were removed, and all sessions were ended.
    Reset,
    /// The user has neither a second factor nor a passkey, nor an app that is being set up, nor
    /// wrong codes. Nothing was written.
    NothingToReset,
    /// No account has this id. Nothing was written.
    NotFound,
}

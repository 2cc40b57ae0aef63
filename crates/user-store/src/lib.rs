//! Storage for users, sessions, second factors, signing keys and the audit log.
//!
//! Each entity has one small trait that documents its operations and their rules: [`UserStore`],
//! [`SessionStore`], [`FactorStore`], [`AttemptStore`], [`AuditLog`], [`KeyStore`], [`DecoyStore`],
//! [`CodeStore`], [`MetadataStore`], [`Outbox`] and [`FollowerStore`]. [`Store`] combines them.
//! `SqliteStore` (feature `sqlite`, default) implements them in a SQLite file, and `PostgresStore`
//! (feature `postgres`) in a PostgreSQL database. `copy_store` (both features) copies one store to
//! another. `rows::RowStore` (feature `rows`) implements them over any other database. Every
//! backend must pass the tests in `conformance` (feature `testing`).
//!
//! The types of [`auth_core`] that the traits need, and [`async_trait`](macro@async_trait), are
//! exported again, so that a backend needs no other crate.
//!
//! # Rules for all traits
//!
//! - A method is one use case and one transaction. Its guarantees hold under concurrent calls, from
//!   this server and from others that share the store.
//! - A violated constraint is returned as a domain error, such as [`CreateUserError::EmailTaken`].
//!   [`StoreError`] means that the store failed.
//! - A lookup that finds nothing returns `None`.
//! - A write is durable when the method returns: a crash does not undo it, unless PostgreSQL is
//!   configured to lose it (`fsync`, `synchronous_commit`).
//! - A change by a user or an operator is recorded as an [`Event`] in the same transaction. A
//!   refresh of a session is not recorded. A call that changes nothing records nothing.
//! - Times are stored with millisecond precision.
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "sqlite")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use auth_core::{
//!     ClientInfo, Clock, DecoyPosition, Email, NewPassword, PasswordHasher, PasswordPolicy, Roles,
//!     SystemClock, SystemRandom, UserId,
//! };
//! use user_store::{Event, EventKind, SqliteStore, User, UserStore};
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("latchkey.db");
//! let store = SqliteStore::open(&path)?;
//! let now = SystemClock.now();
//! let user = User {
//!     id: UserId::generate(now, &SystemRandom),
//!     email: Email::parse("ada@example.com")?,
//!     created_at: now,
//!     disabled_at: None,
//!     email_verified_at: None,
//!     second_factor_at: None,
//!     roles: Roles::NONE,
//! };
//! let password = NewPassword::parse("a long walk", &PasswordPolicy::default(), &[])?;
//! let hash = PasswordHasher::new(1_000)?.hash(&password, &SystemRandom);
//! let event = Event::by_user(EventKind::AccountCreated, now, ClientInfo::default());
//! store.create_user(&user, &hash, &event.about(user.id), None).await?;
//! let challenge = store.credentials(user.email.key(), &DecoyPosition::default()).await?;
//! assert!(challenge.account().is_some());
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "sqlite"))]
//! # fn main() {}
//! ```

#![cfg_attr(
    all(feature = "rows", feature = "sqlite"),
    expect(clippy::duplicate_mod, reason = "both backends contain the module `transactions`")
)]

mod attempts;
mod audit;
mod codes;
#[cfg(feature = "testing")]
pub mod conformance;
#[cfg(all(feature = "postgres", feature = "sqlite"))]
mod copy;
#[cfg(all(feature = "postgres", feature = "sqlite"))]
mod copy_end;
mod decoys;
mod error;
mod factors;
mod followers;
mod keys;
mod mails;
mod metadata;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod migrated;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "rows")]
pub mod rows;
#[cfg(any(feature = "postgres", feature = "rows", feature = "sqlite"))]
mod rules;
mod sessions;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(all(any(feature = "postgres", feature = "sqlite"), feature = "testing"))]
mod statement_record;
mod store;
mod user_data;
mod users;

pub use async_trait::async_trait;
pub use auth_core;

pub use attempts::{
    AttemptStore, LimitedCounter, Lockouts, SettleOutcome, SettledAttempt, Settlement,
    UnlockOutcome,
};
pub use audit::{Actor, AuditLog, EVENT_RETENTION, Event, EventId, EventKind, InvalidEventId};
pub use codes::{
    ChangeEmailOutcome, CodePurpose, CodeStore, InviteOutcome, MAX_TRIES, NewEmailChange,
    NewInvitation, NewResetToken, NewSignInCode, OpenSessionWithCodeOutcome, PasswordReset,
    PendingSignIn, ResetPasswordOutcome, SendEmailChangeOutcome, SendOutcome,
    SendVerificationOutcome, VerifyEmailOutcome,
};
#[cfg(all(feature = "postgres", feature = "sqlite"))]
pub use copy::{
    CopiedTable, CopyOutcome, CopyPhase, CopyProgress, StoreCopy, StoreLocation, TableChecksum,
    copy_store,
};
#[cfg(all(feature = "postgres", feature = "sqlite"))]
pub use copy_end::CopyError;
pub use decoys::{DecoyStore, HashClass, RecountOutcome};
pub use error::StoreError;
pub use factors::{
    AddPasskeyOutcome, BeginTotpOutcome, CodeThrottle, ConfirmTotp, ConfirmTotpOutcome,
    FactorStore, Factors, MAX_PASSKEYS, NewPasskey, OpenedSession, Passkey, PasskeySignIn,
    PasskeySignInOutcome, PasskeyUse, PresentedFactor, RecoveryCodes, RemovePasskeyOutcome,
    ReplaceRecoveryCodesOutcome, ResetSecondFactorOutcome, SecondStep, SecondStepOutcome, Totp,
    TurnOffOutcome, TurnOnOutcome,
};
pub use followers::{
    AdvanceFollowerOutcome, ClaimFollowerOutcome, FOLLOWER_LEASE, Follower, FollowerLease,
    FollowerPosition, FollowerStore, LeaseHolder, Start,
};
pub use keys::{KeySetVersion, KeyStore, RetireKeyOutcome, SigningKeySet, StoredSigningKey};
pub use mails::{
    CodeMessage, FAILED_MAIL_RETENTION, InvitationMessage, MAX_UNSENT, MAX_UNSENT_PER_NETWORK,
    Mail, MailCounts, MailRecord, Message, NOTICE_LIFETIME, NewCode, NewMail, Notice, NoticeKind,
    Outbox, Requested, ResetMessage, RetryMailsOutcome,
};
pub use metadata::{
    InvalidMetadata, Metadata, MetadataChange, MetadataKind, MetadataStore, MetadataValue,
    SetMetadataOutcome,
};
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub use migrated::Migrated;
#[cfg(feature = "postgres")]
pub use postgres::{
    InvalidPostgresUrl, PostgresConfig, PostgresInspection, PostgresOpenError, PostgresRole,
    PostgresSchema, PostgresServer, PostgresStore, PostgresTls, PostgresTlsError,
};
pub use sessions::{
    ActingSession, ActiveSession, EndSessionsOutcome, IfReplaced, NewSession, OpenSessionOutcome,
    PresentedSession, PresentedToken, RotateOutcome, Rotation, SessionRecord, SessionStore,
};
#[cfg(feature = "sqlite")]
pub use sqlite::{Backup, BackupError, Inspection, OpenError, SqliteStore};
#[cfg(all(any(feature = "postgres", feature = "sqlite"), feature = "testing"))]
pub use statement_record::StatementRecord;
pub use store::{EraseOutcome, Erasure, HealthCheck, Purged, Store};
pub use user_data::{UserData, UserDataStore};
pub use users::{
    Challenge, CreateUserError, Credentials, DeviceVersion, GrantRoleOutcome, ImportUsersOutcome,
    KnownBrowsers, PasswordVersion, ReauthenticatedChangeOutcome, Reauthentication,
    RevokeRoleOutcome, SetPassword, StoredUser, UpdateUserOutcome, User, UserStore,
};

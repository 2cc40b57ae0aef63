//! Storage for users, sessions, signing keys and the audit log.
//!
//! One small trait per entity states what a backend does and which rules it keeps: [`UserStore`],
//! [`SessionStore`], [`AttemptStore`], [`AuditLog`] and [`KeyStore`]. [`Store`] is all of them.
//! `SqliteStore` (feature `sqlite`, default) implements them on an embedded file. Every backend
//! must pass the tests in `conformance` (feature `testing`).
//!
//! # Rules for all traits
//!
//! - A method is one use case and one transaction. What it promises holds whatever runs
//!   concurrently, on this server or on another one that shares the store.
//! - A violated constraint becomes a domain error (such as [`CreateUserError::EmailTaken`]). Nothing
//!   is looked up first to see whether it would be violated.
//! - A look-up that finds nothing returns `None`. [`StoreError`] means that the store failed.
//! - What a method has returned is durable: no crash undoes it.
//! - A change that somebody makes is recorded as an [`Event`] in the same transaction. A call that
//!   changes nothing records nothing.
//! - Times are stored with millisecond precision.
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "sqlite")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use auth_core::{
//!     ClientInfo, Clock, DecoyPosition, Email, NewPassword, PasswordHasher, PasswordPolicy, SystemClock, SystemRandom,
//!     UserId,
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
//! };
//! let password = NewPassword::parse("a long walk", &PasswordPolicy::default(), &[])?;
//! let hash = PasswordHasher::new(1_000)?.hash(&password, &SystemRandom);
//! let event = Event::by_user(EventKind::AccountCreated, now, ClientInfo::default()).about(user.id);
//! store.create_user(&user, &hash, &event).await?;
//! assert!(store.credentials(user.email.key(), &DecoyPosition::default()).await?.account().is_some());
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "sqlite"))]
//! # fn main() {}
//! ```

mod attempts;
mod audit;
#[cfg(feature = "testing")]
pub mod conformance;
mod error;
mod keys;
#[cfg(feature = "sqlite")]
mod rules;
mod sessions;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;
mod user_data;
mod users;

pub use attempts::{AttemptStore, LimitedCounter, SettleOutcome, SettledAttempt, Settlement};
pub use audit::{Actor, AuditLog, EVENT_RETENTION, Event, EventId, EventKind, InvalidEventId};
pub use error::StoreError;
pub use keys::{KeySetVersion, KeyStore, RetireKeyOutcome, SigningKeySet, StoredSigningKey};
pub use sessions::{
    ActingSession, ActiveSession, EndSessionsOutcome, NewSession, OpenSessionOutcome,
    RotateOutcome, Rotation, SessionRecord, SessionStore,
};
#[cfg(feature = "sqlite")]
pub use sqlite::{Backup, BackupError, Inspection, OpenError, SqliteStore};
pub use store::{HealthCheck, Purged, Store};
pub use user_data::{UserData, UserDataStore};
pub use users::{
    Challenge, CreateUserError, Credentials, ImportUsersOutcome, PasswordVersion,
    ReauthenticatedChangeOutcome, Reauthentication, StoredUser, UpdateUserOutcome, User, UserStore,
};

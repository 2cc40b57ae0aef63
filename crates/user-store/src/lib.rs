//! Where Latchkey keeps users, sessions and signing keys.
//!
//! [`UserStore`] is the trait; `SqliteStore` (feature `sqlite`, default) implements it on
//! an embedded file. Whatever else implements it must pass `conformance` (feature
//! `testing`), which is run against every backend alike.
//!
//! # The rules of the trait
//!
//! - A method is one transaction, shaped like a use case: what it promises holds whatever
//!   runs beside it, on this server or on another one with the same store.
//! - A constraint of the database becomes an error of the domain (`EmailTaken`); nothing
//!   is looked up first to see whether it would be violated.
//! - A look-up that finds nothing answers `None`; [`StoreError`] means that the store could
//!   not be asked.
//! - What a method has answered is on the disk: no crash takes it back.
//! - What somebody changes is told by an [`Event`] in the same transaction; what changes
//!   nothing is not.
//! - Times are kept to the millisecond.
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

mod attempt;
#[cfg(feature = "testing")]
pub mod conformance;
mod event;
mod model;
#[cfg(feature = "sqlite")]
mod sqlite;
mod store;

pub use attempt::{LimitedCounter, Settlement};
pub use event::{Actor, EVENT_RETENTION, Event, EventId, EventKind, UnknownEventKind};
pub use model::{
    Challenge, CreateUserError, Credentials, EndSessionsOutcome, ImportUsersOutcome, NewSession,
    OpenSessionOutcome, PasswordVersion, Purged, ReauthenticatedOutcome, Reauthentication,
    RetireKeyOutcome, RotateOutcome, Rotation, SessionRecord, StoreError, StoredSigningKey,
    StoredUser, User, UserData,
};
#[cfg(feature = "sqlite")]
pub use sqlite::{Backup, BackupError, Inspection, OpenError, SqliteStore};
pub use store::UserStore;

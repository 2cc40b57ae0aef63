//! The SQLite backend.

mod attempts;
mod audit;
mod backup;
mod codes;
mod connection;
#[cfg(feature = "postgres")]
mod copy;
mod database;
mod decoys;
mod erasure;
mod error;
mod factors;
mod followers;
mod health;
mod inspect;
mod keys;
mod lookups;
mod mails;
mod metadata;
mod open;
mod pool;
mod rows;
mod schema;
mod sessions;
mod statements;
mod store;
#[cfg(feature = "testing")]
mod trace;
mod user_data;
mod users;

pub use backup::Backup;
#[cfg(feature = "postgres")]
pub(crate) use copy::SqliteEnd;
pub use error::{BackupError, OpenError};
pub use inspect::Inspection;
pub use store::SqliteStore;

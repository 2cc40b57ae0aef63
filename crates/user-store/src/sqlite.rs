//! The SQLite backend.

mod backup;
mod connection;
#[cfg(feature = "postgres")]
mod copy;
mod database;
mod erasure;
mod error;
mod health;
mod inspect;
mod lookups;
mod open;
mod pool;
mod rows;
mod schema;
mod statements;
mod store;
#[cfg(feature = "testing")]
mod trace;
#[path = "transactions/mod.rs"]
mod transactions;

pub use backup::Backup;
#[cfg(feature = "postgres")]
pub(crate) use copy::SqliteEnd;
pub use error::{BackupError, OpenError};
pub use inspect::Inspection;
pub use store::SqliteStore;

use store::SqliteStore as BackendStore;

/// The connection of a transaction.
type Tx<'a> = &'a rusqlite::Connection;

type Result<T, E = rusqlite::Error> = std::result::Result<T, E>;

/// Returns the error of an insertion that violates a constraint although it was checked before.
fn taken_since_the_check() -> rusqlite::Error {
    rusqlite::Error::StatementChangedRows(0)
}

//! A complete [`Store`](crate::Store) from a few operations on rows.
//!
//! A [`Store`](crate::Store) has ninety methods, and most are transactions with rules that must not
//! be broken. [`RowStore`] implements all of them. It only needs [`Transactions`], which runs a
//! function in a transaction, and [`Rows`], which reads and writes rows in it. The rules stay in
//! this crate, and are the same as those of `SqliteStore`.
//!
//! The example `memory_store` of this crate is such a store. Whatever your database is, run the
//! [conformance tests](crate::conformance) on it.
//!
//! ```
//! # use user_store::{StoreError, async_trait};
//! use std::sync::Arc;
//! use user_store::rows::{RowStore, Rows, Transactions, Work};
//!
//! struct MyDatabase;
//!
//! #[async_trait]
//! impl Transactions for MyDatabase {
//!     async fn read(&self, work: Work) -> Result<(), StoreError> {
//!         // Begin a read-only transaction, and call `work(&mut rows)`.
//! #       drop(work);
//! #       Ok(())
//!     }
//!
//!     async fn write(&self, work: Work) -> Result<(), StoreError> {
//!         // Begin a transaction, call `work(&mut rows)`, and commit if it returns `Ok`.
//! #       drop(work);
//! #       Ok(())
//!     }
//! }
//!
//! let store: Arc<dyn user_store::Store> = Arc::new(RowStore::new(MyDatabase));
//! ```

mod database;
mod document;
mod row;
mod statements;
mod store;
mod traits;
#[path = "transactions/mod.rs"]
mod transactions;

pub use document::Document;
pub use row::{
    Account, AccountTotp, Decoys, PendingTotp, StoredCode, StoredFollower, StoredMail,
    StoredRecoveryCodes, StoredSession,
};
pub use store::RowStore;
pub use traits::{InsertOutcome, Rows, Transactions, Work};

use store::RowStore as BackendStore;

use crate::error::StoreError;

/// The connection of a transaction.
type Tx<'a> = &'a mut dyn Rows;

type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Returns the error of an insertion that violates a constraint although it was checked before.
fn taken_since_the_check() -> StoreError {
    StoreError::Defect("a transaction has seen the changes of another one".into())
}

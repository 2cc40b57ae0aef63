//! The transactions of [`SqliteStore`](crate::SqliteStore) and
//! [`RowStore`](crate::rows::RowStore): they read rows, call a rule, and write what it decides.
//!
//! Both backends contain this module, each with its own connection ([`Tx`]) and `statements`. A
//! transaction is written once, and the conformance tests run it on both.

mod attempts;
mod audit;
mod codes;
mod decoys;
mod factors;
mod followers;
mod keys;
mod mails;
mod metadata;
mod sessions;
mod user_data;
mod users;

use super::{BackendStore, Result, Tx, statements, taken_since_the_check};

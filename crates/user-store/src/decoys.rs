//! Decoys, which stand in for accounts that do not exist.

use async_trait::async_trait;
use auth_core::{DecoyKey, Timestamp};

use crate::error::StoreError;

/// Stores the decoys: for each [`DecoyPosition`](auth_core::DecoyPosition), a hash with the
/// parameters of imported hashes, or none.
///
/// A sign-in with an unknown email address takes as long as a verification against the decoy at the
/// position of that address. The share of each decoy follows that of the accounts with such hashes.
///
/// # Rules
///
/// - The key that assigns positions never changes, so an email address keeps its position.
/// - An import changes the decoys immediately, in its own transaction. A recount changes them at
///   most once a day. Nothing else changes them, not even a sign-up.
/// - A change moves no more positions than its shares require.
/// - A recount only removes decoys, unless it is the first one. Likewise, an account loses its
///   imported hash when its user first signs in.
/// - New accounts lower the share of the imported hashes at most by half, no matter how many there
///   are. Otherwise, an attacker who signs up often could make every unknown email address fast.
/// - At least a quarter of the positions have no decoy. Otherwise, soon after an import, every fast
///   sign-in would reveal an account.
/// - A decoy contains nothing of an account: its salt and its output are zeros.
#[doc = include_str!("signatures/DecoyStore.md")]
#[async_trait]
pub trait DecoyStore: Send + Sync + 'static {
    /// Returns the key that assigns positions to email addresses. Stores `candidate` if there is no
    /// key yet. Servers that start at the same time on a new store get the same key.
    async fn ensure_decoy_key(&self, candidate: &DecoyKey) -> Result<DecoyKey, StoreError>;

    /// Counts the imported hashes that are still in use, and adapts the decoys. Reads all accounts,
    /// unless the last count was less than a day before `now`.
    async fn recount_decoys(&self, now: Timestamp) -> Result<RecountOutcome, StoreError>;

    /// Returns the memory that verifying the most expensive imported hash takes, in bytes, as of
    /// the last import or count. Zero if no hash is memory-hard.
    async fn max_hash_memory(&self) -> Result<u64, StoreError>;
}

/// The outcome of [`DecoyStore::recount_decoys`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum RecountOutcome {
    /// The hashes were counted, and the decoys are up to date.
    Recounted,
    /// The last count was less than a day ago. Nothing was written.
    NotDue,
    /// An import or another server changed the decoys during the count. Nothing was written.
    Changed,
}

/// The number of accounts whose imported hashes have the same template.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HashClass {
    /// The accounts at the last import or count.
    pub accounts: u32,
    /// The maximum of `accounts` so far.
    pub max_accounts: u32,
}

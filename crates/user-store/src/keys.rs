//! Signing keys.

use async_trait::async_trait;
use auth_core::{SigningKey, SigningKeySeed, Timestamp};

use crate::error::StoreError;

/// Stores the keys that sign access tokens.
///
/// # Rules
///
/// - The key that was added last signs. The others verify until they are retired.
/// - The key that signs cannot be retired.
/// - Servers that start together on a new store get the same first key.
/// - The set of keys has a version, which changes with every key that is added or retired. It is
///   returned with each session, so that a server sees at the next request that its keys are out of
///   date.
#[async_trait]
pub trait KeyStore: Send + Sync + 'static {
    /// Returns the signing keys, the newest first.
    async fn signing_keys(&self) -> Result<SigningKeySet, StoreError>;

    /// Makes `candidate` the first signing key if there is none.
    async fn ensure_signing_key(
        &self,
        candidate: &SigningKeySeed,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Adds a key on behalf of an operator. It signs from now on; the others continue to verify.
    async fn add_signing_key(&self, key: &SigningKey, now: Timestamp) -> Result<(), StoreError>;

    /// Deletes a key on behalf of an operator, unless it is the one that signs.
    async fn retire_signing_key(
        &self,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<RetireKeyOutcome, StoreError>;
}

/// The signing keys at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeySet {
    /// The version of the set.
    pub version: KeySetVersion,
    /// The keys, the newest first: that one signs, and all of them verify.
    pub keys: Vec<StoredSigningKey>,
}

/// Identifies the set of signing keys at one moment. Two versions can only be compared for
/// equality, and only within one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeySetVersion(i64);

impl KeySetVersion {
    /// Builds a version from the number that a store keeps for it.
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }
}

/// A signing key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSigningKey {
    /// The secret half of the key.
    pub seed: SigningKeySeed,
    /// When the key was generated.
    pub created_at: Timestamp,
}

/// The outcome of [`KeyStore::retire_signing_key`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum RetireKeyOutcome {
    /// The key was deleted.
    Retired,
    /// The key is the one that signs. Nothing was written.
    InUse,
    /// The store has no such key.
    NotFound,
}

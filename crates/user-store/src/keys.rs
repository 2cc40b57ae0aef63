//! Signing keys.

use async_trait::async_trait;
use auth_core::{SigningKey, SigningKeySeed, Timestamp, signing_position};

use crate::error::StoreError;

/// Stores the keys that sign access tokens.
///
/// # Rules
///
/// - Every key verifies tokens from the time when it is added until it is retired.
/// - The newest key whose `signs_from` has passed signs ([`SigningKeySet::signing_position`]).
///   Newer keys are only published, and older ones have been replaced.
/// - The first key signs at once.
/// - If the key that signs is retired, the next newer key signs at once. Without a newer key, it
///   cannot be retired.
/// - Servers that start at the same time on a new store get the same first key.
/// - The set of keys has a version, which changes whenever a key is added or retired. It is
///   returned with each session, so that a server detects outdated keys at the next request.
#[doc = include_str!("signatures/KeyStore.md")]
#[async_trait]
pub trait KeyStore: Send + Sync + 'static {
    /// Returns the signing keys, newest first.
    async fn signing_keys(&self) -> Result<SigningKeySet, StoreError>;

    /// Adds `candidate` as the first signing key if the store has no key.
    async fn ensure_signing_key(
        &self,
        candidate: &SigningKeySeed,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Adds a key on behalf of an operator. It is published at once and signs from `signs_from` on.
    async fn add_signing_key(
        &self,
        key: &SigningKey,
        signs_from: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Deletes a key on behalf of an operator, unless it is the key that signs and there is no
    /// newer one.
    async fn retire_signing_key(
        &self,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<RetireKeyOutcome, StoreError>;
}

/// The signing keys, all read at the same time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeySet {
    /// The version of the set.
    pub version: KeySetVersion,
    /// The keys, newest first.
    pub keys: Vec<StoredSigningKey>,
}

impl SigningKeySet {
    /// Returns the position of the key that signs at `now`; see [`signing_position`].
    #[must_use]
    pub fn signing_position(&self, now: Timestamp) -> Option<usize> {
        signing_position(self.keys.iter().map(|key| key.signs_from), now)
    }
}

/// The version of the set of signing keys. Versions can only be compared for equality, and only
/// within one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeySetVersion(i64);

impl KeySetVersion {
    /// Builds a version from the number that the store assigned to it.
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// Returns the number, for a store that keeps the version itself.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// Returns the version after a change.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// A stored signing key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSigningKey {
    /// The secret seed of the key.
    pub seed: SigningKeySeed,
    /// When the key was generated and published.
    pub created_at: Timestamp,
    /// The time from which the key signs. It may be before `created_at`: such a key also signs
    /// after the clock is set back.
    pub signs_from: Timestamp,
}

impl StoredSigningKey {
    /// Returns when the key signed for the first time, or will do so.
    #[must_use]
    pub fn first_signs_at(&self) -> Timestamp {
        self.signs_from.max(self.created_at)
    }
}

/// The outcome of [`KeyStore::retire_signing_key`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum RetireKeyOutcome {
    /// The key was deleted. Another key signs, as before.
    Retired,
    /// The key, which signed new tokens, was deleted. This published key signs them from now on.
    RetiredAndActivated(SigningKeySeed),
    /// The key is the one that signs, and there is no newer one. It was not deleted.
    InUse,
    /// The key is not in the store.
    NotFound,
}

use std::sync::Arc;

use auth_core::{KeyError, SigningKey, Timestamp};
use user_store::{RetireKeyOutcome, StoreError, StoredSigningKey};

use crate::operator::Operator;

/// A signing key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyRecord {
    /// The id of the key in tokens and in the key set.
    pub kid: String,
    /// When the key was generated.
    pub created_at: Timestamp,
    /// `true` if new tokens are signed with this key. All keys verify tokens.
    pub signs: bool,
}

/// An error from an operator command about signing keys.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// There is no key with this id.
    #[error("there is no such key")]
    NoSuchKey,
    /// The key signs new tokens and cannot be retired.
    #[error("the key signs new tokens; rotate the keys first")]
    Signs,
    /// A stored key cannot be used.
    #[error("a stored signing key cannot be used; restore a backup")]
    Key(#[from] KeyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Operator<'_> {
    /// Adds a new key, which signs all new tokens on every server from now on. Tokens signed with
    /// older keys remain valid until they expire.
    ///
    /// # Errors
    ///
    /// [`SigningKeyError::Store`] if the store fails.
    pub async fn rotate_keys(&self) -> Result<SigningKeyRecord, SigningKeyError> {
        let key = SigningKey::generate(&*self.accounts.random);
        let (store, now) = (Arc::clone(&self.accounts.store), self.accounts.clock.now());
        let rotate = async move {
            store.add_signing_key(&key, now).await?;
            let kid = key.kid().to_owned();
            tracing::info!(kid, "a new signing key was added by an operator");
            Ok(SigningKeyRecord { kid, created_at: now, signs: true })
        };
        self.accounts.tasks.run_to_completion(rotate).await
    }

    /// Returns all keys, newest first.
    ///
    /// # Errors
    ///
    /// [`SigningKeyError::Store`] or [`SigningKeyError::Key`].
    pub async fn keys(&self) -> Result<Vec<SigningKeyRecord>, SigningKeyError> {
        let stored = self.accounts.store.signing_keys().await?;
        let mut records = Vec::new();
        for StoredSigningKey { seed, created_at } in stored.keys {
            let kid = SigningKey::from_seed(seed)?.kid().to_owned();
            records.push(SigningKeyRecord { kid, created_at, signs: records.is_empty() });
        }
        Ok(records)
    }

    /// Retires a key that does not sign new tokens. Every server immediately rejects tokens that
    /// were signed with it.
    ///
    /// # Errors
    ///
    /// [`SigningKeyError`].
    pub async fn retire_key(&self, kid: &str) -> Result<(), SigningKeyError> {
        let key = self.signing_key(kid).await?;
        let (store, now) = (Arc::clone(&self.accounts.store), self.accounts.clock.now());
        let erase_requests = self.accounts.erase_requests.clone();
        let retire = async move {
            match store.retire_signing_key(&key, now).await? {
                RetireKeyOutcome::Retired => {
                    erase_requests.request();
                    tracing::info!(kid = key.kid(), "a signing key was retired by an operator");
                    Ok(())
                }
                RetireKeyOutcome::InUse => Err(SigningKeyError::Signs),
                RetireKeyOutcome::NotFound => Err(SigningKeyError::NoSuchKey),
            }
        };
        self.accounts.tasks.run_to_completion(retire).await
    }

    async fn signing_key(&self, kid: &str) -> Result<SigningKey, SigningKeyError> {
        for stored in self.accounts.store.signing_keys().await?.keys {
            let key = SigningKey::from_seed(stored.seed)?;
            if key.kid() == kid {
                return Ok(key);
            }
        }
        Err(SigningKeyError::NoSuchKey)
    }
}

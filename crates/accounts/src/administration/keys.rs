use auth_core::{KeyError, SigningKey, Timestamp};
use user_store::{RetireKeyOutcome, StoreError, StoredSigningKey};

use crate::Operator;

/// A key of the service, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyRecord {
    /// Its name in tokens and in the key set.
    pub kid: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Whether new tokens are signed with it. All keys verify.
    pub signs: bool,
}

/// Why an operator's wish about the signing keys was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// There is no key of this name.
    #[error("there is no such key")]
    NoSuchKey,
    /// The key is the one that signs, and goes on signing.
    #[error("the key signs new tokens")]
    Signs,
    /// A stored key cannot be used.
    #[error("a stored signing key cannot be used: {0}")]
    Key(#[from] KeyError),
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Operator<'_> {
    /// Makes a new key, which signs all tokens from now on, on every server on this store.
    /// Tokens that older keys have signed are good until they expire.
    ///
    /// # Errors
    ///
    /// [`SigningKeyError::Store`] if the store does not answer.
    pub async fn rotate_keys(&self) -> Result<SigningKeyRecord, SigningKeyError> {
        let (key, now) = (SigningKey::generate(&*self.accounts.random), self.accounts.clock.now());
        let made = SigningKeyRecord { kid: key.kid().to_owned(), created_at: now, signs: true };
        self.accounts
            .change(|store| async move {
                store.add_signing_key(&key, now).await?;
                tracing::info!(kid = made.kid, "a new signing key was made by an operator");
                Ok(made)
            })
            .await
    }

    /// All keys, the newest first.
    ///
    /// # Errors
    ///
    /// [`SigningKeyError::Store`] or [`SigningKeyError::Key`].
    pub async fn keys(&self) -> Result<Vec<SigningKeyRecord>, SigningKeyError> {
        let stored = self.accounts.store.signing_keys().await?;
        let records = stored.into_iter().enumerate().map(|(n, stored)| {
            let StoredSigningKey { seed, created_at } = stored;
            let kid = SigningKey::from_seed(seed)?.kid().to_owned();
            Ok(SigningKeyRecord { kid, created_at, signs: n == 0 })
        });
        records.collect()
    }

    /// Takes back a key that does not sign. Its tokens are refused by every server that has
    /// [read its keys](crate::Accounts::reload_keys) since.
    ///
    /// # Errors
    ///
    /// [`SigningKeyError`] says why not.
    pub async fn retire_key(&self, kid: &str) -> Result<(), SigningKeyError> {
        let (key, now) = (self.key(kid).await?, self.accounts.clock.now());
        self.accounts
            .change(|store| async move {
                match store.retire_signing_key(&key, now).await? {
                    RetireKeyOutcome::Retired => {}
                    RetireKeyOutcome::Signs => return Err(SigningKeyError::Signs),
                    RetireKeyOutcome::Unknown => return Err(SigningKeyError::NoSuchKey),
                }
                tracing::info!(kid = key.kid(), "a signing key was retired by an operator");
                Ok(())
            })
            .await
    }

    async fn key(&self, kid: &str) -> Result<SigningKey, SigningKeyError> {
        for stored in self.accounts.store.signing_keys().await? {
            let key = SigningKey::from_seed(stored.seed)?;
            if key.kid() == kid {
                return Ok(key);
            }
        }
        Err(SigningKeyError::NoSuchKey)
    }
}

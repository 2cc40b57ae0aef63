use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{JwkSet, KeyError, SigningKey, SigningKeySeed, Timestamp};
use user_store::{RetireKeyOutcome, StoreError, StoredSigningKey};

use crate::operator::Operator;

/// A signing key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyRecord {
    /// The id of the key in tokens and in the key set.
    pub kid: String,
    /// When the key was generated and published.
    pub created_at: Timestamp,
    /// The state of the key.
    pub state: SigningKeyState,
}

/// The state of a signing key. In every state, the key is published and verifies tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SigningKeyState {
    /// The key does not sign yet.
    Published {
        /// The time from which the key signs.
        signs_from: Timestamp,
    },
    /// The key signs new tokens.
    Signing {
        /// The time from which the key signs.
        since: Timestamp,
    },
    /// A newer key signs instead.
    Replaced {
        /// When a newer key began to sign.
        since: Timestamp,
    },
}

/// When a new signing key begins to sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyActivation {
    /// After [`PUBLICATION_TIME`](Self::PUBLICATION_TIME), when every verifier knows the key.
    AfterPublication,
    /// At once, for emergencies. Until the copies of the key set in caches have expired, other
    /// services may reject new tokens.
    Immediate,
}

/// An error from an operator command about signing keys.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// There is no key with this id.
    #[error("there is no such key")]
    NoSuchKey,
    /// The key signs new tokens, and there is no newer key to replace it.
    #[error("the key signs new tokens and no newer key can replace it; rotate the keys first")]
    Signs,
    /// A stored key cannot be used.
    #[error("a stored signing key cannot be used; restore a backup")]
    Key(#[from] KeyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl KeyActivation {
    /// How long a key is published before it signs: 11 minutes.
    ///
    /// A shared cache may pass on a copy of the key set that is almost [`JwkSet::MAX_AGE`] old, and
    /// a verifier may use that copy for the same time again. One more minute allows for differences
    /// between clocks and for slow requests.
    pub const PUBLICATION_TIME: Duration = Duration::from_secs(2 * JwkSet::MAX_AGE.as_secs() + 60);

    /// Returns the `signs_from` of a key that is added at `now`.
    ///
    /// A key that is activated immediately signs whatever the clock says. If the clock is ahead and
    /// is then set back, the key still replaces the older ones.
    fn signs_from(self, now: Timestamp) -> Timestamp {
        match self {
            Self::AfterPublication => {
                now.saturating_add(Self::PUBLICATION_TIME).unwrap_or(Timestamp::MAX)
            }
            Self::Immediate => Timestamp::UNIX_EPOCH,
        }
    }
}

impl Operator<'_> {
    /// Adds a new key. Every server publishes it immediately, and signs all new tokens with it from
    /// its activation on. Tokens signed with older keys remain valid until they expire.
    ///
    /// # Errors
    ///
    /// [`SigningKeyError::Store`] if the store fails.
    pub async fn rotate_keys(
        &self,
        activation: KeyActivation,
    ) -> Result<SigningKeyRecord, SigningKeyError> {
        let key = SigningKey::generate(&*self.accounts.random);
        let (store, now) = (Arc::clone(&self.accounts.store), self.accounts.clock.now());
        let signs_from = activation.signs_from(now);
        let rotate = async move {
            store.add_signing_key(&key, signs_from, now).await?;
            let kid = key.kid().to_owned();
            let signs_from = signs_from.max(now);
            tracing::info!(kid, %signs_from, "a new signing key was added by an operator");
            let state = match activation {
                KeyActivation::AfterPublication => SigningKeyState::Published { signs_from },
                KeyActivation::Immediate => SigningKeyState::Signing { since: now },
            };
            Ok(SigningKeyRecord { kid, created_at: now, state })
        };
        self.accounts.tasks.run_to_completion(rotate).await
    }

    /// Returns all keys, newest first. Retired keys are deleted, and only the audit log mentions
    /// them.
    ///
    /// # Errors
    ///
    /// [`SigningKeyError::Store`] or [`SigningKeyError::Key`].
    pub async fn keys(&self) -> Result<Vec<SigningKeyRecord>, SigningKeyError> {
        let set = self.accounts.store.signing_keys().await?;
        let signing = set.signing_position(self.accounts.clock.now());
        let mut records = Vec::new();
        let mut newer_signs_from = Timestamp::MAX;
        for (position, key) in set.keys.into_iter().enumerate() {
            let signs_from = key.first_signs_at();
            let StoredSigningKey { seed, created_at, .. } = key;
            let state = match signing.map(|signing| position.cmp(&signing)) {
                Some(Ordering::Equal) => SigningKeyState::Signing { since: signs_from },
                Some(Ordering::Greater) => SigningKeyState::Replaced { since: newer_signs_from },
                Some(Ordering::Less) | None => SigningKeyState::Published { signs_from },
            };
            records.push(SigningKeyRecord { kid: kid_of(seed)?, created_at, state });
            newer_signs_from = newer_signs_from.min(signs_from);
        }
        Ok(records)
    }

    /// Retires a key. Every server immediately rejects tokens that were signed with it.
    ///
    /// If the key signs new tokens, the next newer key is activated: it signs from now on, even if
    /// its publication time has not passed. Its id is returned.
    ///
    /// # Errors
    ///
    /// [`SigningKeyError`].
    pub async fn retire_key(&self, kid: &str) -> Result<Option<String>, SigningKeyError> {
        let key = self.signing_key(kid).await?;
        let (store, now) = (Arc::clone(&self.accounts.store), self.accounts.clock.now());
        let erase_requests = self.accounts.erase_requests.clone();
        let retire = async move {
            let activated = match store.retire_signing_key(&key, now).await? {
                RetireKeyOutcome::Retired => None,
                RetireKeyOutcome::RetiredAndActivated(seed) => Some(kid_of(seed)?),
                RetireKeyOutcome::InUse => return Err(SigningKeyError::Signs),
                RetireKeyOutcome::NotFound => return Err(SigningKeyError::NoSuchKey),
            };
            erase_requests.notify();
            tracing::info!(
                kid = key.kid(),
                activated = activated.as_deref(),
                "a signing key was retired by an operator"
            );
            Ok(activated)
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

fn kid_of(seed: SigningKeySeed) -> Result<String, KeyError> {
    Ok(SigningKey::from_seed(seed)?.kid().to_owned())
}

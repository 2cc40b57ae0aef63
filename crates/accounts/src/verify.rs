use auth_core::{Email, Password, UserId, Verification};
use user_store::{Credentials, PasswordVersion, StoreError};

use crate::{Accounts, HashingError};

/// A password that was compared with the hash in force.
pub(crate) struct Verified {
    pub(crate) user: UserId,
    pub(crate) password: PasswordVersion,
    /// Whether its hash is weaker than it would be today.
    pub(crate) outdated: bool,
}

/// Why a password could not be compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VerifyError {
    #[error(transparent)]
    Hashing(#[from] HashingError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Accounts {
    /// Compares the password; `None` if it is not right. Without an account, or with one
    /// that is disabled, it is hashed all the same.
    pub(crate) async fn verify(
        &self,
        email: Option<&Email>,
        password: &Password,
    ) -> Result<Option<Verified>, VerifyError> {
        let credentials = match email {
            Some(email) => self.store.credentials(email.key()).await?,
            None => None,
        };
        let password = password.clone();
        let (found, hash) = match credentials {
            Some(Credentials { user_id, password_hash, password_version }) => {
                (Some((user_id, password_version)), Some(password_hash))
            }
            None => (None, None),
        };
        let verification =
            self.hashing.run(move |hasher| hasher.verify(&password, hash.as_ref())).await?;
        let Some((user, version)) = found else {
            tracing::info!("a password was given for no account, or for a disabled one");
            return Ok(None);
        };
        if verification == Verification::Mismatch {
            tracing::info!(%user, "a wrong password was given");
            return Ok(None);
        }
        let outdated = verification == Verification::MatchOutdated;
        Ok(Some(Verified { user, password: version, outdated }))
    }
}

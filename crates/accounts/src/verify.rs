use auth_core::{Email, Password, PasswordHash, UserId, Verification};
use user_store::{Credentials, StoreError};

use crate::{Accounts, HashingError};

/// A password that was compared with the hash in force.
pub(crate) struct Verified {
    pub(crate) user: UserId,
    pub(crate) hash: PasswordHash,
    /// Whether the hash is weaker than today's, so that a log-in may renew it at any moment.
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

/// How often something that a password was given for starts over because the hash it was
/// compared with has changed. Of log-ins that race to renew a hash one wins, and the others
/// succeed the second time.
pub(crate) const ATTEMPTS: usize = 3;

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
        let stored = credentials.as_ref().map(|credentials| credentials.password_hash.clone());
        let verification =
            self.hashing.run(move |hasher| hasher.verify(&password, stored.as_ref())).await?;
        let Some(Credentials { user_id: user, password_hash: hash }) = credentials else {
            tracing::info!("a password was given for no account, or for a disabled one");
            return Ok(None);
        };
        if verification == Verification::Mismatch {
            tracing::info!(%user, "a wrong password was given");
            return Ok(None);
        }
        Ok(Some(Verified { user, hash, outdated: verification == Verification::MatchOutdated }))
    }
}

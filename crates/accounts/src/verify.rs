use std::sync::Arc;

use auth_core::{Email, Password, PasswordHash, UserId, Verification};
use user_store::StoreError;

use crate::{Accounts, HashingError};

/// A password that was compared with the hash in force.
pub(crate) struct Verified {
    pub(crate) user: UserId,
    pub(crate) hash: PasswordHash,
    /// The same password under today's parameters, if the stored hash is weaker.
    pub(crate) renewed: Option<PasswordHash>,
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
        let (password, random) = (password.clone(), Arc::clone(&self.random));
        let stored = credentials.as_ref().map(|credentials| credentials.password_hash.clone());
        let (verification, renewed) = self
            .hashing
            .run(move |hasher| match hasher.verify(&password, stored.as_ref()) {
                outdated @ Verification::MatchOutdated => {
                    (outdated, Some(hasher.rehash(&password, &*random)))
                }
                other => (other, None),
            })
            .await?;
        match (credentials, verification) {
            (Some(credentials), Verification::Match | Verification::MatchOutdated) => {
                let (user, hash) = (credentials.user_id, credentials.password_hash);
                Ok(Some(Verified { user, hash, renewed }))
            }
            (credentials, _) => {
                let user = credentials.map(|credentials| credentials.user_id.to_string());
                tracing::info!(user, "a wrong password was given");
                Ok(None)
            }
        }
    }
}

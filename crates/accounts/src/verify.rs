use std::time::Duration;

use auth_core::{Email, Password, PasswordHasher, UserId, Verification};
use user_store::{Credentials, Event, PasswordVersion, StoreError};

use crate::throttle::AttemptError;
use crate::{Accounts, Caller, HashingError};

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
    #[error("too many attempts have failed")]
    TooManyAttempts { retry_after: Duration },
    #[error(transparent)]
    Hashing(#[from] HashingError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Accounts {
    /// Compares the password, if not too many have been wrong; `None` if it is not right.
    /// Without an account, or with one that is disabled, it is hashed all the same. `failure`
    /// is what tells of it if it is wrong.
    pub(crate) async fn verify(
        &self,
        email: &str,
        password: &Password,
        caller: &Caller,
        failure: Event,
    ) -> Result<Option<Verified>, VerifyError> {
        let credentials = match Email::parse(email) {
            Ok(email) => self.store.credentials(email.key()).await?,
            Err(_) => None,
        };
        let user = credentials.as_ref().map(|credentials| credentials.user_id);
        let attempt = self.attempt(self.throttle.log_in(email, user, caller)).await?;
        let (password, hashes) = (password.clone(), attempt.hashes());
        let (found, hash) = match credentials {
            Some(Credentials { user_id, password_hash, password_version }) => {
                (Some((user_id, password_version)), Some(password_hash))
            }
            None => (None, None),
        };
        let work = move |hasher: &PasswordHasher| {
            hashes();
            hasher.verify(&password, hash.as_ref())
        };
        let verification = match self.hashing.run(work).await {
            Ok(verification) => verification,
            Err(error) => {
                attempt.give_back().await;
                return Err(error.into());
            }
        };
        let Some((user, version)) = found else {
            tracing::info!("a password was given for no account, or for a disabled one");
            attempt.fail(failure).await;
            return Ok(None);
        };
        if verification == Verification::Mismatch {
            tracing::info!(%user, "a wrong password was given");
            attempt.fail(failure.about(user)).await;
            return Ok(None);
        }
        attempt.succeed().await;
        let outdated = verification == Verification::MatchOutdated;
        Ok(Some(Verified { user, password: version, outdated }))
    }
}

impl From<AttemptError> for VerifyError {
    fn from(error: AttemptError) -> Self {
        match error {
            AttemptError::TooMany { retry_after } => Self::TooManyAttempts { retry_after },
            AttemptError::Hashing(error) => error.into(),
            AttemptError::Store(error) => error.into(),
        }
    }
}

use std::time::Duration;

use auth_core::{Email, HashJob, Password, UserId, Verification};
use tokio::time::Instant;
use user_store::{Challenge, Event, PasswordVersion, StoreError};

use crate::hashing::QUEUE_TIMEOUT;
use crate::throttle::{Attempt, AttemptError, Outcome, Throttle};
use crate::{Accounts, Caller, HashingError};

/// A password that is the one in force, or was when it was looked at.
pub(crate) struct Verified {
    pub(crate) user: UserId,
    pub(crate) password: PasswordVersion,
    /// Whether its hash is weaker than it would be today.
    pub(crate) outdated: bool,
    /// Whether it comes from a browser that has signed in before.
    pub(crate) is_known_browser: bool,
    /// To be settled when what the password was given for is done, or is not.
    pub(crate) attempt: Attempt,
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
    /// Without an account, or with one that is disabled, it is compared with somebody else's all the
    /// same ([`Challenge::Decoy`]), and whatever comes of it is a failure. `failure`
    /// is what tells of it if it is wrong.
    pub(crate) async fn verify(
        &self,
        email: &str,
        password: &Password,
        caller: &Caller,
        failure: Event,
    ) -> Result<Option<Verified>, VerifyError> {
        let challenge = match Email::parse(email) {
            Ok(email) => {
                let place = self.keys.decoy_position(email.key());
                self.store.credentials(email.key(), &place).await?
            }
            Err(_) => Challenge::Decoy(None),
        };
        let credentials = match &challenge {
            Challenge::Account(credentials) => Some(credentials),
            Challenge::Decoy(_) => None,
        };
        let known = credentials.and_then(|found| self.known_browser(found, caller));
        let user = credentials.map(|found| found.user_id);
        let failure = Event { user, ..failure };
        let (until, counts) =
            (Instant::now() + QUEUE_TIMEOUT, Throttle::log_in(email, known, caller));
        let attempt = self.attempt(counts, Some(failure), caller, until).await?;
        let is_known_browser = known.is_some();
        let found = credentials.map(|found| (found.user_id, found.password_version));
        let job = match challenge {
            Challenge::Account(found) => {
                HashJob::verification(password.clone(), Some(found.password_hash))
            }
            Challenge::Decoy(hash) => HashJob::decoy(password.clone(), hash),
        };
        // Who goes away while it waits gives up its place, and has made no attempt. Once the
        // comparison has begun, what comes out is kept, whoever still waits for it.
        let (_place, answer) = self.hashing.queue(job, until)?;
        let compare = async move {
            let outdated = match (found, answer.verification().await?) {
                (Some(_), Verification::Match) => false,
                (Some(_), Verification::MatchOutdated) => true,
                (found, _) => {
                    let user = found.map(|(user, _)| tracing::field::display(user));
                    tracing::info!(user, "a wrong password was given, or one for no account");
                    attempt.settle(Outcome::Failed).await;
                    return Ok(None);
                }
            };
            Ok(found.map(|(user, password)| Verified {
                user,
                password,
                outdated,
                is_known_browser,
                attempt,
            }))
        };
        self.changes.complete(compare).await
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

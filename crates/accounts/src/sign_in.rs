use std::sync::Arc;

use auth_core::{
    Email, IssuedToken, KeyError, Password, PasswordHash, Session, UserId, Verification,
};
use user_store::{OpenSession, StoreError};

use crate::{Accounts, HashingError};

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No account has this address and this password. Which of the two is wrong is not
    /// said, here or by the time it takes (OWASP ASVS 5.0, 6.3.8).
    #[error("no account has this e-mail and this password")]
    InvalidCredentials,
    /// The password could not be compared.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The token could not be signed.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// A password that was compared with the hash in force.
struct Verified {
    user: UserId,
    hash: PasswordHash,
    /// The same password under today's parameters, if the stored hash is weaker.
    renewed: Option<PasswordHash>,
}

/// How often a log-in starts over because the hash it was checked against has changed. Of
/// log-ins that race to renew a hash one wins, and the others succeed the second time.
const ATTEMPTS: usize = 3;

impl Accounts {
    /// Opens a session for whoever knows an account's password, and issues its first
    /// access token. Any text is taken for either: what no account can have is no account's.
    ///
    /// # Errors
    ///
    /// [`SignInError`] says why not.
    pub async fn sign_in(&self, email: &str, password: &str) -> Result<IssuedToken, SignInError> {
        let email = Email::parse(email).ok();
        let password = Password::new(password);
        for _ in 0..ATTEMPTS {
            let verified = self.verify(email.as_ref(), &password).await?;
            if let Some(session) = self.open_session(&verified).await? {
                tracing::info!(user = %session.user_id, session = %session.id, "signed in");
                return Ok(self.issue(&session)?);
            }
        }
        Err(SignInError::InvalidCredentials)
    }

    /// Compares the password. Without an account it is hashed all the same.
    async fn verify(
        &self,
        email: Option<&Email>,
        password: &Password,
    ) -> Result<Verified, SignInError> {
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
                Ok(Verified { user: credentials.user_id, hash: credentials.password_hash, renewed })
            }
            (credentials, _) => {
                let user = credentials.map(|credentials| credentials.user_id.to_string());
                tracing::info!(user, "a log-in was refused");
                Err(SignInError::InvalidCredentials)
            }
        }
    }

    /// Answers `None` if the hash is no longer the one in force.
    async fn open_session(&self, verified: &Verified) -> Result<Option<Session>, StoreError> {
        let lifetime = self.settings.session_lifetime;
        let session = Session::open(verified.user, self.clock.now(), lifetime, &*self.random);
        let opened =
            self.store.open_session(&session, &verified.hash, verified.renewed.as_ref()).await?;
        Ok((opened == OpenSession::Opened).then_some(session))
    }

    fn issue(&self, session: &Session) -> Result<IssuedToken, KeyError> {
        let now = self.clock.now();
        self.tokens.issue(session.user_id, session.id, now, session.expires_at, &*self.random)
    }
}

use auth_core::{Client, Email, KeyError, Password, RefreshToken, Session};
use user_store::{NewSession, OpenSession, StoreError};

use crate::verify::{ATTEMPTS, Verified, VerifyError};
use crate::{Accounts, HashingError, IssuedTokens};

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No account that is not disabled has this address and this password. What of this is
    /// wrong is not said, here or by the time it takes (OWASP ASVS 5.0, 6.3.8).
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

impl Accounts {
    /// Opens a session for whoever knows an account's password, and issues its first
    /// tokens. Any text is taken for either: what no account can have is no account's.
    ///
    /// With `remember`, the session is one of those that outlive the browser
    /// ([`SessionPolicy::remembered`](auth_core::SessionPolicy::remembered)).
    ///
    /// # Errors
    ///
    /// [`SignInError`] says why not.
    pub async fn sign_in(
        &self,
        email: &str,
        password: &str,
        remember: bool,
        client: &Client,
    ) -> Result<IssuedTokens, SignInError> {
        let email = Email::parse(email).ok();
        let password = Password::new(password);
        for _ in 0..ATTEMPTS {
            let verified = self.verify(email.as_ref(), &password).await?;
            let verified = verified.ok_or(SignInError::InvalidCredentials)?;
            if let Some((session, token)) = self.open_session(&verified, remember, client).await? {
                tracing::info!(user = %session.user_id, session = %session.id, "signed in");
                return Ok(self.issue(&session, token)?);
            }
        }
        Err(SignInError::InvalidCredentials)
    }

    /// Answers `None` if the hash is no longer the one in force.
    async fn open_session(
        &self,
        verified: &Verified,
        remember: bool,
        client: &Client,
    ) -> Result<Option<(Session, RefreshToken)>, StoreError> {
        let (now, policy) = (self.clock.now(), &self.settings.sessions);
        let session = Session::open(verified.user, now, remember, policy, &*self.random);
        let token = RefreshToken::generate(&*self.random);
        let new = NewSession::new(session, client.clone(), &token);
        let renewed = verified.renewed.as_ref();
        let opened = self.store.open_session(&new, &verified.hash, renewed).await?;
        Ok((opened == OpenSession::Opened).then_some((session, token)))
    }
}

impl From<VerifyError> for SignInError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Hashing(error) => error.into(),
            VerifyError::Store(error) => error.into(),
        }
    }
}

use std::sync::Arc;

use auth_core::{Client, Email, KeyError, Password, PasswordHash, RefreshToken, Session};
use user_store::{NewSession, OpenSession, StoreError};

use crate::to_the_end::to_the_end;
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
    /// ([`SessionPolicy::remembered`](auth_core::SessionPolicy::remembered)). The session takes
    /// the place of the one that `before` is of, if that is the same user's: a program that
    /// signs in once more has no two sessions (OWASP ASVS 5.0, 7.2.4).
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
        before: Option<&RefreshToken>,
    ) -> Result<IssuedTokens, SignInError> {
        let email = Email::parse(email).ok();
        let password = Password::new(password);
        for _ in 0..ATTEMPTS {
            let verified = self.verify(email.as_ref(), &password).await?;
            let verified = verified.ok_or(SignInError::InvalidCredentials)?;
            let renewed = match verified.outdated {
                true => Some(self.rehash(password.clone()).await?),
                false => None,
            };
            let (now, policy) = (self.clock.now(), &self.settings.sessions);
            let session = Session::open(verified.user, now, remember, policy, &*self.random);
            let token = RefreshToken::generate(&*self.random);
            let mut new = NewSession::new(session, client.clone(), &token);
            new.replaces = before.map(RefreshToken::family);
            if self.open_session(new, verified, renewed).await? == OpenSession::Opened {
                return Ok(self.issue(&session, token, now)?);
            }
        }
        Err(SignInError::InvalidCredentials)
    }

    async fn open_session(
        &self,
        new: NewSession,
        verified: Verified,
        renewed: Option<PasswordHash>,
    ) -> Result<OpenSession, StoreError> {
        let store = Arc::clone(&self.store);
        to_the_end(async move {
            let outcome = store.open_session(&new, &verified.hash, renewed.as_ref()).await?;
            if outcome == OpenSession::Opened {
                let Session { id, user_id, .. } = new.session;
                tracing::info!(user = %user_id, session = %id, "signed in");
            }
            Ok(outcome)
        })
        .await
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

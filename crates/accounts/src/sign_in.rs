use std::time::Duration;

use auth_core::{KeyError, Password, PasswordHash, RefreshToken, Session};
use user_store::{Event, EventKind, NewSession, OpenSessionOutcome, PasswordVersion, StoreError};

use crate::throttle::{Attempt, Outcome};
use crate::verify::{Verified, VerifyError};
use crate::{AccountEvent, Accounts, Caller, HashingError, IssuedTokens};

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// No account that is not disabled has this address and this password. What of this is
    /// wrong is not said, here or by the time it takes (OWASP ASVS 5.0, 6.3.8).
    #[error("no account has this e-mail and this password")]
    InvalidCredentials,
    /// Too many attempts have failed. Whether this one would have is not said.
    #[error("too many attempts have failed")]
    TooManyAttempts {
        /// When the next one is taken.
        retry_after: Duration,
    },
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
    /// the place of the one that `before` is of, if that is the same user's (OWASP ASVS 5.0,
    /// 7.2.4); without it, that of none.
    ///
    /// # Errors
    ///
    /// [`SignInError`] says why not.
    pub async fn sign_in(
        &self,
        email: &str,
        password: &str,
        remember: bool,
        caller: &Caller,
        before: Option<&RefreshToken>,
    ) -> Result<IssuedTokens, SignInError> {
        let password = Password::new(password);
        let client = caller.client.clone();
        let failure = Event::by_user(EventKind::SignInFailed, self.clock.now(), client);
        let verified = self.verify(email, &password, caller, failure).await?;
        let Verified { user, password: version, outdated, attempt, .. } =
            verified.ok_or(SignInError::InvalidCredentials)?;
        let renewed = match outdated {
            true => self.rehash_if_there_is_time(password).await?,
            false => None,
        };
        let (now, policy) = (self.clock.now(), &self.settings.sessions);
        let session = Session::open(user, now, remember, policy, &*self.random);
        let token = RefreshToken::generate(&*self.random);
        let mut new = NewSession::new(session, caller.client.clone(), &token);
        new.replaces = before.map(RefreshToken::family);
        self.open_session(new, version, renewed, attempt).await?;
        let issued = self.issue(&session, token, now).await?;
        Ok(IssuedTokens { device: self.device_token(user, version, caller), ..issued })
    }

    async fn open_session(
        &self,
        new: NewSession,
        verified: PasswordVersion,
        renewed: Option<PasswordHash>,
        attempt: Attempt,
    ) -> Result<(), SignInError> {
        let hooks = self.hooks.clone();
        self.change(|store| async move {
            let opened = store.open_session(&new, verified, renewed.as_ref()).await?;
            let OpenSessionOutcome::Opened(ended) = opened else {
                // The password was right when it was given: nobody has guessed.
                attempt.settle(Outcome::Void).await;
                return Err(SignInError::InvalidCredentials);
            };
            attempt.settle(Outcome::Succeeded).await;
            let Session { id, user_id: user, .. } = new.session;
            tracing::info!(%user, session = %id, "signed in");
            for session in ended {
                tracing::info!(%user, %session, "ended: a new session has taken its place");
            }
            hooks.tell(&AccountEvent::SignedIn { user, session: id });
            Ok(())
        })
        .await
    }
}

impl From<VerifyError> for SignInError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::TooManyAttempts { retry_after } => Self::TooManyAttempts { retry_after },
            VerifyError::Hashing(error) => error.into(),
            VerifyError::Store(error) => error.into(),
        }
    }
}

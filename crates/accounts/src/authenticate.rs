use auth_core::{Claims, Session, Timestamp, UserId};
use user_store::{StoreError, User};

use crate::Accounts;

/// Proof that the caller is authenticated: nothing builds one but
/// [`Accounts::authenticate`].
#[derive(Debug, Clone)]
pub struct SignedIn {
    user: User,
    session: Session,
}

/// Why a caller was not recognised.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticateError {
    /// The token is not valid, or its session is over.
    #[error("the access token is not valid, or its session is over")]
    InvalidToken,
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SignedIn {
    /// Whose request it is.
    #[must_use]
    pub const fn user(&self) -> &User {
        &self.user
    }

    /// The name of whose request it is, which never changes: what an app's own data refers to.
    #[must_use]
    pub const fn id(&self) -> UserId {
        self.user.id
    }

    /// The e-mail address, as its owner typed it. It is personal, and it is what somebody chose:
    /// escape it in HTML, and keep it out of logs.
    #[must_use]
    pub fn email(&self) -> &str {
        self.user.email.as_str()
    }

    /// The session that the request belongs to.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }
}

impl Accounts {
    /// Recognises the bearer of an access token. The session is looked up every time: a
    /// token that is still valid is worth nothing once its session is over
    /// (OWASP ASVS 5.0, 7.4.1).
    ///
    /// # Errors
    ///
    /// [`AuthenticateError::InvalidToken`] whatever is wrong with the token.
    pub async fn authenticate(&self, token: &str) -> Result<SignedIn, AuthenticateError> {
        let now = self.clock.now();
        let claims = self.verify_token(token, now).await?;
        match self.store.session(claims.session, now).await? {
            Some((session, user)) if user.id == claims.user => Ok(SignedIn { user, session }),
            _ => Err(AuthenticateError::InvalidToken),
        }
    }

    /// A key that is not known may have been made since by another server: then the store is
    /// asked.
    async fn verify_token(&self, token: &str, now: Timestamp) -> Result<Claims, AuthenticateError> {
        let verified = match self.keys.verify(token, now) {
            Some(verified) => verified,
            None => self.keys.refresh_for_unknown_kid(&*self.store).await?.verify(token, now),
        };
        verified.map_err(|_| AuthenticateError::InvalidToken)
    }
}

use auth_core::{Client, KeyError, RefreshToken, Session};
use user_store::{RotateRefreshToken, Rotation, StoreError};

use crate::{Accounts, IssuedTokens};

/// Why a session was not renewed.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The token is not valid, has been used before, or its session is over.
    #[error("the refresh token is not valid, or its session is over")]
    InvalidToken,
    /// The store could not be asked: the token is as good as it was.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The token could not be signed.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Accounts {
    /// Renews a session: issues the next access token, and the refresh token that takes the
    /// place of this one.
    ///
    /// The same token presented again within seconds, by a second tab or after an answer
    /// that was lost, is answered with the same successor. Presented later, it is a copy
    /// that somebody has made, and its session is ended (RFC 9700, 4.14.2).
    ///
    /// # Errors
    ///
    /// [`RefreshError`] says why not.
    pub async fn refresh(
        &self,
        token: &str,
        client: &Client,
    ) -> Result<IssuedTokens, RefreshError> {
        let token = RefreshToken::parse(token).map_err(|_| RefreshError::InvalidToken)?;
        let (session, successor) = self.rotate(&token, client).await?;
        Ok(self.issue(&session, successor)?)
    }

    async fn rotate(
        &self,
        token: &RefreshToken,
        client: &Client,
    ) -> Result<(Session, RefreshToken), RefreshError> {
        let (rotation, successor) = Rotation::of(token, client.clone(), &*self.random);
        let (policy, now) = (&self.settings.sessions, self.clock.now());
        match self.store.rotate_refresh_token(&rotation, policy, now).await? {
            RotateRefreshToken::Rotated(session) => Ok((session, successor)),
            RotateRefreshToken::Repeated(session, salt) => Ok((session, token.successor(&salt))),
            RotateRefreshToken::Reused(Session { id, user_id, .. }) => {
                tracing::warn!(
                    user = %user_id, session = %id,
                    "a refresh token was used again: the session was ended"
                );
                Err(RefreshError::InvalidToken)
            }
            RotateRefreshToken::Unknown => Err(RefreshError::InvalidToken),
        }
    }
}

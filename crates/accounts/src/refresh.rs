use auth_core::{ClientInfo, KeyError, RefreshToken, Session, Timestamp};
use user_store::{RotateOutcome, Rotation, StoreError};

use crate::{Accounts, IssuedTokens};

/// Why a session was not renewed.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The token has been used before, or its session is over.
    #[error("the refresh token was used before, or its session is over")]
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
    /// that was lost, is answered with the same successor. Presented later, it may be a copy
    /// that somebody has made, and its session is ended (RFC 9700, 4.14.2).
    ///
    /// # Errors
    ///
    /// [`RefreshError`] says why not.
    pub async fn refresh(
        &self,
        token: &RefreshToken,
        client: &ClientInfo,
    ) -> Result<IssuedTokens, RefreshError> {
        let now = self.clock.now();
        let (rotation, successor) = Rotation::new(token, client.clone(), &*self.random);
        let (session, token) = match self.rotate(rotation, now).await? {
            RotateOutcome::Rotated(session) => (session, successor),
            RotateOutcome::Repeated(session, salt) => (session, token.successor(&salt)),
            RotateOutcome::Reused(_) | RotateOutcome::Unknown => {
                return Err(RefreshError::InvalidToken);
            }
        };
        let issued = self.issue(&session, token, now).await?;
        // In its last second, a session is too short for a token (they count in seconds).
        if issued.access.expires_in.is_zero() {
            return Err(RefreshError::InvalidToken);
        }
        Ok(issued)
    }

    async fn rotate(
        &self,
        rotation: Rotation,
        now: Timestamp,
    ) -> Result<RotateOutcome, StoreError> {
        let policy = self.settings.sessions;
        self.change(|store| async move {
            let outcome = store.rotate_refresh_token(&rotation, &policy, now).await?;
            if let RotateOutcome::Reused(Session { id, user_id, .. }) = outcome {
                tracing::warn!(
                    user = %user_id, session = %id,
                    "a refresh token was used again: the session was ended"
                );
            }
            Ok(outcome)
        })
        .await
    }
}

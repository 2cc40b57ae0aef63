use std::sync::Arc;

use auth_core::{ClientInfo, RefreshToken, Session, Timestamp};
use user_store::{IfReplaced, RotateOutcome, Rotation, StoreError};

use crate::accounts::Accounts;
use crate::service_error::ServiceError;
use crate::tokens::IssuedTokens;

/// An error from refreshing a session.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The token is not valid, or its session has ended.
    #[error("the refresh token is not valid, or its session has ended")]
    InvalidToken,
    /// The service failed. The token remains valid.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// The outcome of using a refresh token.
pub(crate) enum Rotated {
    /// The session, and the token that follows.
    Session(Session, RefreshToken),
    /// The token was replaced before. Returned only for [`IfReplaced::Ignore`].
    Replaced,
}

impl Accounts {
    /// Refreshes a session: issues a new access token, and a refresh token that replaces this one.
    ///
    /// A second tab, or a client that did not receive the response, can use the same token again
    /// for [30 seconds](auth_core::RefreshState::GRACE), as long as the new refresh token has not
    /// been used. It then gets that same new token. Any other reuse suggests that the token was
    /// copied, so the session is ended (RFC 9700, 4.14.2). A repeat with another user agent, or one
    /// more than [40](auth_core::RefreshState::MAX_REPEATS) repeats, also ends the session. The
    /// audit log contains reuse, and repeats: at most one a day from each IP address, and at most
    /// five a day in a session. If the first use came from another IP address, it is recorded too.
    ///
    /// # Errors
    ///
    /// [`RefreshError`].
    pub async fn refresh(
        &self,
        token: &RefreshToken,
        client: &ClientInfo,
    ) -> Result<IssuedTokens, RefreshError> {
        let now = self.clock.now();
        let (session, token) = match self.rotate(token, client, IfReplaced::Judge, now).await? {
            Rotated::Session(session, token) => (session, token),
            Rotated::Replaced => return Err(RefreshError::InvalidToken),
        };
        let issued = self.tokens.issue(&session, token, now).await.map_err(ServiceError::from)?;
        // Times in tokens are whole seconds. In the last second of the session, a new token would
        // expire immediately.
        if issued.access.expires_in.is_zero() {
            return Err(RefreshError::InvalidToken);
        }
        Ok(issued)
    }

    /// Uses a refresh token. Returns the session and the next token, unless the token was replaced
    /// and `if_replaced` ignores that.
    pub(crate) async fn rotate(
        &self,
        token: &RefreshToken,
        client: &ClientInfo,
        if_replaced: IfReplaced,
        now: Timestamp,
    ) -> Result<Rotated, RefreshError> {
        let (rotation, successor) = Rotation::new(token, client.clone(), &*self.random);
        let rotation = Rotation { if_replaced, ..rotation };
        let (store, policy) = (Arc::clone(&self.store), self.config.sessions);
        let rotate = async move {
            let outcome = store.rotate_refresh_token(&rotation, &policy, now).await?;
            if let RotateOutcome::Reused(Session { id, user_id, .. }, reason) = outcome {
                tracing::warn!(
                    user = %user_id, session = %id, %reason,
                    "a refresh token was reused: the session was ended"
                );
            }
            Ok::<_, StoreError>(outcome)
        };
        let rotated = self.tasks.run_to_completion(rotate).await;
        match rotated.map_err(ServiceError::from)? {
            RotateOutcome::Rotated(session) => Ok(Rotated::Session(session, successor)),
            RotateOutcome::Repeated(session, salt) => {
                Ok(Rotated::Session(session, token.successor(&salt)))
            }
            RotateOutcome::Replaced => Ok(Rotated::Replaced),
            RotateOutcome::Reused(..) | RotateOutcome::Unknown => Err(RefreshError::InvalidToken),
        }
    }
}

use std::sync::Arc;

use auth_core::{
    ClientInfo, CustomClaims, NewAccessToken, RefreshToken, Roles, Session, Timestamp,
};
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
    /// The session, the roles of its user, and the token that follows.
    Session(Session, Roles, RefreshToken),
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
        let custom = self.claims_before_refresh(token).await?;
        let now = self.clock.now();
        let rotated = self.rotate(token, client, IfReplaced::Judge, now).await?;
        let (session, roles, token) = match rotated {
            Rotated::Session(session, roles, token) => (session, roles, token),
            Rotated::Replaced => return Err(RefreshError::InvalidToken),
        };
        let new = NewAccessToken { session: &session, roles, custom };
        let issued = self.tokens.issue(&new, token, now).await.map_err(ServiceError::from)?;
        // Times in tokens are whole seconds. In the last second of the session, a new token would
        // expire immediately.
        if issued.access.expires_in.is_zero() {
            return Err(RefreshError::InvalidToken);
        }
        Ok(issued)
    }

    /// Computes the custom claims of a token that is about to be refreshed. If the hook of the app
    /// fails, the refresh token has not been used, so the client can try again at any time.
    async fn claims_before_refresh(
        &self,
        token: &RefreshToken,
    ) -> Result<CustomClaims, ServiceError> {
        if !self.token_claims.is_set() {
            return Ok(CustomClaims::default());
        }
        let session = self.store.session_by_family(&token.family(), self.clock.now()).await?;
        match session {
            Some(session) => self.token_claims.for_user(&*self.store, session.user_id).await,
            None => Ok(CustomClaims::default()),
        }
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
            RotateOutcome::Rotated(session, roles) => {
                Ok(Rotated::Session(session, roles, successor))
            }
            RotateOutcome::Repeated(session, roles, salt) => {
                Ok(Rotated::Session(session, roles, token.successor(&salt)))
            }
            RotateOutcome::Replaced => Ok(Rotated::Replaced),
            RotateOutcome::Reused(..) | RotateOutcome::Unknown => Err(RefreshError::InvalidToken),
        }
    }
}

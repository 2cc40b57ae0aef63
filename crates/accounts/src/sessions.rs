use std::sync::Arc;

use auth_core::{ClientInfo, RefreshToken, Session, SessionId};
use user_store::{ActingSession, EndSessionsOutcome, SessionRecord, StoreError};

use crate::accounts::Accounts;
use crate::authenticate::SignedIn;

/// An error from ending sessions.
#[derive(Debug, thiserror::Error)]
pub enum EndSessionError {
    /// The user has no active session with this id.
    #[error("there is no such session")]
    NoSuchSession,
    /// The session of the request has ended.
    #[error("the session has ended")]
    SessionEnded,
    /// The store failed. The session may still be active.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Accounts {
    /// Ends the session of the request immediately, on every server. Also succeeds if the session
    /// has already ended.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails. The session may then still be active.
    pub async fn sign_out(
        &self,
        signed_in: &SignedIn,
        client: &ClientInfo,
    ) -> Result<(), StoreError> {
        match self.end_session(signed_in, signed_in.session().id, client).await {
            Ok(()) | Err(EndSessionError::NoSuchSession | EndSessionError::SessionEnded) => Ok(()),
            Err(EndSessionError::Store(error)) => Err(error),
        }
    }

    /// Returns the user's active sessions, the most recently used first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn sessions(&self, signed_in: &SignedIn) -> Result<Vec<SessionRecord>, StoreError> {
        self.store.sessions(signed_in.id(), self.clock.now()).await
    }

    /// Ends a session of the user immediately, on every server. If two sessions try to end each
    /// other concurrently, only one of the calls succeeds.
    ///
    /// Contrary to OWASP ASVS 5.0, 7.5.2, this does not require reauthentication. A user who
    /// finds an attacker's session should be able to end it immediately, and an attacker gains
    /// little by ending sessions.
    ///
    /// # Errors
    ///
    /// [`EndSessionError`].
    pub async fn end_session(
        &self,
        signed_in: &SignedIn,
        session: SessionId,
        client: &ClientInfo,
    ) -> Result<(), EndSessionError> {
        let acting = ActingSession { session: *signed_in.session(), client: client.clone() };
        let (store, now) = (Arc::clone(&self.store), self.clock.now());
        let end = async move {
            match store.end_session(&acting, session, now).await? {
                EndSessionsOutcome::Ended(0) => Err(EndSessionError::NoSuchSession),
                EndSessionsOutcome::Ended(_) => {
                    tracing::info!(user = %acting.session.user_id, %session, "signed out");
                    Ok(())
                }
                EndSessionsOutcome::SessionEnded => Err(EndSessionError::SessionEnded),
            }
        };
        self.tasks.run_to_completion(end).await
    }

    /// Ends all other sessions of the user immediately, on every server. Returns how many were
    /// active.
    ///
    /// # Errors
    ///
    /// [`EndSessionError::SessionEnded`] or [`EndSessionError::Store`].
    pub async fn end_other_sessions(
        &self,
        signed_in: &SignedIn,
        client: &ClientInfo,
    ) -> Result<usize, EndSessionError> {
        let acting = ActingSession { session: *signed_in.session(), client: client.clone() };
        let (store, now) = (Arc::clone(&self.store), self.clock.now());
        let end = async move {
            match store.end_other_sessions(&acting, now).await? {
                EndSessionsOutcome::Ended(ended) => {
                    let Session { user_id, id, .. } = acting.session;
                    tracing::info!(user = %user_id, session = %id, ended, "signed out everywhere else");
                    Ok(ended)
                }
                EndSessionsOutcome::SessionEnded => Err(EndSessionError::SessionEnded),
            }
        };
        self.tasks.run_to_completion(end).await
    }

    /// Returns the session that a refresh token belongs to, or `None` if that session is not
    /// active. The token may already have been used.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn session_for_token(
        &self,
        token: &RefreshToken,
    ) -> Result<Option<Session>, StoreError> {
        self.store.session_by_family(&token.family(), self.clock.now()).await
    }
}

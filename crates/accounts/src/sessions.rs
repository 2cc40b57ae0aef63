use auth_core::{ClientInfo, RefreshToken, Session, SessionId};
use user_store::{EndSessionsOutcome, Purged, SessionRecord, StoreError};

use crate::{Accounts, SignedIn};

/// Why no session was ended.
#[derive(Debug, thiserror::Error)]
pub enum EndSessionError {
    /// The user has no session that is alive and of this name.
    #[error("there is no such session")]
    NoSuchSession,
    /// The session in which it was asked for is over: somebody else may have ended it.
    #[error("the session is over")]
    SessionEnded,
    /// The store could not be asked: the session may live on.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Accounts {
    /// Ends the session at once, for every server on the same store.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer: the session may then live on.
    pub async fn sign_out(
        &self,
        signed_in: &SignedIn,
        client: &ClientInfo,
    ) -> Result<(), StoreError> {
        match self.end_session(signed_in, signed_in.session().id, client).await {
            Err(EndSessionError::Store(error)) => Err(error),
            // If it was over already, it is.
            _ => Ok(()),
        }
    }

    /// Where the user is signed in, the session used last first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer.
    pub async fn sessions(&self, signed_in: &SignedIn) -> Result<Vec<SessionRecord>, StoreError> {
        self.store.sessions(signed_in.user().id, self.clock.now()).await
    }

    /// Ends a session of the user at once (OWASP ASVS 5.0, 7.5.2, less the password that it
    /// asks for once more: whoever finds a stranger's session should be able to end it at
    /// once, and what a thief could do with it is a nuisance). Of two sessions that end each
    /// other, one succeeds.
    ///
    /// # Errors
    ///
    /// [`EndSessionError`] says why not.
    pub async fn end_session(
        &self,
        signed_in: &SignedIn,
        session: SessionId,
        client: &ClientInfo,
    ) -> Result<(), EndSessionError> {
        let (by, client, now) = (*signed_in.session(), client.clone(), self.clock.now());
        self.change(|store| async move {
            match store.end_session(&by, session, &client, now).await? {
                EndSessionsOutcome::Ended(0) => Err(EndSessionError::NoSuchSession),
                EndSessionsOutcome::Ended(_) => {
                    tracing::info!(user = %by.user_id, %session, "signed out");
                    Ok(())
                }
                EndSessionsOutcome::SessionEnded => Err(EndSessionError::SessionEnded),
            }
        })
        .await
    }

    /// Ends all sessions of the user but this one at once; how many there were.
    ///
    /// # Errors
    ///
    /// [`EndSessionError::SessionEnded`] and [`EndSessionError::Store`].
    pub async fn end_other_sessions(
        &self,
        signed_in: &SignedIn,
        client: &ClientInfo,
    ) -> Result<usize, EndSessionError> {
        let (by, client, now) = (*signed_in.session(), client.clone(), self.clock.now());
        self.change(|store| async move {
            match store.end_other_sessions(&by, &client, now).await? {
                EndSessionsOutcome::Ended(ended) => {
                    let (user, session) = (by.user_id, by.id);
                    tracing::info!(%user, %session, ended, "signed out everywhere else");
                    Ok(ended)
                }
                EndSessionsOutcome::SessionEnded => Err(EndSessionError::SessionEnded),
            }
        })
        .await
    }

    /// The session that a refresh token is of, used or not, if it is alive.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer.
    pub async fn session_for_token(
        &self,
        token: &RefreshToken,
    ) -> Result<Option<Session>, StoreError> {
        self.store.session_by_family(&token.family(), self.clock.now()).await
    }

    /// Removes up to `limit` each of the sessions that are over, of the counters of attempts that
    /// say nothing any more, and of the events that have been kept for 90 days. Whoever runs a
    /// server calls it now and then.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer: they are removed another time.
    pub async fn purge_expired(&self, limit: u32) -> Result<Purged, StoreError> {
        self.store.purge_expired(self.clock.now(), limit).await
    }
}

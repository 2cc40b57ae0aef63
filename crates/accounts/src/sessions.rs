use auth_core::SessionId;
use user_store::{SessionRecord, StoreError};

use crate::{Accounts, SignedIn};

/// How many sessions that are over are removed at a time: few enough that no request waits
/// for it to be noticed.
const BATCH: u32 = 100;

impl Accounts {
    /// Ends the session at once, for every server on the same store.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer: the session may then live on.
    pub async fn sign_out(&self, signed_in: &SignedIn) -> Result<(), StoreError> {
        self.end_session(signed_in, signed_in.session().id).await.map(drop)
    }

    /// Where the user is signed in, the session used last first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer.
    pub async fn sessions(&self, signed_in: &SignedIn) -> Result<Vec<SessionRecord>, StoreError> {
        self.store.sessions(signed_in.user().id, self.clock.now()).await
    }

    /// Ends a session of the user at once; whether there was one to end (OWASP ASVS 5.0,
    /// 7.5.2).
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer: the session may then live on.
    pub async fn end_session(
        &self,
        signed_in: &SignedIn,
        session: SessionId,
    ) -> Result<bool, StoreError> {
        let user = signed_in.user().id;
        let ended = self.store.end_session(user, session).await?;
        if ended {
            tracing::info!(%user, %session, "signed out");
        }
        Ok(ended)
    }

    /// Ends all sessions of the user but this one at once; how many there were.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer: the sessions may then live on.
    pub async fn end_other_sessions(&self, signed_in: &SignedIn) -> Result<usize, StoreError> {
        let (user, session) = (signed_in.user().id, signed_in.session().id);
        let ended = self.store.end_sessions(user, Some(session)).await?;
        tracing::info!(%user, %session, ended, "signed out everywhere else");
        Ok(ended)
    }

    /// Removes a batch of sessions that are over; whether there may be more. Whoever runs a
    /// server calls it now and then.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer: they are removed another time.
    pub async fn remove_ended_sessions(&self) -> Result<bool, StoreError> {
        let removed = self.store.remove_ended_sessions(self.clock.now(), BATCH).await?;
        if removed > 0 {
            tracing::info!(removed, "removed sessions that were over");
        }
        Ok(removed >= BATCH as usize)
    }
}

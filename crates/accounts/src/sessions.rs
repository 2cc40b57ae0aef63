use auth_core::{RefreshToken, Session, SessionId};
use user_store::{SessionRecord, StoreError};

use crate::{Accounts, SignedIn};

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
    /// 7.5.2, less the password that it asks for once more: whoever finds a stranger's session
    /// should be able to end it at once, and what a thief could do with it is a nuisance).
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
        self.change(|store| async move {
            let ended = store.end_session(user, session).await?;
            if ended {
                tracing::info!(%user, %session, "signed out");
            }
            Ok(ended)
        })
        .await
    }

    /// Ends all sessions of the user but this one at once; how many there were.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer: the sessions may then live on.
    pub async fn end_other_sessions(&self, signed_in: &SignedIn) -> Result<usize, StoreError> {
        let (user, session) = (signed_in.user().id, signed_in.session().id);
        self.change(|store| async move {
            let ended = store.end_sessions(user, Some(session)).await?;
            tracing::info!(%user, %session, ended, "signed out everywhere else");
            Ok(ended)
        })
        .await
    }

    /// The session that a refresh token is of, used or not, if it is alive.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer.
    pub async fn session_of(&self, token: &RefreshToken) -> Result<Option<Session>, StoreError> {
        self.store.session_of_family(&token.family(), self.clock.now()).await
    }

    /// Removes up to `limit` sessions that are over; how many it removed. Whoever runs a
    /// server calls it now and then.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer: they are removed another time.
    pub async fn remove_ended_sessions(&self, limit: u32) -> Result<usize, StoreError> {
        self.store.remove_ended_sessions(self.clock.now(), limit).await
    }
}

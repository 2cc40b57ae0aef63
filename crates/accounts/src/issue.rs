use std::time::Duration;

use auth_core::{DeviceToken, IssuedToken, KeyError, RefreshToken, Session, Timestamp};

use crate::Accounts;

/// What a client gets to use a session with.
#[derive(Debug, Clone)]
pub struct IssuedTokens {
    /// What it shows with every request.
    pub access: IssuedToken,
    /// What it gets the next of both with.
    pub refresh: IssuedRefreshToken,
    /// What its browser says at the next log-in that it has signed in before; issued by a
    /// log-in alone, and worth keeping for a year.
    pub device: Option<DeviceToken>,
}

/// A refresh token that was just issued, and for how long it should be kept.
#[derive(Debug, Clone)]
pub struct IssuedRefreshToken {
    /// The token.
    pub token: RefreshToken,
    /// For how long the session can still be renewed with it, if its user asked to stay
    /// signed in. Otherwise the client forgets it when it is closed.
    pub max_age: Option<Duration>,
}

impl Accounts {
    /// Issues both at `now`. An access token never outlives its session, used or not, and is
    /// signed with the key that signs now, whichever server has made it.
    pub(crate) async fn issue(
        &self,
        session: &Session,
        refresh: RefreshToken,
        now: Timestamp,
    ) -> Result<IssuedTokens, KeyError> {
        let end = session.idle_expires_at;
        let keys = self.keys.newest(&*self.store).await;
        let access = keys.issue(session.user_id, session.id, now, end, &*self.random)?;
        let left = Duration::try_from(end.duration_since(now)).unwrap_or_default();
        let max_age = session.remember.then_some(left);
        Ok(IssuedTokens {
            access,
            refresh: IssuedRefreshToken { token: refresh, max_age },
            device: None,
        })
    }
}

//! Requests of a browser whose only credential is the refresh token in its cookie.

use std::time::Duration;

use auth_core::{ClientInfo, RefreshToken, Session, Timestamp};
use user_store::{ActiveSession, IfReplaced, PresentedToken, StoreError, User};

use crate::accounts::Accounts;
use crate::authenticate::SignedIn;
use crate::refresh::{RefreshError, Rotated};
use crate::service_error::ServiceError;
use crate::tokens::IssuedRefreshToken;

/// A request that is authenticated by a refresh token.
#[derive(Debug, Clone)]
pub struct CookieSession {
    /// The user who sends the request.
    pub signed_in: SignedIn,
    /// The refresh token that the browser must store instead of the one that it sent, if there is
    /// one.
    pub refresh: Option<IssuedRefreshToken>,
}

/// The maximum number of times that a session is looked up for one request. A lookup is repeated
/// only if another request has replaced the token since.
const MAX_LOOKUPS: usize = 3;

impl Accounts {
    /// Authenticates a request by its refresh token, for sites whose pages are rendered on the
    /// server. The token is the only credential of the browser: it is sent in a cookie with every
    /// request.
    ///
    /// The session is looked up every time, as with [`authenticate`](Self::authenticate). Once the
    /// token is older than an access token can be
    /// ([`Config::access_token_lifetime`](crate::Config::access_token_lifetime)), it is replaced, and
    /// the response to the request must store its successor.
    ///
    /// A page sends many requests at once, so for 30 seconds the replaced token remains valid for
    /// the same user agent at the same IP address, however often it is sent. For everything else,
    /// the rules of [`refresh`](Self::refresh) apply: any other use of a replaced token suggests that
    /// it was copied, and ends the session.
    ///
    /// # Errors
    ///
    /// [`RefreshError`].
    pub async fn authenticate_by_refresh_token(
        &self,
        token: &RefreshToken,
        client: &ClientInfo,
    ) -> Result<CookieSession, RefreshError> {
        let presented =
            PresentedToken { token: token.hash(), family: token.family(), client: client.clone() };
        for _ in 0..MAX_LOOKUPS {
            let now = self.clock.now();
            let found = self.store.session_by_refresh_token(&presented, now).await;
            let Some(found) = found.map_err(ServiceError::from)? else { break };
            let ActiveSession { session, user, .. } = found.active;
            if let Some(salt) = found.replaced {
                let successor = token.successor(&salt);
                return Ok(self.cookie_session(user, session, Some(successor), now));
            }
            if !self.is_rotation_due(&session, now) {
                return Ok(self.cookie_session(user, session, None, now));
            }
            match self.rotate(token, client, IfReplaced::Ignore, now).await? {
                Rotated::Session(session, _, successor) => {
                    return Ok(self.cookie_session(user, session, Some(successor), now));
                }
                // Another request has just replaced the token.
                Rotated::Replaced => {}
            }
        }

        let now = self.clock.now();
        match self.rotate(token, client, IfReplaced::Judge, now).await? {
            Rotated::Session(session, _, successor) => {
                let active = self.store.session(session.id, now).await;
                match active.map_err(ServiceError::from)? {
                    Some(ActiveSession { user, .. }) => {
                        Ok(self.cookie_session(user, session, Some(successor), now))
                    }
                    None => Err(RefreshError::InvalidToken),
                }
            }
            Rotated::Replaced => Err(RefreshError::InvalidToken),
        }
    }

    /// Ends the session of a refresh token, on every server. Also succeeds if the session has
    /// already ended. Every token of the session, current or replaced, ends it: this harms nobody but
    /// its user, who wants to sign out.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails. The session may then still be active.
    pub async fn sign_out_by_refresh_token(
        &self,
        token: &RefreshToken,
        client: &ClientInfo,
    ) -> Result<(), StoreError> {
        let Some(session) = self.session_for_token(token).await? else { return Ok(()) };
        let Some(active) = self.store.session(session.id, self.clock.now()).await? else {
            return Ok(());
        };
        let signed_in = SignedIn::new(active.user, active.session, &self.config);
        self.sign_out(&signed_in, client).await
    }

    fn is_rotation_due(&self, session: &Session, now: Timestamp) -> bool {
        let age = Duration::try_from(now.duration_since(session.last_used_at)).unwrap_or_default();
        age >= self.config.access_token_lifetime
    }

    fn cookie_session(
        &self,
        user: User,
        session: Session,
        successor: Option<RefreshToken>,
        now: Timestamp,
    ) -> CookieSession {
        let refresh = successor.map(|token| IssuedRefreshToken::new(token, &session, now));
        CookieSession { signed_in: SignedIn::new(user, session, &self.config), refresh }
    }
}

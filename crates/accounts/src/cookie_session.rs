//! Requests of a browser whose only credential is the refresh token in its cookie.

use std::time::Duration;

use auth_core::{ClientInfo, RefreshToken, Session, Timestamp};
use user_store::{ActiveSession, IfReplaced, PresentedSession, PresentedToken, StoreError};

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
    token: RefreshToken,
    client: ClientInfo,
    state: TokenState,
}

/// The state of the token of a [`CookieSession`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenState {
    /// The browser keeps the token.
    Current,
    /// The token is due to be replaced after the request.
    RotationDue,
    /// The token has been replaced a moment ago.
    Replaced,
    /// The token is the successor of the one that was sent.
    Issued,
}

impl Accounts {
    /// Authenticates a request by its refresh token, for sites whose pages are rendered on the
    /// server. The token is the only credential of the browser: it is sent in a cookie with every
    /// request.
    ///
    /// The session is looked up every time, as with [`authenticate`](Self::authenticate). When the
    /// request has been handled, call [`rotate_cookie_session`](Self::rotate_cookie_session), which
    /// returns the token that the response must store, if there is one.
    ///
    /// A page sends many requests at once, so for 30 seconds a replaced token remains valid for the
    /// same user agent in the same [network](auth_core::Network), however often it is sent. For
    /// everything else, the rules of [`refresh`](Self::refresh) apply. With the same user agent in
    /// another network, such a use is counted and recorded as a repeat. Any other use of a replaced
    /// token suggests that it was copied, and ends the session.
    ///
    /// # Errors
    ///
    /// [`RefreshError`].
    pub async fn authenticate_by_refresh_token(
        &self,
        token: &RefreshToken,
        client: &ClientInfo,
    ) -> Result<CookieSession, RefreshError> {
        let now = self.clock.now();
        if let Some(found) = self.look_up_presented(token, client, now).await? {
            let ActiveSession { session, user, .. } = found.active;
            let state = match found.replaced {
                Some(_) => TokenState::Replaced,
                None if self.is_rotation_due(&session, now) => TokenState::RotationDue,
                None => TokenState::Current,
            };
            let signed_in = SignedIn::new(user, session, &self.config);
            let (token, client) = (token.clone(), client.clone());
            return Ok(CookieSession { signed_in, token, client, state });
        }

        match self.rotate(token, client, IfReplaced::Judge, now).await? {
            Rotated::Session(session, _, token) => {
                let active = self.store.session(session.id, now).await;
                let active = active.map_err(ServiceError::from)?;
                let Some(ActiveSession { user, .. }) = active else {
                    return Err(RefreshError::InvalidToken);
                };
                let signed_in = SignedIn::new(user, session, &self.config);
                let (client, state) = (client.clone(), TokenState::Issued);
                Ok(CookieSession { signed_in, token, client, state })
            }
            Rotated::Replaced => Err(RefreshError::InvalidToken),
        }
    }

    /// Returns the refresh token that the browser must store instead of the one that it sent, if
    /// there is one. Call this after the request has been handled, and send the response at once.
    ///
    /// If the token is older than an access token can be
    /// ([`Config::access_token_lifetime`](crate::Config::access_token_lifetime)), it is replaced.
    /// This happens only now because the browser continues to use the old token until it receives
    /// the response. If the token was replaced before the request or during it, the current token
    /// is returned while the old one is valid. If the session has ended, there is no token to
    /// store.
    ///
    /// # Errors
    ///
    /// [`ServiceError`]. The browser keeps its token.
    pub async fn rotate_cookie_session(
        &self,
        session: &CookieSession,
    ) -> Result<Option<IssuedRefreshToken>, ServiceError> {
        let CookieSession { token, client, state, .. } = session;
        let now = self.clock.now();
        match state {
            TokenState::Current => return Ok(None),
            TokenState::RotationDue => {
                match self.rotate(token, client, IfReplaced::Ignore, now).await {
                    Ok(Rotated::Session(session, _, successor)) => {
                        return Ok(Some(IssuedRefreshToken::new(successor, &session, now)));
                    }
                    // Another request has replaced the token in the meantime.
                    Ok(Rotated::Replaced) => {}
                    Err(RefreshError::InvalidToken) => return Ok(None),
                    Err(RefreshError::Service(error)) => return Err(error),
                }
            }
            TokenState::Replaced | TokenState::Issued => {}
        }
        let Some(found) = self.look_up_presented(token, client, now).await? else {
            return Ok(None);
        };
        let current = match found.replaced {
            Some(salt) => token.successor(&salt),
            None if *state == TokenState::Issued => token.clone(),
            None => return Ok(None),
        };
        Ok(Some(IssuedRefreshToken::new(current, &found.active.session, now)))
    }

    /// Ends the session of a refresh token, on every server. Also succeeds if the session has
    /// already ended. Every token of the session, current or replaced, ends it: this harms nobody
    /// but its user, who wants to sign out.
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

    /// Looks up the session of a token without using the token.
    async fn look_up_presented(
        &self,
        token: &RefreshToken,
        client: &ClientInfo,
        now: Timestamp,
    ) -> Result<Option<PresentedSession>, ServiceError> {
        let presented =
            PresentedToken { token: token.hash(), family: token.family(), client: client.clone() };
        Ok(self.store.session_by_refresh_token(&presented, now).await?)
    }
}

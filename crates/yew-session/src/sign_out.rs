//! Ends a session on the server after it has ended in the browser.

use api_types::TokenResponse;

use crate::calls;
use crate::error::ApiError;
use crate::storage;
use crate::tokens::{Claims, RefreshError, refresh_for};

/// The outcome of a sign-out on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum SignOutOutcome {
    /// The session has ended on the server.
    Ended,
    /// The server did not confirm the sign-out. The session may still be active there.
    Unconfirmed,
}

/// A session that has ended in the browser and may still be active on the server.
pub(crate) struct PendingSignOut {
    token: Option<String>,
    claims: Option<Claims>,
    may_use_cookie: bool,
}

impl PendingSignOut {
    /// Removes this tab's session from the browser's storage. If the tab has no token, the session
    /// of the cookie is ended if the browser remembers one or `tries_cookie` is `true`.
    pub(crate) fn begin(tries_cookie: bool) -> Self {
        let token = storage::token();
        let claims = token.as_deref().and_then(Claims::read);
        let may_use_cookie = tries_cookie || storage::remembered().is_some();
        storage::remove_token();
        storage::forget(claims.as_ref().map(|claims| &*claims.sid));
        Self { token, claims, may_use_cookie }
    }

    /// Ends the session on the server.
    pub(crate) async fn finish(self) -> SignOutOutcome {
        match &self.token {
            Some(token) => match calls::sign_out(token).await {
                Err(error) if error.is_rejected_token() => self.finish_with_new_token().await,
                answer => outcome(&answer),
            },
            None if self.may_use_cookie => self.finish_with_new_token().await,
            None => SignOutOutcome::Ended,
        }
    }

    /// Uses the cookie to get a new token, and ends the session with it, because an expired token
    /// cannot end a session. The cookie may belong to a newer session that the same user started in
    /// another tab. In that case, the newer session is ended instead.
    async fn finish_with_new_token(self) -> SignOutOutcome {
        match refresh_for(self.claims.map(|claims| claims.sub)).await {
            Ok(TokenResponse { access_token, .. }) => {
                let session = Claims::read(&access_token).map(|claims| claims.sid);
                let outcome = outcome(&calls::sign_out(&access_token).await);
                storage::forget(session.as_deref());
                outcome
            }
            // The cookie is not valid any more, so no session is left.
            Err(RefreshError::SessionEnded(_)) => {
                storage::set_remembered(None);
                SignOutOutcome::Ended
            }
            Err(RefreshError::OtherUser | RefreshError::Failed(_)) => SignOutOutcome::Unconfirmed,
        }
    }
}

fn outcome(answer: &Result<(), ApiError>) -> SignOutOutcome {
    match answer {
        Ok(()) => SignOutOutcome::Ended,
        Err(error) if error.is_rejected_token() => SignOutOutcome::Ended,
        Err(_) => SignOutOutcome::Unconfirmed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_success_or_a_rejected_token_confirms_the_end_of_the_session() {
        let rejected = |status| Err(ApiError::rejected(status, None, ""));
        assert_eq!(outcome(&Ok(())), SignOutOutcome::Ended);
        assert_eq!(outcome(&Err(ApiError::no_token())), SignOutOutcome::Ended);
        for answer in [rejected(401), rejected(500), rejected(503), Err(ApiError::Unreachable)] {
            assert_eq!(outcome(&answer), SignOutOutcome::Unconfirmed);
        }
    }
}

use api_types::TokenResponse;

use super::claims::Claims;
use super::renewal::{NotRenewed, renew_for};
use crate::api::{self, ApiError};
use crate::storage;

/// What is left of a session that its user has ended here, to end it on the server.
pub(super) struct Leaving {
    token: Option<String>,
    remembered: bool,
    claims: Option<Claims>,
}

impl Leaving {
    /// What is in the browser of the session that this tab has.
    pub(super) fn now() -> Self {
        let token = storage::token();
        let claims = token.as_deref().and_then(Claims::of);
        Self { token, remembered: storage::remembered().is_some(), claims }
    }

    /// Leaves nothing of it in the browser.
    pub(super) fn clear_storage(&self) {
        storage::clear_tab();
        storage::forget(self.claims.as_ref().map(|claims| &*claims.sid));
    }

    /// Tells the server, and answers whether the session is certain to be over.
    pub(super) async fn end(self) -> bool {
        match &self.token {
            Some(token) => match api::log_out(token).await {
                Err(error) if error.is_refused_token() => self.end_with_new_token().await,
                answer => answer.is_ok(),
            },
            None if self.remembered => self.end_with_new_token().await,
            None => true,
        }
    }

    /// A token that has expired ends nothing, but the cookie may still get another: perhaps
    /// of the session that the same user has begun in another tab since.
    async fn end_with_new_token(self) -> bool {
        match renew_for(self.claims.map(|claims| claims.sub)).await {
            Ok(TokenResponse { access_token, .. }) => {
                let session = Claims::of(&access_token).map(|claims| claims.sid);
                let is_over = is_over(&api::log_out(&access_token).await);
                storage::forget(session.as_deref());
                is_over
            }
            // Nothing is left here that it could be ended with: in all likelihood it is over.
            Err(NotRenewed::Over(_)) => {
                storage::set_remembered(None);
                true
            }
            Err(NotRenewed::Foreign | NotRenewed::Failed(_)) => false,
        }
    }
}

/// Whether the server has no session any more: it said so, or does not know the token.
fn is_over(answer: &Result<(), ApiError>) -> bool {
    answer.as_ref().map_or_else(ApiError::is_refused_token, |()| true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Refusal;

    fn refused(status: u16) -> Result<(), ApiError> {
        Err(ApiError::Refused(Refusal { status, ..Refusal::default() }))
    }

    #[test]
    fn a_log_out_is_certain_when_the_server_says_so_or_knows_no_such_session() {
        assert!(is_over(&Ok(())));
        assert!(is_over(&refused(401)));
        assert!(!is_over(&refused(500)));
        assert!(!is_over(&refused(503)));
        assert!(!is_over(&Err(ApiError::Unreachable)));
    }
}

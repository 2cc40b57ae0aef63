use api_types::TokenResponse;

use super::claims::Claims;
use crate::api::{self, ApiError};
use crate::locks::Turn;

const TURN: &str = "latchkey-renewal";

/// After how long an answer is given up, in time to be asked for once more.
const LATE_MS: u32 = 8_000;

/// More than the server ever takes: who breaks off loses the cookie of the answer.
const LAST_PATIENCE_MS: u32 = 15_000;

/// Why there is no new token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotRenewed {
    /// The server has no session for the cookie.
    Over(ApiError),
    /// The cookie is another user's, who has logged in in another tab.
    Foreign,
    /// The server could not be asked.
    Failed(ApiError),
}

/// Does what replaces the cookie, which all tabs share, while no other tab does: of two
/// answers that come at once, the cookie would be that of the one that came last.
pub(crate) async fn in_turn<T>(replace: impl Future<Output = T>) -> T {
    let turn = Turn::wait_for(TURN).await;
    let answer = replace.await;
    drop(turn);
    answer
}

/// Gets a new token with the cookie, for the user `owner` and nobody else. The token is kept
/// nowhere.
pub(super) async fn renew_for(owner: Option<String>) -> Result<TokenResponse, NotRenewed> {
    let answer = in_turn(renew()).await?;
    // Nothing must be done in the name of somebody else that was begun in the owner's.
    let is_owners = owner.is_none_or(|owner| {
        Claims::of(&answer.access_token).is_some_and(|claims| claims.sub == owner)
    });
    if is_owners { Ok(answer) } else { Err(NotRenewed::Foreign) }
}

/// Of an answer that was lost, the server has kept what leads to it for ten seconds: time for
/// one more try, and no more. Never two at once: the cookie would be that of the later answer.
async fn renew() -> Result<TokenResponse, ApiError> {
    match api::renew(LATE_MS).await {
        Err(error) if error.is_lost_answer() => api::renew(LAST_PATIENCE_MS).await,
        answer => answer,
    }
}

impl From<ApiError> for NotRenewed {
    fn from(error: ApiError) -> Self {
        if error.is_refused_token() { Self::Over(error) } else { Self::Failed(error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_is_the_end_of_the_session() {
        let error = |status| ApiError::refused(status, None, "");
        assert_eq!(NotRenewed::from(error(401)), NotRenewed::Over(error(401)));
        for error in [error(403), error(429), error(500), error(503), ApiError::Unreachable] {
            assert_eq!(NotRenewed::from(error.clone()), NotRenewed::Failed(error));
        }
    }
}

use api_types::TokenResponse;

use crate::api::{self, ApiError};
use crate::locks::Turn;

const TURN: &str = "latchkey-renewal";

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

/// Gets a new token with the cookie, for `owner` and nobody else. The token is kept nowhere.
pub(super) async fn renew_for(owner: Option<&str>) -> Result<TokenResponse, NotRenewed> {
    let answer = in_turn(api::renew()).await?;
    // Nothing must be done in the name of somebody else that was begun in the owner's.
    match owner {
        Some(owner) if api::me(&answer.access_token).await?.id != owner => Err(NotRenewed::Foreign),
        _ => Ok(answer),
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

//! Access tokens: their claims, when they must be refreshed, and the refresh itself.

use api_types::TokenResponse;
use serde::Deserialize;

use crate::calls;
use crate::error::ApiError;
use crate::locks::Lock;

/// The timeout of the first attempt to refresh, which leaves time for a second one.
const FIRST_TIMEOUT_MS: u32 = 8_000;

/// The timeout of the second attempt. It is longer than a refresh takes on the server, because an
/// aborted request loses the cookie of its response.
const SECOND_TIMEOUT_MS: u32 = 15_000;

/// How long before its expiry a token is refreshed, so that it does not expire in transit.
const MARGIN_MS: f64 = 10_000.0;

/// The maximum margin, as a share of the token's lifetime. It lets a short-lived token be used for
/// most of its lifetime.
const MAX_MARGIN_SHARE: f64 = 0.1;

/// The claims of an access token that identify its user and session, and its lifetime.
///
/// The browser does not verify the signature. It only compares the claims, to find out without a
/// request whether a token that it got with the cookie belongs to the user of this tab.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Claims {
    /// The user's id.
    pub(crate) sub: String,
    /// The session's id.
    pub(crate) sid: String,
    /// When the token was issued, in seconds since 1970.
    iat: f64,
    /// When the token expires, in seconds since 1970.
    exp: f64,
}

impl Claims {
    /// Reads the claims of a token. Returns `None` if the string is not an access token.
    pub(crate) fn read(token: &str) -> Option<Self> {
        let payload = token.split('.').nth(1)?.replace('-', "+").replace('_', "/");
        let json = web_sys::window()?.atob(&payload).ok()?;
        serde_json::from_str(&json).ok()
    }

    /// Estimates the milliseconds until a token that was issued before the page was loaded must be
    /// refreshed. `device_ms` is the time on the device's clock, in milliseconds since 1970. If the
    /// clock is wrong, so is the estimate.
    pub(crate) fn estimate_remaining(&self, device_ms: f64) -> f64 {
        let remaining = self.exp * 1_000.0 - device_ms;
        remaining.min((self.exp - self.iat) * 1_000.0) - MARGIN_MS
    }
}

/// The time at which a token must be refreshed, in milliseconds on the browser's monotonic clock.
///
/// The device's wall clock may be wrong, so the lifetime is counted from the arrival of the token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Deadline(f64);

impl Deadline {
    /// Returns the deadline of a token that has just arrived.
    pub(crate) fn new(answer: &TokenResponse, now_ms: f64) -> Self {
        let lifetime = answer.expires_in as f64 * 1_000.0;
        Self(now_ms + lifetime - MARGIN_MS.min(lifetime * MAX_MARGIN_SHARE))
    }

    pub(crate) fn has_passed(self, now_ms: f64) -> bool {
        now_ms >= self.0
    }

    /// Returns the milliseconds until the deadline.
    pub(crate) fn remaining(self, now_ms: f64) -> f64 {
        self.0 - now_ms
    }
}

/// An error from refreshing a token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RefreshError {
    /// The server has no session for the cookie.
    SessionEnded(ApiError),
    /// The cookie belongs to another user, who has signed in from another tab.
    OtherUser,
    /// The request failed for another reason.
    Failed(ApiError),
}

impl From<ApiError> for RefreshError {
    fn from(error: ApiError) -> Self {
        if error.is_rejected_token() { Self::SessionEnded(error) } else { Self::Failed(error) }
    }
}

/// Gets a new access token with the cookie. If `owner` is given, a token that belongs to any other
/// user is an error. The caller must store the token.
pub(crate) async fn refresh_for(owner: Option<String>) -> Result<TokenResponse, RefreshError> {
    let lock = Lock::acquire().await;
    let answer = refresh().await;
    drop(lock);
    let answer = answer?;
    // An action that one user has started must not be carried out as another user.
    let is_owners = owner.is_none_or(|owner| {
        Claims::read(&answer.access_token).is_some_and(|claims| claims.sub == owner)
    });
    if is_owners { Ok(answer) } else { Err(RefreshError::OtherUser) }
}

/// Refreshes the token, and tries once more if the response was lost: the server still accepts the
/// old cookie for 30 seconds. The second request waits for the first one to end, because the
/// browser keeps the cookie of whichever response arrives last.
async fn refresh() -> Result<TokenResponse, ApiError> {
    match calls::refresh(FIRST_TIMEOUT_MS).send().await {
        Err(error) if error.is_lost_response() => calls::refresh(SECOND_TIMEOUT_MS).send().await,
        answer => answer,
    }
}

#[cfg(test)]
mod tests {
    use api_types::TokenType;

    use super::*;

    fn deadline(expires_in: u64) -> Deadline {
        let access_token = "token".to_owned();
        let answer = TokenResponse { access_token, token_type: TokenType::Bearer, expires_in };
        Deadline::new(&answer, 500.0)
    }

    #[test]
    fn a_token_is_refreshed_a_few_seconds_before_it_expires() {
        assert!(!deadline(300).has_passed(290_499.0));
        assert!(deadline(300).has_passed(290_500.0));
    }

    #[test]
    fn a_token_that_is_valid_for_a_second_is_used_for_most_of_it() {
        assert!(!deadline(1).has_passed(1_399.0));
        assert!(deadline(1).has_passed(1_400.0));
    }

    #[test]
    fn the_remaining_time_is_estimated_with_the_clock_of_the_device() {
        let claims = Claims { sub: "018f".into(), sid: "018f".into(), iat: 1_000.0, exp: 1_300.0 };
        assert_eq!(claims.estimate_remaining(1_100_000.0), 190_000.0);
        assert_eq!(claims.estimate_remaining(500_000.0), 290_000.0, "the clock is slow");
        assert!(claims.estimate_remaining(2_000_000.0) < 0.0, "the clock is fast");
    }

    #[test]
    fn only_a_rejected_cookie_ends_the_session() {
        let error = |status| ApiError::rejected(status, None, "");
        let rejected = ApiError::rejected(401, None, r#"{"code":"invalid_refresh_token"}"#);
        assert_eq!(RefreshError::from(rejected.clone()), RefreshError::SessionEnded(rejected));
        let proxy = error(401);
        for error in [proxy, error(403), error(429), error(500), error(503), ApiError::Unreachable]
        {
            assert_eq!(RefreshError::from(error.clone()), RefreshError::Failed(error));
        }
    }
}

//! Calls of Latchkey's HTTP API.

use api_types::{Empty, Me, SecondFactorRequest, SignupRequest, TokenRequest, TokenResponse, User};
use serde::Serialize;

use crate::call::Call;
use crate::error::ApiError;
use crate::http::{self, Request, Success};

/// How long a sign-out waits for the server's response.
const SIGN_OUT_TIMEOUT_MS: u32 = 5_000;

/// Creates an account.
pub fn sign_up(account: &SignupRequest) -> Call<User> {
    Call::json(Request::with_body("POST", "/api/signup", account))
}

/// Signs in. [`SessionHandle::start`](crate::SessionHandle::start) takes the response.
pub fn sign_in(credentials: &TokenRequest) -> Call<TokenResponse> {
    Call::sign_in(Request::with_body("POST", "/api/token", credentials))
}

/// Completes a sign-in with a second factor. `C` is the type of a passkey's credential.
pub fn sign_in_with_second_factor<C: Serialize>(
    second: &SecondFactorRequest<C>,
) -> Call<TokenResponse> {
    Call::sign_in(Request::with_body("POST", "/api/token/second-factor", second))
}

/// Returns the user of a token, and when the session expires.
pub fn me() -> Call<Me> {
    Call::json(Request::new("GET", "/api/me"))
}

/// Gets a new access token with the refresh token, which is in a cookie that no script can read.
pub(crate) fn refresh(timeout_ms: u32) -> Call<TokenResponse> {
    let post = Request::with_body("POST", "/api/token/refresh", &Empty {});
    // The server replaces the refresh token even if the page is closed before the response arrives.
    // With `keepalive`, the browser still stores the new cookie.
    Call::json(Request { keepalive: true, timeout_ms, ..post })
}

/// Ends the session of the token.
pub(crate) async fn sign_out(token: &str) -> Result<(), ApiError> {
    let post = Request::with_body("POST", "/api/logout", &Empty {});
    let request = Request { keepalive: true, timeout_ms: SIGN_OUT_TIMEOUT_MS, ..post };
    let call = Call::confirmed(request);
    call.read(&send_as(token, &call.request).await?)
}

/// Sends a request with an access token.
pub(crate) async fn send_as(token: &str, request: &Request) -> Result<Success, ApiError> {
    if !is_header_safe(token) {
        return Err(ApiError::no_token());
    }
    http::send(request, Some(token)).await
}

/// Returns whether a token can be sent in a header. Every token from the server can.
fn is_header_safe(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_token_of_visible_ascii_can_be_sent_in_a_header() {
        assert!(is_header_safe("eyJhbGciOiJFZERTQSJ9.e30.c2ln-_"));
        for text in ["", "tok\u{2603}en", "a\nb", "a b", "\u{7f}"] {
            assert!(!is_header_safe(text), "{text:?}");
        }
    }
}

//! Every request to the server, and every way it can fail.
//!
//! `fetch` is called through `web-sys`, which is in the bundle for Yew's sake already;
//! a client crate would add its own types for URLs, methods and headers to say the same.

mod error;
mod http;

use api_types::{
    Activity, ChangePasswordRequest, DeleteAccountRequest, Sessions, SignupRequest, TokenRequest,
    TokenResponse, User,
};
use js_sys::JSON;
use wasm_bindgen::JsValue;

pub use error::{ApiError, Refusal};
use http::Request;

use crate::json::{self, FromJson};

/// Who leaves should not be kept waiting by a server that hangs.
const LOG_OUT_PATIENCE_MS: u32 = 5_000;

/// Makes an account.
///
/// # Errors
///
/// [`ApiError`], as for every function here.
pub async fn sign_up(account: &SignupRequest) -> Result<User, ApiError> {
    let SignupRequest { email, password } = account;
    let body = [("email", email.into()), ("password", password.into())];
    read(&http::send(&with_body("POST", "/api/signup", &body)?).await?)
}

/// Opens a session.
///
/// # Errors
///
/// [`ApiError`], as for every function here.
pub async fn log_in(credentials: &TokenRequest) -> Result<TokenResponse, ApiError> {
    let TokenRequest { email, password, remember } = credentials;
    let body =
        [("email", email.into()), ("password", password.into()), ("remember", (*remember).into())];
    read(&http::send(&with_body("POST", "/api/token", &body)?).await?)
}

/// Gets a new access token with the refresh token, which is in a cookie that no script sees. An
/// answer is waited for so many milliseconds.
///
/// # Errors
///
/// [`ApiError`], as for every function here.
pub async fn renew(patience_ms: u32) -> Result<TokenResponse, ApiError> {
    let post = with_body("POST", "/api/token/refresh", &[])?;
    // The cookie is replaced whether or not somebody is still there for the answer.
    let request = Request { outlives_page: true, patience_ms, ..post };
    read(&http::send(&request).await?)
}

/// Asks whose token this is.
///
/// # Errors
///
/// [`ApiError`], as for every function here.
pub async fn me(token: &str) -> Result<User, ApiError> {
    read(&send_as(token, Request::new("GET", "/api/me")).await?)
}

/// Replaces the password, and ends every other session.
///
/// # Errors
///
/// [`ApiError`], as for every function here.
pub async fn change_password(
    token: &str,
    passwords: &ChangePasswordRequest,
) -> Result<(), ApiError> {
    let ChangePasswordRequest { current_password, new_password } = passwords;
    let body =
        [("current_password", current_password.into()), ("new_password", new_password.into())];
    let request = with_body("PUT", "/api/me/password", &body)?;
    send_as(token, request).await.map(drop)
}

/// Deletes the account and all that belongs to it.
///
/// # Errors
///
/// [`ApiError`], as for every function here.
pub async fn delete_account(token: &str, request: &DeleteAccountRequest) -> Result<(), ApiError> {
    let DeleteAccountRequest { password } = request;
    let body = [("password", password.into())];
    send_as(token, with_body("DELETE", "/api/me", &body)?).await.map(drop)
}

/// Gets everything that is held about the user, as a JSON text for people: in the server's
/// own words and order, whatever is in it.
///
/// # Errors
///
/// [`ApiError`], as for every function here.
pub async fn export(token: &str) -> Result<String, ApiError> {
    let body = send_as(token, Request::new("GET", "/api/me/export")).await?;
    let value = JSON::parse(&body).map_err(|_| ApiError::Unreadable)?;
    let text = JSON::stringify_with_replacer_and_space(&value, &JsValue::NULL, &2.into());
    text.map(String::from).map_err(|_| ApiError::Unreadable)
}

/// Lists what has happened to the account.
///
/// # Errors
///
/// [`ApiError`], as for every function here.
pub async fn activity(token: &str) -> Result<Activity, ApiError> {
    read(&send_as(token, Request::new("GET", "/api/me/activity")).await?)
}

/// Lists the user's sessions.
///
/// # Errors
///
/// [`ApiError`], as for every function here.
pub async fn sessions(token: &str) -> Result<Sessions, ApiError> {
    read(&send_as(token, Request::new("GET", "/api/sessions")).await?)
}

/// Ends one of the user's sessions.
///
/// # Errors
///
/// [`ApiError`], as for every function here.
pub async fn end_session(token: &str, id: &str) -> Result<(), ApiError> {
    let request = Request::new("DELETE", format!("/api/sessions/{id}"));
    send_as(token, request).await.map(drop)
}

/// Ends all of the user's sessions but the one that the token belongs to.
///
/// # Errors
///
/// [`ApiError`], as for every function here.
pub async fn end_other_sessions(token: &str) -> Result<(), ApiError> {
    send_as(token, Request::new("DELETE", "/api/sessions")).await.map(drop)
}

/// Ends the session that the token belongs to.
///
/// # Errors
///
/// [`ApiError`], as for every function here.
pub async fn log_out(token: &str) -> Result<(), ApiError> {
    let post = with_body("POST", "/api/logout", &[])?;
    let request = Request { outlives_page: true, patience_ms: LOG_OUT_PATIENCE_MS, ..post };
    send_as(token, request).await.map(drop)
}

/// Sends a request of somebody who is signed in.
async fn send_as(token: &str, mut request: Request) -> Result<String, ApiError> {
    if !can_be_sent(token) {
        return Err(ApiError::no_token());
    }
    request.token = Some(token.to_owned());
    http::send(&request).await
}

/// Whether a header can carry it, as it can every token that the server ever issued.
fn can_be_sent(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

fn with_body(
    method: &'static str,
    path: &'static str,
    body: &[(&str, JsValue)],
) -> Result<Request, ApiError> {
    let body = json::object(body).ok_or(ApiError::Unreadable)?;
    Ok(Request { body: Some(body), ..Request::new(method, path) })
}

fn read<T: FromJson>(body: &str) -> Result<T, ApiError> {
    json::read(body).ok_or(ApiError::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_header_can_carry_is_not_sent() {
        assert!(can_be_sent("eyJhbGciOiJFZERTQSJ9.e30.c2ln-_"));
        for text in ["", "tok\u{2603}en", "a\nb", "a b", "\u{7f}"] {
            assert!(!can_be_sent(text), "{text:?}");
        }
    }
}

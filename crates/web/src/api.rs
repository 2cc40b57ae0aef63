//! Requests to the server, and their errors.

mod error;
mod factors;
mod http;

use std::borrow::Cow;

use api_types::{
    Activity, ChangeEmailRequest, ChangePasswordRequest, CodeRequest, DeleteAccountRequest,
    EmailTokenRequest, Empty, MailRequested, Me, PasskeyOptionsRequest, PasskeyTokenRequest,
    PasswordReset, PublicKeyCredentialRequestOptions, RequestPasswordResetRequest,
    ResetPasswordRequest, SecondFactorRequest, Sessions, SignupRequest, TokenRequest,
    TokenResponse, User,
};
use js_sys::JSON;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;

pub use error::{ApiError, Rejection};
pub use factors::{
    add_passkey, confirm_totp, factors, new_passkey_options, remove_passkey, rename_passkey,
    renew_recovery_codes, set_up_totp, turn_second_factor_off, turn_second_factor_on,
};
use http::{Request, Success};

/// How long a sign-out waits for the server's response.
const SIGN_OUT_TIMEOUT_MS: u32 = 5_000;

/// Creates an account.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn sign_up(account: &SignupRequest) -> Result<User, ApiError> {
    read(&http::send(&with_body("POST", "/api/signup", account)?).await?)
}

/// Signs in.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn sign_in(credentials: &TokenRequest) -> Result<TokenResponse, ApiError> {
    read(&http::send(&with_body("POST", "/api/token", credentials)?).await?)
}

/// Gets a new access token with the refresh token, which is in a cookie that no script can read.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn refresh(timeout_ms: u32) -> Result<TokenResponse, ApiError> {
    let post = with_body("POST", "/api/token/refresh", &Empty {})?;
    // The server replaces the refresh token even if the page is closed before the response arrives.
    // With `keepalive`, the browser still stores the new cookie.
    let request = Request { keepalive: true, timeout_ms, ..post };
    read(&http::send(&request).await?)
}

/// Returns the user of a token, and when the session expires.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn me(token: &str) -> Result<Me, ApiError> {
    read(&send_as(token, Request::new("GET", "/api/me")).await?)
}

/// Replaces the password, and ends every other session.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn change_password(
    token: &str,
    passwords: &ChangePasswordRequest,
) -> Result<(), ApiError> {
    let request = with_body("PUT", "/api/me/password", passwords)?;
    confirmed(&send_as(token, request).await?)
}

/// Requests a mail with a code that verifies the email address.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn request_verification(token: &str) -> Result<MailRequested, ApiError> {
    let request = with_body("POST", "/api/me/email/verification", &Empty {})?;
    read(&send_as(token, request).await?)
}

/// Verifies the email address with a code from a mail.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn verify_email(token: &str, code: &CodeRequest) -> Result<Me, ApiError> {
    let request = with_body("PUT", "/api/me/email/verification", code)?;
    read(&send_as(token, request).await?)
}

/// Requests a mail with a code to the new email address.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn request_email_change(
    token: &str,
    change: &ChangeEmailRequest,
) -> Result<MailRequested, ApiError> {
    read(&send_as(token, with_body("POST", "/api/me/email", change)?).await?)
}

/// Replaces the email address with a code from a mail, and ends every other session.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn change_email(token: &str, code: &CodeRequest) -> Result<Me, ApiError> {
    read(&send_as(token, with_body("PUT", "/api/me/email", code)?).await?)
}

/// Requests a mail with a token that resets the password.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn request_password_reset(
    account: &RequestPasswordResetRequest,
) -> Result<MailRequested, ApiError> {
    read(&http::send(&with_body("POST", "/api/password-reset", account)?).await?)
}

/// Resets the password with a token from a mail, and ends every session.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn reset_password(reset: &ResetPasswordRequest) -> Result<PasswordReset, ApiError> {
    read(&http::send(&with_body("PUT", "/api/password-reset", reset)?).await?)
}

/// Requests a mail with a code for signing in.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn request_sign_in_code(account: &EmailTokenRequest) -> Result<MailRequested, ApiError> {
    read(&http::send(&with_body("POST", "/api/token/email", account)?).await?)
}

/// Signs in with a code from a mail, which this browser has requested.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn sign_in_with_code(code: &CodeRequest) -> Result<TokenResponse, ApiError> {
    read(&http::send(&with_body("PUT", "/api/token/email", code)?).await?)
}

/// Completes a sign-in with a second factor.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn sign_in_with_second_factor(
    second: &SecondFactorRequest,
) -> Result<TokenResponse, ApiError> {
    read(&http::send(&with_body("POST", "/api/token/second-factor", second)?).await?)
}

/// Returns the options with which the browser asks for a passkey.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn passkey_options(
    request: &PasskeyOptionsRequest,
) -> Result<PublicKeyCredentialRequestOptions, ApiError> {
    read(&http::send(&with_body("POST", "/api/token/passkey/options", request)?).await?)
}

/// Signs in with a passkey.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn sign_in_with_passkey(
    passkey: &PasskeyTokenRequest,
) -> Result<TokenResponse, ApiError> {
    read(&http::send(&with_body("POST", "/api/token/passkey", passkey)?).await?)
}

/// Deletes the account and everything that belongs to it.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn delete_account(token: &str, request: &DeleteAccountRequest) -> Result<(), ApiError> {
    confirmed(&send_as(token, with_body("DELETE", "/api/me", request)?).await?)
}

/// Returns all data that the server stores about the user, as indented JSON. The browser formats
/// the JSON, because that keeps members that this program does not know, and keeps the order of the
/// members.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn export(token: &str) -> Result<String, ApiError> {
    let answer = send_as(token, Request::new("GET", "/api/me/export")).await?;
    let value = JSON::parse(&answer.body).map_err(|_| ApiError::Unreadable)?;
    let text = JSON::stringify_with_replacer_and_space(&value, &JsValue::NULL, &2.into());
    text.map(String::from).map_err(|_| ApiError::Unreadable)
}

/// Returns the account's recent audit events.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn activity(token: &str) -> Result<Activity, ApiError> {
    read(&send_as(token, Request::new("GET", "/api/me/activity")).await?)
}

/// Returns the user's active sessions.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn sessions(token: &str) -> Result<Sessions, ApiError> {
    read(&send_as(token, Request::new("GET", "/api/sessions")).await?)
}

/// Ends one of the user's sessions.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn end_session(token: &str, id: &str) -> Result<(), ApiError> {
    let request = Request::new("DELETE", format!("/api/sessions/{id}"));
    confirmed(&send_as(token, request).await?)
}

/// Ends all of the user's sessions except the one that the token belongs to.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn end_other_sessions(token: &str) -> Result<(), ApiError> {
    confirmed(&send_as(token, Request::new("DELETE", "/api/sessions")).await?)
}

/// Ends the session of the token.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn sign_out(token: &str) -> Result<(), ApiError> {
    let post = with_body("POST", "/api/logout", &Empty {})?;
    let request = Request { keepalive: true, timeout_ms: SIGN_OUT_TIMEOUT_MS, ..post };
    confirmed(&send_as(token, request).await?)
}

/// Sends a request with an access token.
async fn send_as(token: &str, mut request: Request) -> Result<Success, ApiError> {
    if !is_header_safe(token) {
        return Err(ApiError::no_token());
    }
    request.token = Some(token.to_owned());
    http::send(&request).await
}

/// Returns whether a token can be sent in a header. Every token from the server can.
fn is_header_safe(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

fn with_body(
    method: &'static str,
    path: impl Into<Cow<'static, str>>,
    body: &impl Serialize,
) -> Result<Request, ApiError> {
    let body = serde_json::to_string(body).map_err(|_| ApiError::Unreadable)?;
    Ok(Request { body: Some(body), ..Request::new(method, path) })
}

fn read<T: DeserializeOwned>(answer: &Success) -> Result<T, ApiError> {
    serde_json::from_str(&answer.body).map_err(|_| ApiError::Unreadable)
}

/// Checks that the server has confirmed a change. The server does so with 204. Any other success
/// comes from a proxy, for example as the page of its own log-in.
const fn confirmed(answer: &Success) -> Result<(), ApiError> {
    if answer.status == 204 { Ok(()) } else { Err(ApiError::Unreadable) }
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

    #[test]
    fn only_the_status_204_confirms_a_change() {
        let answer = |status| confirmed(&Success { status, body: String::new() });
        assert_eq!(answer(204), Ok(()));
        for status in [200, 201, 202, 205] {
            assert_eq!(answer(status), Err(ApiError::Unreadable), "{status}");
        }
    }
}

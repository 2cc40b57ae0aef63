//! Requests to the server, and their errors.
//!
//! Most functions return a [`Call`]. Their documentation describes the effect of sending the call,
//! with [`Call::send`] or with the access token of the session.

mod call;
mod error;
mod factors;
mod http;

use api_types::{
    Activity, ChangeEmailRequest, ChangePasswordRequest, CodeRequest, DeleteAccountRequest,
    EmailTokenRequest, Empty, MailRequested, Me, PasskeyOptionsRequest, PasskeyTokenRequest,
    PasswordReset, RequestPasswordResetRequest, ResetPasswordRequest, SecondFactorRequest,
    Sessions, SignupRequest, TokenRequest, TokenResponse, User,
};
use js_sys::JSON;
use wasm_bindgen::JsValue;

use crate::webauthn::{Credential, PasskeyOptions};

pub use call::Call;
pub use error::{ApiError, Rejection};
pub use factors::{
    add_passkey, confirm_totp, factors, new_passkey_options, remove_passkey, rename_passkey,
    renew_recovery_codes, set_up_totp, turn_second_factor_off, turn_second_factor_on,
};
pub(crate) use http::{Request, Success};

/// How long a sign-out waits for the server's response.
const SIGN_OUT_TIMEOUT_MS: u32 = 5_000;

/// Creates an account.
pub fn sign_up(account: &SignupRequest) -> Call<User> {
    Call::json(Request::with_body("POST", "/api/signup", account))
}

/// Signs in.
pub fn sign_in(credentials: &TokenRequest) -> Call<TokenResponse> {
    Call::json(Request::with_body("POST", "/api/token", credentials))
}

/// Gets a new access token with the refresh token, which is in a cookie that no script can read.
pub fn refresh(timeout_ms: u32) -> Call<TokenResponse> {
    let post = Request::with_body("POST", "/api/token/refresh", &Empty {});
    // The server replaces the refresh token even if the page is closed before the response arrives.
    // With `keepalive`, the browser still stores the new cookie.
    Call::json(Request { keepalive: true, timeout_ms, ..post })
}

/// Returns the user of a token, and when the session expires.
pub fn me() -> Call<Me> {
    Call::json(Request::new("GET", "/api/me"))
}

/// Replaces the password, and ends every other session.
pub fn change_password(passwords: &ChangePasswordRequest) -> Call<()> {
    Call::confirmed(Request::with_body("PUT", "/api/me/password", passwords))
}

/// Requests a mail with a code that verifies the email address.
pub fn request_verification() -> Call<MailRequested> {
    Call::json(Request::with_body("POST", "/api/me/email/verification", &Empty {}))
}

/// Verifies the email address with a code from a mail.
pub fn verify_email(code: &CodeRequest) -> Call<Me> {
    Call::json(Request::with_body("PUT", "/api/me/email/verification", code))
}

/// Requests a mail with a code to the new email address.
pub fn request_email_change(change: &ChangeEmailRequest) -> Call<MailRequested> {
    Call::json(Request::with_body("POST", "/api/me/email", change))
}

/// Replaces the email address with a code from a mail, and ends every other session.
pub fn change_email(code: &CodeRequest) -> Call<Me> {
    Call::json(Request::with_body("PUT", "/api/me/email", code))
}

/// Requests a mail with a token that resets the password.
pub fn request_password_reset(account: &RequestPasswordResetRequest) -> Call<MailRequested> {
    Call::json(Request::with_body("POST", "/api/password-reset", account))
}

/// Resets the password with a token from a mail, and ends every session.
pub fn reset_password(reset: &ResetPasswordRequest) -> Call<PasswordReset> {
    Call::json(Request::with_body("PUT", "/api/password-reset", reset))
}

/// Requests a mail with a code for signing in.
pub fn request_sign_in_code(account: &EmailTokenRequest) -> Call<MailRequested> {
    Call::json(Request::with_body("POST", "/api/token/email", account))
}

/// Signs in with a code from a mail, which this browser has requested.
pub fn sign_in_with_code(code: &CodeRequest) -> Call<TokenResponse> {
    Call::json(Request::with_body("PUT", "/api/token/email", code))
}

/// Completes a sign-in with a second factor.
pub fn sign_in_with_second_factor(second: &SecondFactorRequest<Credential>) -> Call<TokenResponse> {
    Call::json(Request::with_body("POST", "/api/token/second-factor", second))
}

/// Returns the options with which the browser asks for a passkey.
pub fn passkey_options(request: &PasskeyOptionsRequest) -> Call<PasskeyOptions> {
    Call::new(Request::with_body("POST", "/api/token/passkey/options", request), passkey_options_in)
}

/// Signs in with a passkey.
pub fn sign_in_with_passkey(passkey: &PasskeyTokenRequest<Credential>) -> Call<TokenResponse> {
    Call::json(Request::with_body("POST", "/api/token/passkey", passkey))
}

/// Deletes the account and everything that belongs to it.
pub fn delete_account(request: &DeleteAccountRequest) -> Call<()> {
    Call::confirmed(Request::with_body("DELETE", "/api/me", request))
}

/// Returns all data that the server stores about the user, as indented JSON. The browser formats
/// the JSON, because that keeps members that this program does not know, and keeps the order of the
/// members.
pub fn export() -> Call<String> {
    Call::new(Request::new("GET", "/api/me/export"), |answer| {
        let value = JSON::parse(&answer.body).map_err(|_| ApiError::Unreadable)?;
        let text = JSON::stringify_with_replacer_and_space(&value, &JsValue::NULL, &2.into());
        text.map(String::from).map_err(|_| ApiError::Unreadable)
    })
}

/// Returns the account's recent audit events.
pub fn activity() -> Call<Activity> {
    Call::json(Request::new("GET", "/api/me/activity"))
}

/// Returns the user's active sessions.
pub fn sessions() -> Call<Sessions> {
    Call::json(Request::new("GET", "/api/sessions"))
}

/// Ends one of the user's sessions.
pub fn end_session(id: &str) -> Call<()> {
    Call::confirmed(Request::new("DELETE", format!("/api/sessions/{id}")))
}

/// Ends all of the user's sessions except the one that the token belongs to.
pub fn end_other_sessions() -> Call<()> {
    Call::confirmed(Request::new("DELETE", "/api/sessions"))
}

/// Ends the session of the token.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn sign_out(token: &str) -> Result<(), ApiError> {
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

/// Reads the options for a request for a passkey.
fn passkey_options_in(answer: &Success) -> Result<PasskeyOptions, ApiError> {
    PasskeyOptions::parse(&answer.body).map_err(|_| ApiError::Unreadable)
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

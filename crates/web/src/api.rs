//! Requests to the server.
//!
//! All functions return a [`Call`]. Their documentation describes the effect of sending the call,
//! with [`Call::send`] or with the access token of the session.

mod factors;

use api_types::{
    Activity, ChangeEmailRequest, ChangePasswordRequest, CodeRequest, DeleteAccountRequest,
    EmailTokenRequest, Empty, MailRequested, Me, PasskeyOptionsRequest, PasskeyTokenRequest,
    PasswordReset, RequestPasswordResetRequest, ResetPasswordRequest, Sessions, TokenResponse,
};
use js_sys::JSON;
use wasm_bindgen::JsValue;
use yew_session::{ApiError, Call, Request, Success};

use crate::webauthn::{Credential, PasskeyOptions};

pub use factors::{
    add_passkey, confirm_totp, factors, new_passkey_options, remove_passkey, rename_passkey,
    renew_recovery_codes, set_up_totp, turn_second_factor_off, turn_second_factor_on,
};
pub use yew_session::calls::{sign_in, sign_in_with_second_factor, sign_up};

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
    Call::sign_in(Request::with_body("PUT", "/api/token/email", code))
}

/// Returns the options with which the browser asks for a passkey.
pub fn passkey_options(request: &PasskeyOptionsRequest) -> Call<PasskeyOptions> {
    Call::new(Request::with_body("POST", "/api/token/passkey/options", request), passkey_options_in)
}

/// Signs in with a passkey.
pub fn sign_in_with_passkey(passkey: &PasskeyTokenRequest<Credential>) -> Call<TokenResponse> {
    Call::sign_in(Request::with_body("POST", "/api/token/passkey", passkey))
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

/// Reads the options for a request for a passkey.
fn passkey_options_in(answer: &Success) -> Result<PasskeyOptions, ApiError> {
    PasskeyOptions::parse(&answer.body).map_err(|_| ApiError::Unreadable)
}

//! Requests that read and change the user's second factors and passkeys.

use api_types::{
    AddPasskeyRequest, ConfirmTotpRequest, Empty, Factors, Passkey, PendingTotp,
    PublicKeyCredentialCreationOptions, RecoveryCodes, RenamePasskeyRequest,
};

use super::error::ApiError;
use super::http::Request;
use super::{confirmed, read, send_as, with_body};

/// Returns the user's second factors and passkeys.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn factors(token: &str) -> Result<Factors, ApiError> {
    read(&send_as(token, Request::new("GET", "/api/me/factors")).await?)
}

/// Starts to set up an authenticator app. An app that is already set up stays active.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn set_up_totp(token: &str) -> Result<PendingTotp, ApiError> {
    read(&send_as(token, with_body("POST", "/api/me/totp", &Empty {})?).await?)
}

/// Activates the app that is being set up, turns the second factor on, and ends every other
/// session. If the second factor was on already, returns no codes.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn confirm_totp(
    token: &str,
    code: &ConfirmTotpRequest,
) -> Result<RecoveryCodes, ApiError> {
    read(&send_as(token, with_body("PUT", "/api/me/totp", code)?).await?)
}

/// Turns the second factor on, with the user's passkeys, and ends every other session. If the
/// second factor was on already, returns no codes.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn turn_second_factor_on(token: &str) -> Result<RecoveryCodes, ApiError> {
    read(&send_as(token, with_body("PUT", "/api/me/second-factor", &Empty {})?).await?)
}

/// Turns the second factor off, and ends every other session. Deletes the app and the recovery
/// codes, but no passkeys.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn turn_second_factor_off(token: &str) -> Result<(), ApiError> {
    confirmed(&send_as(token, Request::new("DELETE", "/api/me/second-factor")).await?)
}

/// Replaces the recovery codes.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn renew_recovery_codes(token: &str) -> Result<RecoveryCodes, ApiError> {
    read(&send_as(token, with_body("POST", "/api/me/recovery-codes", &Empty {})?).await?)
}

/// Returns the options with which the browser creates a passkey.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn new_passkey_options(
    token: &str,
) -> Result<PublicKeyCredentialCreationOptions, ApiError> {
    read(&send_as(token, with_body("POST", "/api/me/passkeys/options", &Empty {})?).await?)
}

/// Adds a passkey that the browser has created.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn add_passkey(token: &str, passkey: &AddPasskeyRequest) -> Result<Passkey, ApiError> {
    read(&send_as(token, with_body("POST", "/api/me/passkeys", passkey)?).await?)
}

/// Renames a passkey.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn rename_passkey(
    token: &str,
    id: &str,
    name: &RenamePasskeyRequest,
) -> Result<Passkey, ApiError> {
    read(&send_as(token, with_body("PUT", format!("/api/me/passkeys/{id}"), name)?).await?)
}

/// Removes a passkey, and ends every other session.
///
/// # Errors
///
/// Returns an [`ApiError`] if the request fails.
pub async fn remove_passkey(token: &str, id: &str) -> Result<(), ApiError> {
    confirmed(&send_as(token, Request::new("DELETE", format!("/api/me/passkeys/{id}"))).await?)
}

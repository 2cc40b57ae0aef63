//! Requests that read and change the user's second factors and passkeys.

use api_types::{
    AddPasskeyRequest, ConfirmTotpRequest, Empty, Factors, Passkey, PendingTotp, RecoveryCodes,
    RenamePasskeyRequest,
};
use yew_session::{Call, Request};

use super::passkey_options_in;

use crate::webauthn::{Credential, PasskeyOptions};

/// Returns the user's second factors and passkeys.
pub fn factors() -> Call<Factors> {
    Call::json(Request::new("GET", "/api/me/factors"))
}

/// Begins the set-up of an authenticator app. An app that is already set up stays active.
pub fn set_up_totp() -> Call<PendingTotp> {
    Call::json(Request::with_body("POST", "/api/me/totp", &Empty {}))
}

/// Activates the app that is being set up, turns the second factor on, and ends every other
/// session. If the second factor was already on, returns no codes.
pub fn confirm_totp(code: &ConfirmTotpRequest) -> Call<RecoveryCodes> {
    Call::json(Request::with_body("PUT", "/api/me/totp", code))
}

/// Turns the second factor on, with the user's passkeys, and ends every other session. If the
/// second factor was already on, returns no codes.
pub fn turn_second_factor_on() -> Call<RecoveryCodes> {
    Call::json(Request::with_body("PUT", "/api/me/second-factor", &Empty {}))
}

/// Turns the second factor off, and ends every other session. Deletes the app and the recovery
/// codes, but no passkeys.
pub fn turn_second_factor_off() -> Call<()> {
    Call::confirmed(Request::new("DELETE", "/api/me/second-factor"))
}

/// Replaces the recovery codes.
pub fn renew_recovery_codes() -> Call<RecoveryCodes> {
    Call::json(Request::with_body("POST", "/api/me/recovery-codes", &Empty {}))
}

/// Returns the options with which the browser creates a passkey.
pub fn new_passkey_options() -> Call<PasskeyOptions> {
    let request = Request::with_body("POST", "/api/me/passkeys/options", &Empty {});
    Call::new(request, passkey_options_in)
}

/// Adds a passkey that the browser has created.
pub fn add_passkey(passkey: &AddPasskeyRequest<Credential>) -> Call<Passkey> {
    Call::json(Request::with_body("POST", "/api/me/passkeys", passkey))
}

/// Renames a passkey.
pub fn rename_passkey(id: &str, name: &RenamePasskeyRequest) -> Call<Passkey> {
    Call::json(Request::with_body("PUT", format!("/api/me/passkeys/{id}"), name))
}

/// Removes a passkey, and ends every other session.
pub fn remove_passkey(id: &str) -> Call<()> {
    Call::confirmed(Request::new("DELETE", format!("/api/me/passkeys/{id}")))
}

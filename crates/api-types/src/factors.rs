//! Second factors and passkeys.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::request::{RequestBody, not_null};

/// A credential of the browser: `PublicKeyCredential.toJSON()` (WebAuthn Level 3, 5.1.8). Unknown
/// members are ignored.
///
/// The types of requests have it as a type parameter, because the web app sends the browser's JSON
/// unchanged, without parsing it.
pub type CredentialJson = Map<String, Value>;

/// The second factors and passkeys of the caller. The response to `GET /api/me/factors`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Factors {
    /// `true` if logging in requires a second factor.
    pub second_factor: bool,
    /// The authenticator app. `null` if there is none.
    pub totp: Option<Totp>,
    /// The recovery codes. `null` if the second factor is off.
    pub recovery_codes: Option<RecoveryCodeCount>,
    /// The passkeys, oldest first.
    pub passkeys: Vec<Passkey>,
}

/// An authenticator app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Totp {
    /// When the app was set up (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub created_at: String,
    /// When a code from the app was last used (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub last_used_at: Option<String>,
}

/// The unused recovery codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecoveryCodeCount {
    /// The number of unused codes.
    pub left: u32,
    /// When the codes were created (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub created_at: String,
}

/// A passkey. The response to `POST /api/me/passkeys` and `PUT /api/me/passkeys/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Passkey {
    /// The id of the passkey, a UUIDv7.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    pub id: String,
    /// The name that the user gave it.
    pub name: String,
    /// When the passkey was added (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub created_at: String,
    /// When the passkey was last used to log in (RFC 3339, UTC). `null` if it never was.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub last_used_at: Option<String>,
    /// `true` if the passkey is backed up, so that it works on several devices.
    pub synced: bool,
    /// The credential ID in base64url.
    pub credential_id: String,
}

/// An app that is being set up. The response to `POST /api/me/totp`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PendingTotp {
    /// The secret in base32 (RFC 4648), for apps into which it is typed.
    pub secret: String,
    /// The secret as an `otpauth:` URI, for a QR code.
    pub uri: String,
    /// The number of seconds until the set-up has to be started again.
    pub expires_in: u64,
}

/// New recovery codes, which are shown once. The response to `PUT /api/me/totp`,
/// `PUT /api/me/second-factor` and `POST /api/me/recovery-codes`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RecoveryCodes {
    /// Ten codes such as `ABCD-EFGH-JKMN-PQRS-TVWX-YZ23`. Empty if the earlier codes stay valid.
    pub recovery_codes: Vec<String>,
}

/// The body of `PUT /api/me/totp`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConfirmTotpRequest {
    /// The code that the app shows.
    pub code: String,
}

/// The body of `POST /api/token/second-factor`. It has exactly one of `code`, `recovery_code` and
/// `credential`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "SecondFactorRequest")
)]
#[cfg_attr(feature = "schema", schemars(extend("oneOf" = [
    {"required": ["code"]},
    {"required": ["recovery_code"]},
    {"required": ["credential"]},
])))]
#[serde(deny_unknown_fields)]
pub struct SecondFactorRequest<C = CredentialJson> {
    /// The ticket from the response to the first step.
    pub ticket: String,
    /// The code that the app shows.
    #[serde(default, deserialize_with = "not_null", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub code: Option<String>,
    /// A recovery code, as typed.
    #[serde(default, deserialize_with = "not_null", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub recovery_code: Option<String>,
    /// The browser's response to the options of `POST /api/token/passkey/options`.
    #[serde(
        bound(deserialize = "C: Deserialize<'de>"),
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "CredentialJson"))]
    pub credential: Option<C>,
}

/// The body of `POST /api/me/passkeys`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "AddPasskeyRequest")
)]
#[serde(deny_unknown_fields)]
pub struct AddPasskeyRequest<C = CredentialJson> {
    /// The name of the passkey: 1 to 64 characters.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 64)))]
    pub name: String,
    /// The browser's response to the options of `POST /api/me/passkeys/options`.
    pub credential: C,
}

/// The body of `PUT /api/me/passkeys/{id}`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RenamePasskeyRequest {
    /// The new name: 1 to 64 characters.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 64)))]
    pub name: String,
}

/// The body of `POST /api/token/passkey/options`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PasskeyOptionsRequest {
    /// The ticket from the response to the first step, if the passkey is the second step.
    #[serde(default, deserialize_with = "not_null", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub ticket: Option<String>,
}

/// The body of `POST /api/token/passkey`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "PasskeyTokenRequest")
)]
#[serde(deny_unknown_fields)]
pub struct PasskeyTokenRequest<C = CredentialJson> {
    /// The browser's response to the options of `POST /api/token/passkey/options`.
    pub credential: C,
    /// `true` to open a session that survives closing the browser and has longer time limits.
    #[serde(default)]
    pub remember: bool,
}

/// The additional members of a problem with the code `second_factor_required`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SecondFactorRequired {
    /// The ticket to send with the second factor. It opens nothing by itself.
    pub ticket: String,
    /// The factors that the account has.
    pub factors: Vec<FactorKind>,
    /// The number of seconds until the ticket expires.
    pub expires_in: u64,
}

named! {
    /// The kinds of second factors.
    #[derive(Hash)]
    pub enum FactorKind {
        /// A code from an authenticator app.
        Totp = "totp",
        /// A passkey.
        Passkey = "passkey",
        /// A recovery code.
        RecoveryCode = "recovery_code",
    }
}

/// Options for `navigator.credentials.create`: `PublicKeyCredentialCreationOptionsJSON` (WebAuthn
/// Level 3, 5.1.9). The response to `POST /api/me/passkeys/options`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PublicKeyCredentialCreationOptions {
    /// The service.
    pub rp: RelyingPartyEntity,
    /// The account.
    pub user: UserEntity,
    /// The challenge in base64url.
    pub challenge: String,
    /// The accepted algorithms, the preferred one first.
    pub pub_key_cred_params: Vec<CredentialParameters>,
    /// The time to respond, in milliseconds.
    pub timeout: u64,
    /// The passkeys that the account has.
    pub exclude_credentials: Vec<CredentialDescriptor>,
    /// The requirements on the authenticator.
    pub authenticator_selection: AuthenticatorSelection,
    /// Always `none`.
    pub attestation: String,
}

/// Options for `navigator.credentials.get`: `PublicKeyCredentialRequestOptionsJSON` (WebAuthn
/// Level 3, 5.1.10). The response to `POST /api/token/passkey/options`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PublicKeyCredentialRequestOptions {
    /// The challenge in base64url.
    pub challenge: String,
    /// The time to respond, in milliseconds.
    pub timeout: u64,
    /// The relying party ID: the host of the service.
    pub rp_id: String,
    /// The passkeys of the account, if the request has a ticket. Otherwise empty.
    pub allow_credentials: Vec<CredentialDescriptor>,
    /// Always `required`.
    pub user_verification: String,
}

/// The service, for authenticators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RelyingPartyEntity {
    /// The relying party ID: the host of the service.
    pub id: String,
    /// The name of the service.
    pub name: String,
}

/// The account, for authenticators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct UserEntity {
    /// The 16 bytes of the account's id in base64url.
    pub id: String,
    /// The email address.
    pub name: String,
    /// The email address.
    pub display_name: String,
}

/// An accepted kind of key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CredentialParameters {
    /// Always `public-key`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The COSE number of the signature algorithm.
    pub alg: i32,
}

/// A passkey, for authenticators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CredentialDescriptor {
    /// Always `public-key`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The credential ID in base64url.
    pub id: String,
}

/// The requirements on an authenticator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct AuthenticatorSelection {
    /// Always `required`.
    pub resident_key: String,
    /// Always `true`, for authenticators that do not know `residentKey`.
    pub require_resident_key: bool,
    /// Always `required`.
    pub user_verification: String,
}

impl RequestBody for ConfirmTotpRequest {
    const SHAPE: &'static str = "an object with the string member \"code\" and no others";
}

impl SecondFactorRequest<()> {
    /// Returns a request with the code that the app shows.
    #[must_use]
    pub fn code(ticket: impl Into<String>, code: impl Into<String>) -> Self {
        let (ticket, code) = (ticket.into(), Some(code.into()));
        Self { ticket, code, recovery_code: None, credential: None }
    }

    /// Returns a request with a recovery code, as typed.
    #[must_use]
    pub fn recovery_code(ticket: impl Into<String>, code: impl Into<String>) -> Self {
        let (ticket, recovery_code) = (ticket.into(), Some(code.into()));
        Self { ticket, code: None, recovery_code, credential: None }
    }
}

impl<C> SecondFactorRequest<C> {
    /// Returns a request with a passkey.
    #[must_use]
    pub fn credential(ticket: impl Into<String>, credential: C) -> Self {
        let (ticket, credential) = (ticket.into(), Some(credential));
        Self { ticket, code: None, recovery_code: None, credential }
    }
}

impl RequestBody for SecondFactorRequest {
    const SHAPE: &'static str = "an object with the string member \"ticket\", exactly one of the string members \"code\" and \"recovery_code\" and the object member \"credential\", and no others";
}

impl RequestBody for AddPasskeyRequest {
    const SHAPE: &'static str =
        "an object with the string member \"name\", the object member \"credential\" and no others";
}

impl RequestBody for RenamePasskeyRequest {
    const SHAPE: &'static str = "an object with the string member \"name\" and no others";
}

impl RequestBody for PasskeyOptionsRequest {
    const SHAPE: &'static str =
        "an object, optionally with the string member \"ticket\", and no others";
}

impl RequestBody for PasskeyTokenRequest {
    const SHAPE: &'static str = "an object with the object member \"credential\", optionally the boolean member \"remember\", and no others";
}

debug_by_name!(
    PendingTotp RecoveryCodes ConfirmTotpRequest SecondFactorRequest<C> AddPasskeyRequest<C>
    RenamePasskeyRequest PasskeyOptionsRequest PasskeyTokenRequest<C> SecondFactorRequired
);

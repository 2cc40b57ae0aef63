use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// The JSON body of a request.
pub trait RequestBody {
    /// A description of the required shape, for the error response to a body of any other shape.
    const SHAPE: &'static str;
    /// `true` if an empty body is accepted and means `{}`.
    const MAY_BE_EMPTY: bool = false;
}

/// The body of `POST /api/signup`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SignupRequest {
    /// The email address, as typed.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "idn-email")))]
    pub email: String,
    /// The password, as typed.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 1_024)))]
    pub password: String,
    /// The token of an invitation for the email address. It is required while sign-up is off, and
    /// is used up by the sign-up.
    #[serde(default, deserialize_with = "not_null", skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub invitation: Option<String>,
}

/// The body of `POST /api/token`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// The email address, as typed.
    pub email: String,
    /// The password, as typed.
    pub password: String,
    /// `true` to open a session that survives closing the browser and has longer time limits.
    #[serde(default)]
    pub remember: bool,
}

/// The body of `PUT /api/me/password`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangePasswordRequest {
    /// The current password.
    pub current_password: String,
    /// The new password.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 1_024)))]
    pub new_password: String,
}

/// The body of `DELETE /api/me`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DeleteAccountRequest {
    /// The current password.
    pub password: String,
}

/// The body of `PUT /api/me/email/verification`, `PUT /api/me/email` and `PUT /api/token/email`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CodeRequest {
    /// The code from the mail, as typed.
    pub code: String,
}

/// The body of `POST /api/me/email`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangeEmailRequest {
    /// The new email address, as typed.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "idn-email")))]
    pub email: String,
    /// The current password.
    pub password: String,
}

/// The body of `POST /api/password-reset`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RequestPasswordResetRequest {
    /// The email address, as typed.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "idn-email")))]
    pub email: String,
}

/// The body of `PUT /api/password-reset`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ResetPasswordRequest {
    /// The token from the mail, as opened, pasted or typed.
    pub token: String,
    /// The new password.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 1_024)))]
    pub new_password: String,
}

/// The body of `POST /api/token/email`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EmailTokenRequest {
    /// The email address, as typed.
    pub email: String,
    /// `true` to open a session that survives closing the browser and has longer time limits.
    #[serde(default)]
    pub remember: bool,
}

/// The body of a request without data: `{}`, or no body at all.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Empty {}

/// Deserializes an optional member, which is absent or has a value other than `null`.
pub(crate) fn not_null<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

impl RequestBody for SignupRequest {
    const SHAPE: &'static str = "an object with the string members \"email\" and \"password\", optionally the string member \"invitation\", and no others";
}

impl RequestBody for TokenRequest {
    const SHAPE: &'static str = "an object with the string members \"email\" and \"password\", optionally the boolean member \"remember\", and no others";
}

impl RequestBody for ChangePasswordRequest {
    const SHAPE: &'static str =
        "an object with the string members \"current_password\" and \"new_password\" and no others";
}

impl RequestBody for DeleteAccountRequest {
    const SHAPE: &'static str = "an object with the string member \"password\" and no others";
}

impl RequestBody for CodeRequest {
    const SHAPE: &'static str = "an object with the string member \"code\" and no others";
}

impl RequestBody for ChangeEmailRequest {
    const SHAPE: &'static str =
        "an object with the string members \"email\" and \"password\" and no others";
}

impl RequestBody for RequestPasswordResetRequest {
    const SHAPE: &'static str = "an object with the string member \"email\" and no others";
}

impl RequestBody for ResetPasswordRequest {
    const SHAPE: &'static str =
        "an object with the string members \"token\" and \"new_password\" and no others";
}

impl RequestBody for EmailTokenRequest {
    const SHAPE: &'static str = "an object with the string member \"email\", optionally the boolean member \"remember\", and no others";
}

impl RequestBody for Empty {
    const SHAPE: &'static str = "empty or {}";
    const MAY_BE_EMPTY: bool = true;
}

// All of these contain a secret or an email address.
debug_by_name!(
    SignupRequest TokenRequest ChangePasswordRequest DeleteAccountRequest CodeRequest
    ChangeEmailRequest RequestPasswordResetRequest ResetPasswordRequest EmailTokenRequest
);

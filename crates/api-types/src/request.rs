use std::fmt;

use serde::{Deserialize, Serialize};

/// A JSON body that a request carries.
pub trait RequestBody {
    /// The shape in words, for the answer to a body that does not have it.
    const SHAPE: &'static str;
    /// Whether no body at all means the same as `{}`.
    const MAY_BE_EMPTY: bool = false;
}

/// The body of `POST /api/signup`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SignupRequest {
    /// The address as it was typed.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "idn-email")))]
    pub email: String,
    /// The password as it was typed.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 1_024)))]
    pub password: String,
}

/// The body of `POST /api/token`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// The address as it was typed.
    pub email: String,
    /// The password as it was typed.
    pub password: String,
    /// Whether the session should outlive the browser, and last longer without use.
    #[serde(default)]
    pub remember: bool,
}

/// The body of `PUT /api/me/password`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ChangePasswordRequest {
    /// The password in force.
    pub current_password: String,
    /// The one that takes its place.
    #[cfg_attr(feature = "schema", schemars(length(min = 1, max = 1_024)))]
    pub new_password: String,
}

/// The body of `DELETE /api/me`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DeleteAccountRequest {
    /// The password in force.
    pub password: String,
}

/// The body of a request that has nothing to say: `{}`, or no body at all.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Empty {}

impl RequestBody for SignupRequest {
    const SHAPE: &'static str = "an object with exactly the strings \"email\" and \"password\"";
}

impl RequestBody for TokenRequest {
    const SHAPE: &'static str = "an object with the strings \"email\" and \"password\" and, if wanted, the boolean \"remember\"";
}

impl RequestBody for ChangePasswordRequest {
    const SHAPE: &'static str =
        "an object with exactly the strings \"current_password\" and \"new_password\"";
}

impl RequestBody for DeleteAccountRequest {
    const SHAPE: &'static str = "an object with exactly the string \"password\"";
}

impl RequestBody for Empty {
    const SHAPE: &'static str = "empty, or the object {}";
    const MAY_BE_EMPTY: bool = true;
}

// All of these hold a password, so none shows more than its name.
macro_rules! debug_by_name {
    ($($name:ident)+) => {
        $(
            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.debug_struct(stringify!($name)).finish_non_exhaustive()
                }
            }
        )+
    };
}

debug_by_name!(SignupRequest TokenRequest ChangePasswordRequest DeleteAccountRequest);

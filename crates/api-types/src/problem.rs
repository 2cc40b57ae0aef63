use serde::{Deserialize, Serialize};

/// An error answer: `application/problem+json` (RFC 9457) with two members of our own,
/// `code` and `errors`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// Always `about:blank`: `code` is what tells one problem from another (RFC 9457, 4.2.1).
    #[serde(rename = "type")]
    pub kind: String,
    /// The name of the HTTP status.
    pub title: String,
    /// The HTTP status, once more in the body.
    pub status: u16,
    /// What went wrong this time and what to do about it, for a person.
    pub detail: String,
    /// What went wrong, for a program. Stable.
    pub code: ErrorCode,
    /// With [`ErrorCode::InvalidFields`]: every field that was refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

named! {
    /// The stable names of what can go wrong.
    #[derive(Hash)]
    pub enum ErrorCode {
        /// 400: the body is not a JSON text.
        MalformedJson = "malformed_json",
        /// 400: the body is JSON, but not of the shape asked for.
        InvalidRequest = "invalid_request",
        /// 401: no account has this e-mail and this password.
        InvalidCredentials = "invalid_credentials",
        /// 401: the access token is not valid, or its session is over.
        InvalidToken = "invalid_token",
        /// 401: the refresh token is missing, not valid, or its session is over.
        InvalidRefreshToken = "invalid_refresh_token",
        /// 401: there is no access token.
        MissingToken = "missing_token",
        /// 403: the request was sent by a page of another origin.
        ForbiddenOrigin = "forbidden_origin",
        /// 404: nothing is at this path.
        NotFound = "not_found",
        /// 405: the path does not know this method.
        MethodNotAllowed = "method_not_allowed",
        /// 409: an account with this e-mail exists.
        EmailTaken = "email_taken",
        /// 413: the body is larger than is taken.
        PayloadTooLarge = "payload_too_large",
        /// 415: the body is not declared as `application/json`.
        UnsupportedMediaType = "unsupported_media_type",
        /// 422: one or more fields break a rule; see [`Problem::errors`].
        InvalidFields = "invalid_fields",
        /// 429: too many attempts.
        TooManyAttempts = "too_many_attempts",
        /// 500: a defect of the server.
        Internal = "internal",
        /// 503: too many passwords are waiting to be hashed.
        Overloaded = "overloaded",
        /// 503: the store does not answer.
        Unavailable = "unavailable",
    }
}

impl ErrorCode {
    /// The HTTP status that goes with it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::MalformedJson | Self::InvalidRequest => 400,
            Self::InvalidCredentials
            | Self::InvalidToken
            | Self::InvalidRefreshToken
            | Self::MissingToken => 401,
            Self::ForbiddenOrigin => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::EmailTaken => 409,
            Self::PayloadTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::InvalidFields => 422,
            Self::TooManyAttempts => 429,
            Self::Internal => 500,
            Self::Overloaded | Self::Unavailable => 503,
        }
    }
}

/// One refused field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FieldError {
    /// The field's name in the request.
    pub field: String,
    /// Which rule it breaks. Stable.
    pub code: FieldCode,
    /// The rule in words, for a person.
    pub message: String,
}

named! {
    /// The stable names of the rules a field can break.
    #[derive(Hash)]
    pub enum FieldCode {
        /// Not an e-mail address.
        EmailInvalid = "email_invalid",
        /// Fewer characters than the least in force.
        PasswordTooShort = "password_too_short",
        /// More than 1,024 bytes.
        PasswordTooLong = "password_too_long",
        /// Among the passwords that are guessed first.
        PasswordCommon = "password_common",
        /// Holds U+0000.
        PasswordInvalid = "password_invalid",
        /// Not the password in force.
        PasswordWrong = "password_wrong",
    }
}

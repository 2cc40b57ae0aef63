use serde::{Deserialize, Serialize};

/// The body of an error response: `application/problem+json` (RFC 9457), extended by `code` and
/// `errors`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// Always `about:blank`: problems are distinguished by `code` (RFC 9457, 4.2.1).
    #[serde(rename = "type")]
    pub kind: String,
    /// The name of the HTTP status.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong and how to fix it, for people.
    pub detail: String,
    /// What went wrong, for programs. Stable.
    pub code: ErrorCode,
    /// With [`ErrorCode::InvalidFields`]: every invalid field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

named! {
    /// The stable codes of errors.
    #[derive(Hash)]
    pub enum ErrorCode {
        /// 400: the body is not JSON.
        MalformedJson = "malformed_json",
        /// 400: the body is JSON of another shape.
        InvalidRequest = "invalid_request",
        /// 401: the email address or the password is wrong.
        InvalidCredentials = "invalid_credentials",
        /// 401: the access token is not valid, or its session has ended.
        InvalidToken = "invalid_token",
        /// 401: the refresh token is missing or not valid, or its session has ended.
        InvalidRefreshToken = "invalid_refresh_token",
        /// 401: there is no access token.
        MissingToken = "missing_token",
        /// 403: a page of another origin sent the request.
        ForbiddenOrigin = "forbidden_origin",
        /// 404: there is nothing at this path.
        NotFound = "not_found",
        /// 405: the path does not support this method.
        MethodNotAllowed = "method_not_allowed",
        /// 409: an account with this email address exists.
        EmailTaken = "email_taken",
        /// 413: the body is too large.
        PayloadTooLarge = "payload_too_large",
        /// 415: the body is not declared as `application/json`.
        UnsupportedMediaType = "unsupported_media_type",
        /// 422: one or more fields are not valid; see [`Problem::errors`].
        InvalidFields = "invalid_fields",
        /// 429: too many attempts.
        TooManyAttempts = "too_many_attempts",
        /// 500: a defect of the server.
        Internal = "internal",
        /// 503: the server has too much to do.
        Overloaded = "overloaded",
        /// 503: the store is not available.
        Unavailable = "unavailable",
    }
}

impl ErrorCode {
    /// Returns the HTTP status of the response.
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

/// An invalid field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FieldError {
    /// The field's name in the request.
    pub field: String,
    /// The rule that it breaks, for programs. Stable.
    pub code: FieldCode,
    /// The rule, for people.
    pub message: String,
}

named! {
    /// The stable codes of the rules for fields.
    #[derive(Hash)]
    pub enum FieldCode {
        /// Not an e-mail address.
        EmailInvalid = "email_invalid",
        /// Fewer characters than the minimum.
        PasswordTooShort = "password_too_short",
        /// More than 1,024 bytes.
        PasswordTooLong = "password_too_long",
        /// Among the most common passwords.
        PasswordCommon = "password_common",
        /// Contains U+0000.
        PasswordInvalid = "password_invalid",
        /// Not the current password.
        PasswordWrong = "password_wrong",
    }
}

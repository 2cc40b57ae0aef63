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
    /// The problem and how to fix it, as text for people.
    pub detail: String,
    /// The stable error code, for programs.
    pub code: ErrorCode,
    /// All invalid fields, if the code is `invalid_fields`. Otherwise absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

named! {
    /// The stable error codes.
    #[derive(Hash)]
    pub enum ErrorCode {
        /// 400: the body is not JSON.
        MalformedJson = "malformed_json",
        /// 400: the body is JSON, but not the required object.
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
        /// 403: the operator has turned sign-up off.
        SignUpDisabled = "sign_up_disabled",
        /// 403: the email address of the user is not verified.
        EmailNotVerified = "email_not_verified",
        /// 404: nothing was found at this path.
        NotFound = "not_found",
        /// 405: the path does not support this method.
        MethodNotAllowed = "method_not_allowed",
        /// 409: an account with this email address already exists.
        EmailTaken = "email_taken",
        /// 409: the email address is verified already.
        AlreadyVerified = "already_verified",
        /// 413: the body is too large.
        PayloadTooLarge = "payload_too_large",
        /// 415: the content type is not `application/json`, or there is a content encoding.
        UnsupportedMediaType = "unsupported_media_type",
        /// 422: one or more fields are not valid. They are listed in `errors`.
        InvalidFields = "invalid_fields",
        /// 429: too many attempts.
        TooManyAttempts = "too_many_attempts",
        /// 500: a defect in the server.
        Internal = "internal",
        /// 501: the operator has not configured how to send mails.
        MailDisabled = "mail_disabled",
        /// 503: the server is overloaded.
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
            Self::ForbiddenOrigin | Self::SignUpDisabled | Self::EmailNotVerified => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::EmailTaken | Self::AlreadyVerified => 409,
            Self::PayloadTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::InvalidFields => 422,
            Self::TooManyAttempts => 429,
            Self::Internal => 500,
            Self::MailDisabled => 501,
            Self::Overloaded | Self::Unavailable => 503,
        }
    }
}

/// An invalid field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FieldError {
    /// The name of the field in the request.
    pub field: String,
    /// The stable code of the rule that the field breaks, for programs.
    pub code: FieldCode,
    /// The rule that the field breaks, as text for people.
    pub message: String,
}

named! {
    /// The stable codes of the rules that a field can break.
    #[derive(Hash)]
    pub enum FieldCode {
        /// The text is not an email address.
        EmailInvalid = "email_invalid",
        /// The password has fewer characters than the minimum.
        PasswordTooShort = "password_too_short",
        /// The password has more than 1,024 bytes.
        PasswordTooLong = "password_too_long",
        /// The password is among the most common ones, or is the email address or the app's name.
        PasswordCommon = "password_common",
        /// The password contains U+0000.
        PasswordInvalid = "password_invalid",
        /// The password is not the current one.
        PasswordWrong = "password_wrong",
        /// The new email address is the current one, possibly in another spelling.
        EmailUnchanged = "email_unchanged",
        /// The code is wrong. It can be tried again.
        CodeWrong = "code_wrong",
        /// The code has expired, was used, was replaced by a newer one, or was tried too often.
        CodeExpired = "code_expired",
        /// The reset token is unknown, has expired, was used, or was replaced by a newer one.
        TokenInvalid = "token_invalid",
    }
}

use serde::{Deserialize, Serialize};

use crate::factors::SecondFactorRequired;

/// The body of an error response: `application/problem+json` (RFC 9457), extended by `code`,
/// `errors`, and what a client needs to go on.
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
    /// The members `ticket`, `factors` and `expires_in`, if the code is `second_factor_required`.
    /// Otherwise absent.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub second_factor: Option<SecondFactorRequired>,
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
        /// 401: the first step of the log-in succeeded, and the account requires a second factor.
        SecondFactorRequired = "second_factor_required",
        /// 401: the ticket of a two-step log-in is not valid, or no longer valid.
        InvalidTicket = "invalid_ticket",
        /// 401: the challenge of a log-in with a passkey has expired, or was used.
        ChallengeExpired = "challenge_expired",
        /// 403: a page of another origin sent the request.
        ForbiddenOrigin = "forbidden_origin",
        /// 403: the operator has turned sign-up off.
        SignUpDisabled = "sign_up_disabled",
        /// 403: the invitation is not that of the email address, or it has expired, was used or
        /// replaced.
        InvitationInvalid = "invitation_invalid",
        /// 403: the app does not accept the sign-up. `detail` is its message for the user.
        SignUpRefused = "sign_up_refused",
        /// 403: the email address of the user is not verified.
        EmailUnverified = "email_unverified",
        /// 403: the user must log in again, because the last time was more than 10 minutes ago.
        StepUpRequired = "step_up_required",
        /// 403: the operator requires a second factor, and the user has none yet.
        SecondFactorEnrolmentRequired = "second_factor_enrolment_required",
        /// 403: the user does not have the role that the route of an app requires.
        RoleRequired = "role_required",
        /// 404: nothing was found at this path.
        NotFound = "not_found",
        /// 405: the path does not support this method.
        MethodNotAllowed = "method_not_allowed",
        /// 409: an account with this email address already exists.
        EmailTaken = "email_taken",
        /// 409: the email address is verified already.
        AlreadyVerified = "already_verified",
        /// 409: no app is being set up, or its set-up has expired.
        NoPendingTotp = "no_pending_totp",
        /// 409: the account has no passkey.
        NoFactor = "no_factor",
        /// 409: the operator requires a second factor.
        SecondFactorEnforced = "second_factor_enforced",
        /// 409: the second factor is off.
        SecondFactorOff = "second_factor_off",
        /// 409: the passkey already belongs to an account.
        PasskeyTaken = "passkey_taken",
        /// 409: the account has the maximum number of passkeys.
        TooManyPasskeys = "too_many_passkeys",
        /// 409: the passkey is the only second factor of the account.
        LastFactor = "last_factor",
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
        /// 501: browsers do not support passkeys for a service at an IP address.
        PasskeysUnavailable = "passkeys_unavailable",
        /// 503: the server is overloaded.
        Overloaded = "overloaded",
        /// 503: the store is not available.
        Unavailable = "unavailable",
    }
}

impl Problem {
    /// Returns the problem as JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// An error of an app, in the format of the API. Its code is not one of the [`ErrorCode`]s.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppProblem<'a> {
    /// The name of the HTTP status.
    pub title: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// The problem and how to fix it, as text for people.
    pub detail: &'a str,
    /// The stable error code, for programs.
    pub code: &'a str,
}

impl AppProblem<'_> {
    /// Returns the problem as JSON.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let Self { title, status, detail, code } = self;
        let json = serde_json::json!({
            "type": "about:blank", "title": title, "status": status, "detail": detail, "code": code
        });
        json.to_string().into_bytes()
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
            | Self::MissingToken
            | Self::SecondFactorRequired
            | Self::InvalidTicket
            | Self::ChallengeExpired => 401,
            Self::ForbiddenOrigin
            | Self::SignUpDisabled
            | Self::InvitationInvalid
            | Self::SignUpRefused
            | Self::EmailUnverified
            | Self::StepUpRequired
            | Self::SecondFactorEnrolmentRequired
            | Self::RoleRequired => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::EmailTaken
            | Self::AlreadyVerified
            | Self::NoPendingTotp
            | Self::NoFactor
            | Self::SecondFactorEnforced
            | Self::SecondFactorOff
            | Self::PasskeyTaken
            | Self::TooManyPasskeys
            | Self::LastFactor => 409,
            Self::PayloadTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::InvalidFields => 422,
            Self::TooManyAttempts => 429,
            Self::Internal => 500,
            Self::MailDisabled | Self::PasskeysUnavailable => 501,
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
        /// The passkey, or the browser's response with it, cannot be accepted.
        CredentialInvalid = "credential_invalid",
        /// The challenge of the passkey has expired, or was used.
        ChallengeExpired = "challenge_expired",
        /// The name does not have 1 to 64 characters, or contains a control or invisible character.
        NameInvalid = "name_invalid",
    }
}

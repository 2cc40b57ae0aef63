use api_types::{ErrorCode, FieldError, SecondFactorRequired};
use serde::Deserialize;

/// An error from a request. Its message is a sentence for users, in English.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// No response arrived: no network, no server, or a timeout.
    #[error("The server cannot be reached. Check your connection and try again.")]
    Unreachable,
    /// The response has an error status. The message is that of the first rejected field, or else
    /// the `detail` of the response. If the token is rejected, it says that the session has ended.
    #[error("{}", .0.message())]
    Rejected(Rejection),
    /// The response cannot be parsed. It comes from a proxy, or from another version of the server.
    #[error("Something went wrong. Reload the page and try again.")]
    Unreadable,
}

/// A response with an error status.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rejection {
    /// The HTTP status.
    pub status: u16,
    /// The error code, if the response has one that this version knows.
    pub code: Option<ErrorCode>,
    /// The error code, if the response has one that this version does not know: that of an error of
    /// your own app.
    pub app_code: Option<String>,
    /// The text for users.
    pub detail: Option<String>,
    /// The rejected fields.
    pub errors: Vec<FieldError>,
    /// The number of seconds after which another attempt may succeed.
    pub retry_after: Option<u64>,
    /// The second step, if the first step of a log-in has succeeded.
    pub second_factor: Option<Box<SecondFactorRequired>>,
}

/// The code of a [`Problem`](api_types::Problem).
#[derive(Deserialize)]
struct ProblemCode {
    code: String,
}

/// The text of a [`Problem`](api_types::Problem).
#[derive(Deserialize)]
struct ProblemDetail {
    detail: String,
}

/// The rejected fields of a [`Problem`](api_types::Problem).
#[derive(Deserialize)]
struct ProblemErrors {
    errors: Vec<FieldError>,
}

impl ApiError {
    /// Reads a response with an error status. It may come from a proxy instead of the server, so
    /// parts that cannot be read are left out.
    #[must_use]
    pub fn rejected(status: u16, retry_after: Option<&str>, body: &str) -> Self {
        let code = serde_json::from_str::<ProblemCode>(body).ok().map(|problem| problem.code);
        let known = |text: &str| ErrorCode::ALL.iter().find(|code| code.as_str() == text).copied();
        let (code, app_code) = match code.as_deref().and_then(known) {
            Some(code) => (Some(code), None),
            None => (None, code),
        };
        let detail = serde_json::from_str::<ProblemDetail>(body).map(|problem| problem.detail);
        let errors = serde_json::from_str::<ProblemErrors>(body).map(|problem| problem.errors);
        Self::Rejected(Rejection {
            status,
            code,
            app_code,
            detail: detail.ok(),
            errors: errors.unwrap_or_default(),
            retry_after: retry_after.and_then(|seconds| seconds.trim().parse().ok()),
            second_factor: (code == Some(ErrorCode::SecondFactorRequired))
                .then(|| serde_json::from_str(body).ok())
                .flatten(),
        })
    }

    /// Returns whether the response has this error code.
    #[must_use]
    pub fn has_code(&self, code: ErrorCode) -> bool {
        matches!(self, Self::Rejected(rejection) if rejection.code == Some(code))
    }

    /// Returns the second step, if the first step of a log-in has succeeded.
    #[must_use]
    pub fn second_factor(&self) -> Option<&SecondFactorRequired> {
        match self {
            Self::Rejected(rejection) => rejection.second_factor.as_deref(),
            _ => None,
        }
    }

    /// Returns the error that the server would send for a request without a token. Sends no
    /// request.
    #[must_use]
    pub fn no_token() -> Self {
        let code = Some(ErrorCode::MissingToken);
        Self::Rejected(Rejection { status: 401, code, ..Rejection::default() })
    }

    /// Returns whether the server may have sent a response that was lost on its way here, or on its
    /// way to a proxy.
    #[must_use]
    pub const fn is_lost_response(&self) -> bool {
        match self {
            Self::Unreachable | Self::Unreadable => true,
            Self::Rejected(Rejection { status, .. }) => matches!(status, 502 | 504),
        }
    }

    /// Returns whether the server rejected the token. A 401 without one of these codes comes from a
    /// proxy that has its own log-in, and says nothing about the session.
    #[must_use]
    pub const fn is_rejected_token(&self) -> bool {
        use ErrorCode::{InvalidRefreshToken, InvalidToken, MissingToken};
        let Self::Rejected(Rejection { status: 401, code: Some(code), .. }) = self else {
            return false;
        };
        matches!(code, InvalidToken | MissingToken | InvalidRefreshToken)
    }
}

impl Rejection {
    fn message(&self) -> &str {
        use ErrorCode::{InvalidRefreshToken, InvalidToken, MissingToken};
        if let Some(InvalidToken | MissingToken | InvalidRefreshToken) = self.code {
            return "Your session has ended. Log in to continue.";
        }
        let field = self.errors.first().map(|error| &*error.message);
        field.or(self.detail.as_deref()).unwrap_or("Something went wrong. Try again later.")
    }
}

#[cfg(test)]
mod tests {
    use api_types::FactorKind;

    use super::*;

    const TAKEN: &str = r#"{"type":"about:blank","title":"Conflict","status":409,
        "detail":"An account with this email address exists.","code":"email_taken"}"#;

    #[test]
    fn a_problem_is_read() {
        let ApiError::Rejected(rejection) = ApiError::rejected(409, None, TAKEN) else { panic!() };
        assert_eq!((rejection.status, rejection.code), (409, Some(ErrorCode::EmailTaken)));
        assert_eq!(rejection.app_code, None);
        assert_eq!(rejection.detail.unwrap(), "An account with this email address exists.");
    }

    #[test]
    fn an_error_of_the_app_is_read() {
        let body = r#"{"status":409,"code":"book_exists","detail":"The book is on your list."}"#;
        let ApiError::Rejected(rejection) = ApiError::rejected(409, None, body) else { panic!() };
        assert_eq!((rejection.code, rejection.app_code.as_deref()), (None, Some("book_exists")));
        assert_eq!(rejection.detail.as_deref(), Some("The book is on your list."));
    }

    #[test]
    fn the_message_is_a_sentence_for_users() {
        let message = |body| ApiError::rejected(409, None, body).to_string();
        assert_eq!(message(TAKEN), "An account with this email address exists.");
        let fields = r#"{"code":"invalid_fields","detail":"One field is not valid.","errors":[
            {"field":"email","code":"email_invalid","message":"Not an email address."}]}"#;
        assert_eq!(message(fields), "Not an email address.");
        assert_eq!(message("<h1>Conflict</h1>"), "Something went wrong. Try again later.");
        assert!(ApiError::no_token().to_string().starts_with("Your session has ended."));
    }

    #[test]
    fn rejected_fields_are_read() {
        let body = r#"{"code":"invalid_fields","errors":[
            {"field":"email","code":"email_invalid","message":"Not an email address."}]}"#;
        let ApiError::Rejected(rejection) = ApiError::rejected(422, None, body) else { panic!() };
        assert_eq!(rejection.code, Some(ErrorCode::InvalidFields));
        assert_eq!(rejection.errors[0].field, "email");
    }

    #[test]
    fn the_second_step_of_a_log_in_is_read() {
        let body = r#"{"status":401,"code":"second_factor_required","ticket":"T","expires_in":600,
            "factors":["totp","recovery_code"]}"#;
        let error = ApiError::rejected(401, None, body);
        let required = error.second_factor().unwrap();
        assert_eq!((&*required.ticket, required.expires_in), ("T", 600));
        assert_eq!(required.factors, [FactorKind::Totp, FactorKind::RecoveryCode]);
        assert!(error.has_code(ErrorCode::SecondFactorRequired) && !error.is_rejected_token());
        assert!(!format!("{error:?}").contains("\"T\""), "the ticket is secret");
        for (old, new) in [("second_factor_required", "invalid_credentials"), ("ticket", "other")] {
            let error = ApiError::rejected(401, None, &body.replace(old, new));
            assert_eq!(error.second_factor(), None, "{new}");
        }
    }

    #[test]
    fn a_response_from_a_proxy_keeps_its_status() {
        for body in ["<h1>Bad gateway</h1>", "", r#"{"code":5,"detail":[]}"#] {
            let error = ApiError::rejected(502, Some("7"), body);
            let expected = Rejection { status: 502, retry_after: Some(7), ..Rejection::default() };
            assert_eq!(error, ApiError::Rejected(expected), "{body}");
        }
    }

    #[test]
    fn a_retry_after_that_is_not_a_number_of_seconds_is_ignored() {
        for header in ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "soon", ""] {
            let ApiError::Rejected(rejection) = ApiError::rejected(503, Some(header), "") else {
                panic!()
            };
            assert_eq!(rejection.retry_after, None, "{header}");
        }
    }

    #[test]
    fn a_response_counts_as_lost_unless_it_came_from_the_server() {
        for error in [ApiError::Unreachable, ApiError::Unreadable] {
            assert!(error.is_lost_response());
        }
        for (status, is_lost) in [(401, false), (500, false), (502, true), (503, false)] {
            assert_eq!(
                ApiError::rejected(status, None, "").is_lost_response(),
                is_lost,
                "{status}"
            );
        }
    }

    #[test]
    fn only_a_401_of_the_server_rejects_a_token() {
        let body = |code| format!(r#"{{"status":401,"code":"{code}"}}"#);
        for code in ["invalid_token", "missing_token", "invalid_refresh_token"] {
            assert!(ApiError::rejected(401, None, &body(code)).is_rejected_token(), "{code}");
            assert!(!ApiError::rejected(403, None, &body(code)).is_rejected_token(), "{code}");
        }
        for code in
            ["invalid_credentials", "invalid_ticket", "challenge_expired", "from_the_future"]
        {
            assert!(!ApiError::rejected(401, None, &body(code)).is_rejected_token(), "{code}");
        }
        for body in ["", "<h1>401 Authorization Required</h1>", r#"{"error":"invalid_token"}"#] {
            assert!(!ApiError::rejected(401, None, body).is_rejected_token(), "{body}");
        }
        assert!(!ApiError::Unreachable.is_rejected_token());
        assert!(!ApiError::Unreadable.is_rejected_token());
    }
}

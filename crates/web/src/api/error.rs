use api_types::{ErrorCode, FieldError};

use crate::json::Json;

/// Why a request did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApiError {
    /// No answer came: no network, no server, or no patience left.
    Unreachable,
    /// The server answered that it will not or cannot.
    Refused(Refusal),
    /// An answer came that is not the server's, or not of this version.
    Unreadable,
}

/// An answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// What went wrong, if the answer is the server's and the code is known here.
    pub code: Option<ErrorCode>,
    /// The refused fields.
    pub errors: Vec<FieldError>,
    /// In how many seconds another try may succeed.
    pub retry_after: Option<u64>,
}

impl ApiError {
    /// Reads an answer that is not a success. It may come from something between here and
    /// the server, so the status has to do where the body is no
    /// [`Problem`](api_types::Problem).
    #[must_use]
    pub fn refused(status: u16, retry_after: Option<&str>, body: &str) -> Self {
        let problem = Json::parse(body);
        let code = problem.as_ref().and_then(|problem| problem.read("code"));
        let errors = problem.and_then(|problem| problem.read("errors")).unwrap_or_default();
        Self::Refused(Refusal {
            status,
            code,
            errors,
            retry_after: retry_after.and_then(|seconds| seconds.trim().parse().ok()),
        })
    }

    /// What the server would answer to a request without a token, for one that is not sent.
    #[must_use]
    pub fn no_token() -> Self {
        let code = Some(ErrorCode::MissingToken);
        Self::Refused(Refusal { status: 401, code, ..Refusal::default() })
    }

    /// Whether the server may have answered something else, which was lost on the way: to
    /// here, or to a proxy in between.
    #[must_use]
    pub const fn is_lost_answer(&self) -> bool {
        match self {
            Self::Unreachable | Self::Unreadable => true,
            Self::Refused(Refusal { status, .. }) => matches!(status, 502 | 504),
        }
    }

    /// Whether the server says that the token is not, or no longer, good for anything.
    #[must_use]
    pub const fn is_refused_token(&self) -> bool {
        matches!(self, Self::Refused(Refusal { status: 401, .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAKEN: &str = r#"{"type":"about:blank","title":"Conflict","status":409,
        "detail":"An account with this e-mail exists.","code":"email_taken"}"#;

    #[test]
    fn a_problem_is_told_by_its_code() {
        let ApiError::Refused(refusal) = ApiError::refused(409, None, TAKEN) else { panic!() };
        assert_eq!((refusal.status, refusal.code), (409, Some(ErrorCode::EmailTaken)));
    }

    #[test]
    fn an_answer_of_something_else_is_told_by_its_status() {
        for body in ["<h1>Bad gateway</h1>", "", r#"{"code":"from_the_future"}"#] {
            let error = ApiError::refused(502, Some("7"), body);
            let expected = Refusal { status: 502, retry_after: Some(7), ..Refusal::default() };
            assert_eq!(error, ApiError::Refused(expected), "{body}");
        }
    }

    #[test]
    fn a_retry_after_that_is_no_number_of_seconds_is_none() {
        for header in ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "soon", ""] {
            let ApiError::Refused(refusal) = ApiError::refused(503, Some(header), "") else {
                panic!()
            };
            assert_eq!(refusal.retry_after, None, "{header}");
        }
    }

    #[test]
    fn what_the_server_answers_itself_is_no_lost_answer() {
        for error in [ApiError::Unreachable, ApiError::Unreadable] {
            assert!(error.is_lost_answer());
        }
        for (status, is_lost) in [(401, false), (500, false), (502, true), (503, false)] {
            assert_eq!(ApiError::refused(status, None, "").is_lost_answer(), is_lost, "{status}");
        }
    }

    #[test]
    fn only_401_refuses_a_token() {
        for status in [400, 403, 404, 429, 500, 503] {
            assert!(!ApiError::refused(status, None, "").is_refused_token(), "{status}");
        }
        assert!(ApiError::refused(401, None, "").is_refused_token());
        assert!(!ApiError::Unreachable.is_refused_token());
        assert!(!ApiError::Unreadable.is_refused_token());
    }
}

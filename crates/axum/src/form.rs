//! The body of a form.

use accounts::http::{ApiError, safe_next, single};
use axum::body::{Body, to_bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use zeroize::Zeroizing;

/// The maximum size of the body of a form, in bytes.
const MAX_BYTES: u16 = 16 * 1024;

/// The fields of all forms. A field that is not sent is empty.
#[derive(Default)]
pub(crate) struct Form {
    pub(crate) email: String,
    pub(crate) password: Zeroizing<String>,
    pub(crate) code: Zeroizing<String>,
    /// The token of an invitation.
    pub(crate) invitation: Zeroizing<String>,
    pub(crate) remember: bool,
    /// `true` if the user asks for another code.
    pub(crate) send: bool,
    pub(crate) next: Option<String>,
}

impl Form {
    /// Reads a form within the size limit.
    pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Self, ApiError> {
        let content_type = single(headers, &CONTENT_TYPE).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(ApiError::UnsupportedFormType);
        }
        let limit = ApiError::PayloadTooLarge(MAX_BYTES.into());
        let bytes = to_bytes(body, MAX_BYTES.into()).await.map_err(|_| limit)?;
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(&bytes) {
            match &*name {
                "email" => form.email = value.into_owned(),
                "password" => form.password = Zeroizing::new(value.into_owned()),
                "code" => form.code = Zeroizing::new(value.into_owned()),
                "invitation" => form.invitation = Zeroizing::new(value.into_owned()),
                "remember" => form.remember = true,
                "send" => form.send = true,
                "next" => form.next = safe_next(&value).map(str::to_owned),
                _ => {}
            }
        }
        Ok(form)
    }
}

/// The query parameters of a page with a form.
#[derive(Default)]
pub(crate) struct Query {
    /// The path to open after the log-in, if it is safe.
    pub(crate) next: Option<String>,
    pub(crate) notice: Option<Notice>,
    /// `true` if a user who is signed in must log in again.
    pub(crate) fresh: bool,
}

/// The outcome of a form, which the next page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    CodeSent,
    PasswordReset,
}

impl Query {
    pub(crate) fn parse(query: &str) -> Self {
        let mut parsed = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "next" if parsed.next.is_none() => {
                    parsed.next = safe_next(&value).map(str::to_owned);
                }
                "notice" => parsed.notice = Notice::parse(&value),
                "fresh" => parsed.fresh = true,
                _ => {}
            }
        }
        parsed
    }
}

impl Notice {
    const ALL: [Self; 2] = [Self::CodeSent, Self::PasswordReset];

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.as_str() == text)
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::CodeSent => "code-sent",
            Self::PasswordReset => "password-reset",
        }
    }
}

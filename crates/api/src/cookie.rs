use accounts::{IssuedRefreshToken, RefreshToken};
use warp::http::HeaderMap;
use warp::http::header::{COOKIE, HeaderValue};

use crate::PublicOrigin;

/// The cookie that refresh tokens travel in (RFC 6265bis, 4.1).
///
/// No script can read it (`HttpOnly`), no other site's page has it sent (`SameSite=Strict`),
/// and over TLS no other host and no plain connection can set it (the prefix `__Host-`,
/// which demands `Secure` and `Path=/`).
pub(crate) struct RefreshCookie {
    name: &'static str,
    attributes: &'static str,
}

/// What an answer sets or clears the cookie with.
pub(crate) struct SetCookie(HeaderValue);

impl RefreshCookie {
    pub(crate) fn of(origin: &PublicOrigin) -> Self {
        if origin.is_https() {
            let attributes = "Path=/; HttpOnly; SameSite=Strict; Secure";
            Self { name: "__Host-latchkey_refresh", attributes }
        } else {
            Self { name: "latchkey_refresh", attributes: "Path=/; HttpOnly; SameSite=Strict" }
        }
    }

    /// The token that came with a request, if it has the form of one. A second cookie of the
    /// name could only be somebody else's: then there is none. What other cookies hold, text
    /// or not, is nobody's business here.
    pub(crate) fn read(&self, headers: &HeaderMap) -> Option<RefreshToken> {
        let cookies = headers
            .get_all(COOKIE)
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii));
        let mut found = cookies
            .filter_map(|cookie| cookie.strip_prefix(self.name.as_bytes())?.strip_prefix(b"="));
        let value = found.next().filter(|_| found.next().is_none())?;
        RefreshToken::parse(std::str::from_utf8(value).ok()?).ok()
    }

    /// Keeps a token until the browser is closed, or for as long as it can be used.
    pub(crate) fn set(&self, issued: &IssuedRefreshToken) -> SetCookie {
        self.with(&issued.token.to_text(), issued.max_age.map(|age| age.as_secs()))
    }

    pub(crate) fn clear(&self) -> SetCookie {
        self.with("", Some(0))
    }

    fn with(&self, value: &str, max_age: Option<u64>) -> SetCookie {
        let Self { name, attributes } = self;
        let mut text = format!("{name}={value}; {attributes}");
        if let Some(seconds) = max_age {
            text.push_str(&format!("; Max-Age={seconds}"));
        }
        // A name, base64url and the attributes are always a header's value.
        let mut value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
        value.set_sensitive(true);
        SetCookie(value)
    }
}

impl SetCookie {
    pub(crate) fn into_value(self) -> HeaderValue {
        self.0
    }
}

impl std::fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SetCookie(…)")
    }
}

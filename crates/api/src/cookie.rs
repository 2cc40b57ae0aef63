use std::time::Duration;

use accounts::{DeviceToken, IssuedRefreshToken, RefreshToken};
use warp::http::HeaderMap;
use warp::http::header::{COOKIE, HeaderValue};

use crate::Origin;

/// The cookies of the service (RFC 6265bis, 4.1): one that refresh tokens travel in, one by
/// which a browser is known that has signed in before.
///
/// No script can read them (`HttpOnly`), no other site's page has them sent
/// (`SameSite=Strict`), and over TLS no other host and no plain connection can set them (the
/// prefix `__Host-`, which demands `Secure` and `Path=/`).
pub(crate) struct Cookies {
    refresh: &'static str,
    device: &'static str,
    attributes: &'static str,
}

/// What an answer sets or clears a cookie with.
pub(crate) struct SetCookie(HeaderValue);

/// For how long a browser is known. It begins anew with every log-in.
const DEVICE_AGE: Duration = Duration::from_hours(365 * 24);

impl Cookies {
    pub(crate) fn new(origin: &Origin) -> Self {
        if origin.is_https() {
            let attributes = "Path=/; HttpOnly; SameSite=Strict; Secure";
            let (refresh, device) = ("__Host-latchkey_refresh", "__Host-latchkey_device");
            Self { refresh, device, attributes }
        } else {
            let attributes = "Path=/; HttpOnly; SameSite=Strict";
            Self { refresh: "latchkey_refresh", device: "latchkey_device", attributes }
        }
    }

    /// The refresh token that came with a request, if it has the form of one.
    pub(crate) fn refresh_token(&self, headers: &HeaderMap) -> Option<RefreshToken> {
        RefreshToken::parse(read(headers, self.refresh)?).ok()
    }

    /// The device token that came with a request, if it has the form of one.
    pub(crate) fn device_token(&self, headers: &HeaderMap) -> Option<DeviceToken> {
        DeviceToken::parse(read(headers, self.device)?).ok()
    }

    /// Keeps a refresh token until the browser is closed, or for as long as it can be used.
    pub(crate) fn set_refresh(&self, issued: &IssuedRefreshToken) -> SetCookie {
        self.set(self.refresh, &issued.token.to_text(), issued.max_age)
    }

    pub(crate) fn clear_refresh(&self) -> SetCookie {
        self.set(self.refresh, "", Some(Duration::ZERO))
    }

    pub(crate) fn set_device(&self, token: &DeviceToken) -> SetCookie {
        self.set(self.device, &token.to_text(), Some(DEVICE_AGE))
    }

    pub(crate) fn clear_device(&self) -> SetCookie {
        self.set(self.device, "", Some(Duration::ZERO))
    }

    fn set(&self, name: &str, value: &str, max_age: Option<Duration>) -> SetCookie {
        let mut text = format!("{name}={value}; {}", self.attributes);
        if let Some(age) = max_age {
            text.push_str(&format!("; Max-Age={}", age.as_secs()));
        }
        // A name, base64url and the attributes are always a header's value.
        let mut value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
        value.set_sensitive(true);
        SetCookie(value)
    }
}

/// The value of the one cookie of this name. A second one could only be somebody else's: then
/// there is none. What other cookies hold, text or not, is nobody's business here.
fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii));
    let mut found =
        cookies.filter_map(|cookie| cookie.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
    let value = found.next().filter(|_| found.next().is_none())?;
    std::str::from_utf8(value).ok()
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

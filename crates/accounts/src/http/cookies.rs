use std::time::Duration;

use auth_core::{DeviceToken, EmailSignInToken, Origin, RefreshToken};
use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};

use crate::config::{Config, SameSite};
use crate::email_sign_in::SignInCodeRequested;
use crate::second_factor::SecondFactorRequired;
use crate::tokens::IssuedRefreshToken;

/// The cookies of the service (RFC 6265bis, 4.1): the refresh cookie, which carries the refresh
/// token, the device cookie, which marks a browser as known to an account, the email log-in cookie,
/// which marks the browser that has requested a code for signing in, and the ticket cookie, which
/// proves the first step of a log-in with a form.
///
/// Scripts cannot read them (`HttpOnly`), and browsers do not send them with requests from pages of
/// other sites (`SameSite=Strict`). With [`SameSite::Lax`], the refresh cookie is sent with links
/// from other sites. Over https, their names have the prefix `__Host-`, which requires `Secure` and
/// `Path=/`. This prevents other hosts, and responses over plain http, from setting them.
#[derive(Debug)]
pub struct Cookies {
    refresh: &'static str,
    device: &'static str,
    email_sign_in: &'static str,
    ticket: &'static str,
    attributes: &'static str,
    refresh_attributes: &'static str,
}

/// The value of a `Set-Cookie` header. `Debug` does not print it.
#[derive(Clone)]
pub struct SetCookie(HeaderValue);

impl Cookies {
    /// Returns the cookies of a service with this configuration.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self::at(&config.origin, config.session_cookie)
    }

    /// Returns the cookies of a service at this origin.
    #[must_use]
    pub fn at(origin: &Origin, session_cookie: SameSite) -> Self {
        let is_https = origin.is_https();
        let (strict, lax) = if is_https {
            ("Path=/; HttpOnly; SameSite=Strict; Secure", "Path=/; HttpOnly; SameSite=Lax; Secure")
        } else {
            ("Path=/; HttpOnly; SameSite=Strict", "Path=/; HttpOnly; SameSite=Lax")
        };
        let name = |with_prefix, without| if is_https { with_prefix } else { without };
        Self {
            refresh: name("__Host-latchkey_refresh", "latchkey_refresh"),
            device: name("__Host-latchkey_device", "latchkey_device"),
            email_sign_in: name("__Host-latchkey_email_log_in", "latchkey_email_log_in"),
            ticket: name("__Host-latchkey_ticket", "latchkey_ticket"),
            attributes: strict,
            refresh_attributes: match session_cookie {
                SameSite::Strict => strict,
                SameSite::Lax => lax,
            },
        }
    }

    /// Returns whether a request has a refresh cookie, valid or not.
    #[must_use]
    pub fn has_refresh(&self, headers: &HeaderMap) -> bool {
        values(headers, self.refresh).next().is_some()
    }

    /// Returns whether a `Set-Cookie` header sets the refresh cookie.
    #[must_use]
    pub fn is_refresh(&self, set_cookie: &HeaderValue) -> bool {
        let value = set_cookie.as_bytes().strip_prefix(self.refresh.as_bytes());
        value.is_some_and(|value| value.starts_with(b"="))
    }

    /// Returns the ticket of a request: the text that proves the first step of a log-in.
    #[must_use]
    pub fn ticket<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        read(headers, self.ticket)
    }

    /// Returns the header that sets the cookie with the ticket of a log-in. The cookie lasts as
    /// long as the ticket.
    #[must_use]
    pub fn set_ticket(&self, required: &SecondFactorRequired) -> SetCookie {
        self.set(self.ticket, &required.ticket, Some(required.expires_in))
    }

    /// Returns the header that deletes the cookie with the ticket of a log-in.
    #[must_use]
    pub fn clear_ticket(&self) -> SetCookie {
        self.set(self.ticket, "", Some(Duration::ZERO))
    }

    /// Returns the refresh token of a request, if it has one that can be parsed.
    #[must_use]
    pub fn refresh_token(&self, headers: &HeaderMap) -> Option<RefreshToken> {
        RefreshToken::parse(read(headers, self.refresh)?).ok()
    }

    /// Returns the refresh tokens of all refresh cookies of a request, up to four, for a log-out. A
    /// browser has two such cookies if another host could set one of them.
    #[must_use]
    pub fn refresh_tokens(&self, headers: &HeaderMap) -> Vec<RefreshToken> {
        const MAX_TOKENS: usize = 4;
        let texts = values(headers, self.refresh).filter_map(|it| std::str::from_utf8(it).ok());
        texts.filter_map(|text| RefreshToken::parse(text).ok()).take(MAX_TOKENS).collect()
    }

    /// Returns the device token of a request, if it has one that can be parsed.
    #[must_use]
    pub fn device_token(&self, headers: &HeaderMap) -> Option<DeviceToken> {
        DeviceToken::parse(read(headers, self.device)?).ok()
    }

    /// Returns the email sign-in token of a request, if it has one that can be parsed.
    #[must_use]
    pub fn email_sign_in_token(&self, headers: &HeaderMap) -> Option<EmailSignInToken> {
        EmailSignInToken::parse(read(headers, self.email_sign_in)?).ok()
    }

    /// Returns the header that sets the refresh cookie. Without a `max_age`, the cookie lasts until
    /// the browser is closed.
    #[must_use]
    pub fn set_refresh(&self, issued: &IssuedRefreshToken) -> SetCookie {
        self.set(self.refresh, &issued.token.to_text(), issued.max_age)
    }

    /// Returns the header that deletes the refresh cookie.
    #[must_use]
    pub fn clear_refresh(&self) -> SetCookie {
        self.set(self.refresh, "", Some(Duration::ZERO))
    }

    /// Returns the header that sets the device cookie.
    #[must_use]
    pub fn set_device(&self, token: &DeviceToken) -> SetCookie {
        self.set(self.device, &token.to_text(), Some(DeviceToken::LIFETIME))
    }

    /// Returns the header that deletes the device cookie.
    #[must_use]
    pub fn clear_device(&self) -> SetCookie {
        self.set(self.device, "", Some(Duration::ZERO))
    }

    /// Returns the header that sets the email log-in cookie. The cookie lasts as long as the code.
    #[must_use]
    pub fn set_email_sign_in(&self, requested: &SignInCodeRequested) -> SetCookie {
        let SignInCodeRequested { token, expires_in } = requested;
        self.set(self.email_sign_in, &token.to_text(), Some(*expires_in))
    }

    /// Returns the header that deletes the email log-in cookie.
    #[must_use]
    pub fn clear_email_sign_in(&self) -> SetCookie {
        self.set(self.email_sign_in, "", Some(Duration::ZERO))
    }

    fn set(&self, name: &str, value: &str, max_age: Option<Duration>) -> SetCookie {
        let attributes =
            if name == self.refresh { self.refresh_attributes } else { self.attributes };
        let mut text = format!("{name}={value}; {attributes}");
        if let Some(age) = max_age {
            text.push_str(&format!("; Max-Age={}", age.as_secs()));
        }
        // The name, the base64url value and the attributes are always a valid header value.
        let mut value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
        value.set_sensitive(true);
        SetCookie(value)
    }
}

/// Returns the value of the cookie with this name. If there are two, an attacker may have set one
/// of them, so neither is used. Other cookies may contain any bytes, not only text.
fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut found = values(headers, name);
    let value = found.next().filter(|_| found.next().is_none())?;
    std::str::from_utf8(value).ok()
}

/// Returns the values of all cookies with this name.
fn values<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> {
    let cookies = headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii));
    cookies.filter_map(move |cookie| cookie.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}

impl SetCookie {
    /// Returns the value of the header.
    #[must_use]
    pub fn into_value(self) -> HeaderValue {
        self.0
    }
}

impl std::fmt::Debug for SetCookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SetCookie(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_refresh_cookie_can_be_lax() {
        let issued = IssuedRefreshToken {
            token: RefreshToken::generate(&auth_core::SystemRandom),
            max_age: None,
        };
        let attributes = |origin, same_site| {
            let cookies = Cookies::at(&Origin::parse(origin).unwrap(), same_site);
            let all =
                [cookies.set_refresh(&issued), cookies.clear_device(), cookies.clear_ticket()];
            all.map(|cookie| {
                let text = cookie.into_value().to_str().unwrap().to_owned();
                let (pair, rest) = text.split_once("; ").unwrap();
                format!("{} {rest}", pair.split_once('=').unwrap().0)
            })
        };
        let https = "https://app.example";
        assert_eq!(
            attributes(https, SameSite::Lax),
            [
                "__Host-latchkey_refresh Path=/; HttpOnly; SameSite=Lax; Secure",
                "__Host-latchkey_device Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0",
                "__Host-latchkey_ticket Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0",
            ]
        );
        assert_eq!(
            attributes("http://localhost:3000", SameSite::Strict),
            [
                "latchkey_refresh Path=/; HttpOnly; SameSite=Strict",
                "latchkey_device Path=/; HttpOnly; SameSite=Strict; Max-Age=0",
                "latchkey_ticket Path=/; HttpOnly; SameSite=Strict; Max-Age=0",
            ]
        );
    }

    #[test]
    fn a_cookie_that_occurs_twice_counts_as_missing() {
        let value_in = |headers: &[&'static str]| {
            let headers = headers.iter().map(|value| (COOKIE, HeaderValue::from_static(value)));
            read(&headers.collect(), "name").map(str::to_owned)
        };
        assert_eq!(value_in(&["other=1; name=value"]).as_deref(), Some("value"));
        assert_eq!(value_in(&["other=1", "name=value"]).as_deref(), Some("value"));
        assert_eq!(value_in(&["name=value; name=value"]), None);
        assert_eq!(value_in(&["name=value", "name=value"]), None);
    }
}

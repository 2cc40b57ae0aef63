use std::fmt;
use std::net::Ipv4Addr;

use url::{Host, Url};

/// A web origin (RFC 6454): scheme, host and port, in the form that browsers send in the `Origin`
/// header.
///
/// The text is in lower case, with the domain in ASCII and without a default port or a trailing
/// slash.
///
/// ```
/// # use auth_core::Origin;
/// assert_eq!(Origin::parse("HTTPS://Auth.Example.com:443/")?.as_str(), "https://auth.example.com");
/// assert!(Origin::parse("https://example.com/auth").is_err());
/// # Ok::<(), auth_core::InvalidOrigin>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    text: String,
    host_is_loopback: bool,
    /// `true` if the same port of every loopback address counts as this origin.
    accepts_loopback: bool,
}

/// An error from parsing an [`Origin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidOrigin {
    /// The text is not an `http` or `https` URL with a host.
    #[error("not an origin: use one such as https://auth.example.com")]
    NotAnOrigin,
    /// The URL has a path, a query or a fragment.
    #[error("use an origin without a path, query or fragment, such as https://auth.example.com")]
    HasPath,
    /// The URL has a user name or a password.
    #[error("use an origin without a user name or password, such as https://auth.example.com")]
    HasCredentials,
}

impl Origin {
    /// Parses an origin. A trailing slash is dropped.
    ///
    /// # Errors
    ///
    /// [`InvalidOrigin`] if the text is not an origin, or is a URL with more parts than an origin.
    pub fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        let url = Url::parse(text).map_err(|_| InvalidOrigin::NotAnOrigin)?;
        let (true, Some(host)) = (matches!(url.scheme(), "http" | "https"), url.host()) else {
            return Err(InvalidOrigin::NotAnOrigin);
        };
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidOrigin::HasPath);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidOrigin::HasCredentials);
        }
        let host_is_loopback = is_loopback(&host);
        let text = url.origin().ascii_serialization();
        Ok(Self { text, host_is_loopback, accepts_loopback: false })
    }

    /// Returns `http://localhost:PORT`. Its [`matches`](Self::matches) also accepts the loopback
    /// addresses: `http://127.0.0.1:PORT`, any other address in `127.0.0.0/8`, and
    /// `http://[::1]:PORT`.
    #[must_use]
    pub fn localhost(port: u16) -> Self {
        // An origin never contains the default port of its scheme (RFC 6454, 6.2).
        let port = if port == 80 { String::new() } else { format!(":{port}") };
        let text = format!("http://localhost{port}");
        Self { text, host_is_loopback: true, accepts_loopback: true }
    }

    /// Returns the normalised text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the host, without a port. A domain is in ASCII, and an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        let authority = self.text.split_once("://").map_or("", |(_, authority)| authority);
        match authority.rsplit_once(':') {
            // The last colon of an IPv6 address does not begin a port.
            Some((host, port)) if !port.ends_with(']') => host,
            _ => authority,
        }
    }

    /// Returns `true` if the scheme is `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https://")
    }

    /// Returns `true` if the host is the machine that the browser runs on: `localhost`, a subdomain
    /// of it, or a loopback address.
    #[must_use]
    pub const fn is_loopback(&self) -> bool {
        self.host_is_loopback
    }

    /// Returns `true` if browsers consider the origin trustworthy: it uses TLS or is on their own
    /// machine (W3C Secure Contexts, 3.1).
    #[must_use]
    pub fn is_trustworthy(&self) -> bool {
        self.is_https() || self.is_loopback()
    }

    /// Returns `true` if `value`, the value of an `Origin` header, is this origin.
    #[must_use]
    pub fn matches(&self, value: &[u8]) -> bool {
        self.text.as_bytes() == value || self.accepts_loopback && self.is_loopback_alias(value)
    }

    /// Returns `true` if `value` has a loopback address instead of `localhost`.
    fn is_loopback_alias(&self, value: &[u8]) -> bool {
        let port = self.text.strip_prefix("http://localhost").unwrap_or_default();
        let host = str::from_utf8(value)
            .ok()
            .and_then(|value| value.strip_prefix("http://")?.strip_suffix(port));
        host.is_some_and(|host| {
            host == "[::1]" || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        })
    }
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost" || name.ends_with(".localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equivalent_urls_have_one_spelling() {
        for (text, spelling) in [
            ("https://auth.example.com", "https://auth.example.com"),
            ("https://auth.example.com/", "https://auth.example.com"),
            ("HTTPS://Auth.Example.com:443", "https://auth.example.com"),
            ("http://localhost:8080/", "http://localhost:8080"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
        ] {
            assert_eq!(Origin::parse(text).unwrap().as_str(), spelling);
        }
        assert_eq!(Origin::localhost(80).as_str(), "http://localhost");
    }

    #[test]
    fn the_host_has_no_port() {
        for (text, host) in [
            ("https://auth.example.com", "auth.example.com"),
            ("https://auth.example.com:8443", "auth.example.com"),
            ("https://bücher.example", "xn--bcher-kva.example"),
            ("http://[::1]", "[::1]"),
            ("http://[::1]:3000", "[::1]"),
        ] {
            assert_eq!(Origin::parse(text).unwrap().host(), host);
        }
    }

    #[test]
    fn urls_that_are_not_origins_are_rejected() {
        for (text, error) in [
            ("", InvalidOrigin::NotAnOrigin),
            ("ftp://example.com", InvalidOrigin::NotAnOrigin),
            ("https://", InvalidOrigin::NotAnOrigin),
            ("localhost:8080", InvalidOrigin::NotAnOrigin),
            ("https://a/b", InvalidOrigin::HasPath),
            ("https://a?b", InvalidOrigin::HasPath),
            ("https://a#", InvalidOrigin::HasPath),
            ("https://u@a", InvalidOrigin::HasCredentials),
        ] {
            assert_eq!(Origin::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn plain_http_is_trustworthy_only_on_loopback() {
        for (text, trustworthy) in [
            ("https://app.example", true),
            ("http://localhost:3000", true),
            ("http://app.localhost", true),
            ("http://127.0.0.1:3000", true),
            ("http://[::1]:3000", true),
            ("http://app.example", false),
            ("http://localhost.example", false),
            ("http://notlocalhost", false),
            ("http://192.0.2.1", false),
            ("http://0.0.0.0:3000", false),
        ] {
            assert_eq!(Origin::parse(text).unwrap().is_trustworthy(), trustworthy, "{text}");
        }
    }

    #[test]
    fn only_the_default_localhost_accepts_the_loopback_addresses() {
        let localhost = Origin::localhost(8080);
        for alias in ["localhost", "127.0.0.1", "127.0.0.2", "[::1]"] {
            assert!(localhost.matches(format!("http://{alias}:8080").as_bytes()), "{alias}");
            assert!(Origin::localhost(80).matches(format!("http://{alias}").as_bytes()), "{alias}");
        }
        for other in [
            "http://localhost:8081",
            "http://127.0.0.1",
            "http://127.0.0.1:80",
            "http://127.0.0.1:18080",
            "http://127.0.0.1:8080:8080",
            "http://127.0.0.1:8080/",
            "http://127.0.0.1.example:8080",
            "http://127.1:8080",
            "http://0.0.0.0:8080",
            "http://128.0.0.1:8080",
            "http://[::]:8080",
            "https://127.0.0.1:8080",
            "http://:8080",
            ":8080",
            "null",
        ] {
            assert!(!localhost.matches(other.as_bytes()), "{other}");
        }
        let parsed = Origin::parse("http://localhost:8080").unwrap();
        assert!(parsed.matches(b"http://localhost:8080"));
        assert!(!parsed.matches(b"http://127.0.0.1:8080"));
    }
}

use std::fmt;

use url::{Host, Url};

/// An origin (RFC 6454) in its one spelling: lower case, a domain in ASCII, no default port,
/// no slash.
///
/// ```
/// # use accounts::Origin;
/// assert_eq!(Origin::parse("HTTPS://Auth.Example.com:443/")?.as_str(), "https://auth.example.com");
/// assert!(Origin::parse("https://example.com/auth").is_err());
/// # Ok::<(), accounts::InvalidOrigin>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    text: String,
    is_on_this_machine: bool,
}

/// A text that is no origin. The message says what to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidOrigin {
    /// Not a URL of `http` or `https` with a host.
    #[error("give an origin, such as https://auth.example.com")]
    NotAnOrigin,
    /// There is more to it.
    #[error("an origin has no path, query or fragment: give one such as https://auth.example.com")]
    Longer,
    /// It names a user.
    #[error("an origin has no user name or password: give one such as https://auth.example.com")]
    Credentials,
}

impl Origin {
    /// Reads an origin. A slash at the end is dropped.
    ///
    /// # Errors
    ///
    /// [`InvalidOrigin`] if it is none, or more than one.
    pub fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        let url = Url::parse(text).map_err(|_| InvalidOrigin::NotAnOrigin)?;
        let (true, Some(host)) = (matches!(url.scheme(), "http" | "https"), url.host()) else {
            return Err(InvalidOrigin::NotAnOrigin);
        };
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidOrigin::Longer);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidOrigin::Credentials);
        }
        let is_on_this_machine = is_loopback(&host);
        Ok(Self { text: url.origin().ascii_serialization(), is_on_this_machine })
    }

    /// The origin's one spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether browsers trust what they receive from there (W3C Secure Contexts, 3.1): it
    /// comes over TLS, or from the machine that they run on.
    #[must_use]
    pub fn is_trustworthy(&self) -> bool {
        self.text.starts_with("https://") || self.is_on_this_machine
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
    fn an_origin_has_one_spelling() {
        for (text, spelt) in [
            ("https://auth.example.com", "https://auth.example.com"),
            ("https://auth.example.com/", "https://auth.example.com"),
            ("HTTPS://Auth.Example.com:443", "https://auth.example.com"),
            ("http://localhost:8080/", "http://localhost:8080"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
        ] {
            assert_eq!(Origin::parse(text).unwrap().as_str(), spelt);
        }
        for (text, error) in [
            ("", InvalidOrigin::NotAnOrigin),
            ("ftp://example.com", InvalidOrigin::NotAnOrigin),
            ("https://", InvalidOrigin::NotAnOrigin),
            ("localhost:8080", InvalidOrigin::NotAnOrigin),
            ("https://a/b", InvalidOrigin::Longer),
            ("https://a?b", InvalidOrigin::Longer),
            ("https://a#", InvalidOrigin::Longer),
            ("https://u@a", InvalidOrigin::Credentials),
        ] {
            assert_eq!(Origin::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn what_comes_in_plain_text_over_a_network_is_not_trustworthy() {
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
}

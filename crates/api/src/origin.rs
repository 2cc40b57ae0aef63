use warp::http::HeaderMap;
use warp::http::header::ORIGIN;

/// The origin that browsers see the service at (RFC 6454), such as
/// `https://auth.example.com`.
///
/// A request that changes something is refused if the browser says that another origin's
/// page sent it (OWASP ASVS 5.0, 3.5.1 and 3.5.3). Programs that are no browsers say
/// nothing, and are not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicOrigin {
    name: String,
    /// A second name for the same origin.
    alias: Option<String>,
}

impl PublicOrigin {
    /// This origin, and no other. No trailing slash.
    #[must_use]
    pub fn exact(origin: impl Into<String>) -> Self {
        Self { name: origin.into(), alias: None }
    }

    /// A server on this machine, under either name of it: `localhost` and `127.0.0.1`.
    #[must_use]
    pub fn loopback(port: u16) -> Self {
        // An origin never names its scheme's own port (RFC 6454, 6.2).
        let port = if port == 80 { String::new() } else { format!(":{port}") };
        Self {
            name: format!("http://localhost{port}"),
            alias: Some(format!("http://127.0.0.1{port}")),
        }
    }

    /// The origin's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Whether browsers reach the service over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.name.starts_with("https://")
    }

    /// Whether the request may change something: `Origin` and `Sec-Fetch-Site` (W3C Fetch
    /// Metadata), where the browser sent them, must both say that it comes from here.
    pub(crate) fn allows(&self, headers: &HeaderMap) -> bool {
        let from_here = |origin: &[u8]| {
            origin == self.name.as_bytes()
                || self.alias.as_ref().is_some_and(|alias| origin == alias.as_bytes())
        };
        let same_site = |site: &[u8]| site == b"same-origin" || site == b"none";
        headers.get_all(ORIGIN).iter().all(|value| from_here(value.as_bytes()))
            && headers.get_all("sec-fetch-site").iter().all(|value| same_site(value.as_bytes()))
    }
}

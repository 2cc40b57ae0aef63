use std::fmt;
use std::net::IpAddr;

/// What is known of the program that a session is used from.
///
/// It is shown to the session's user, who can tell by it what is theirs and what is not.
/// `Debug` shows none of it: both are personal data.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ClientInfo {
    ip: Option<IpAddr>,
    user_agent: Option<String>,
}

impl ClientInfo {
    /// The longest name that is kept, in bytes.
    pub const MAX_USER_AGENT_BYTES: usize = 512;

    /// A client at `ip` that calls itself `user_agent` (RFC 9110, 10.1.5).
    ///
    /// An IPv4 address in the clothes of IPv6 (RFC 4291, 2.5.5.2) is an IPv4 address. The
    /// name is cut to [`MAX_USER_AGENT_BYTES`](Self::MAX_USER_AGENT_BYTES), and what is
    /// neither a letter, a digit, a space nor ASCII punctuation is replaced, as are the letters
    /// that are not seen: nothing turns the text around it about. An empty one is none.
    ///
    /// ```
    /// # use auth_core::ClientInfo;
    /// let client = ClientInfo::new(Some("::ffff:192.0.2.1".parse()?), Some("Browser/1.0\u{7}"));
    /// assert_eq!(client.ip(), Some("192.0.2.1".parse()?));
    /// assert_eq!(client.user_agent(), Some("Browser/1.0\u{fffd}"));
    ///
    /// for unseen in ['\u{202e}', '\u{200b}', '\u{3164}'] {
    ///     let client = ClientInfo::new(None, Some(&format!("été {unseen} (1)")));
    ///     assert_eq!(client.user_agent(), Some("été \u{fffd} (1)"));
    /// }
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    #[must_use]
    pub fn new(ip: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        let plain = |c: char| match c {
            // The Hangul fillers (Unicode 17.0, 18.6).
            '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => char::REPLACEMENT_CHARACTER,
            ' ' => c,
            _ if c.is_alphanumeric() || c.is_ascii_graphic() => c,
            _ => char::REPLACEMENT_CHARACTER,
        };
        let name = |name: &str| {
            let mut name: String = name.trim().chars().map(plain).collect();
            name.truncate(name.floor_char_boundary(Self::MAX_USER_AGENT_BYTES));
            name
        };
        Self {
            ip: ip.map(|ip| ip.to_canonical()),
            user_agent: user_agent.map(name).filter(|name| !name.is_empty()),
        }
    }

    /// Where it is.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        self.ip
    }

    /// What it calls itself, which may be anything.
    #[must_use]
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }
}

impl fmt::Debug for ClientInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientInfo(…)")
    }
}

use std::fmt;
use std::net::IpAddr;

/// The IP address and the user agent of a client.
///
/// Users see both in their list of sessions and can recognise their own devices. `Debug` prints
/// neither, because both are personal data.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ClientInfo {
    ip: Option<IpAddr>,
    user_agent: Option<String>,
}

impl ClientInfo {
    /// The maximum length of a stored user agent, in bytes.
    pub const MAX_USER_AGENT_BYTES: usize = 512;

    /// Creates the client info from an IP address and a `User-Agent` header (RFC 9110, 10.1.5).
    ///
    /// An IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2) becomes an IPv4 address.
    ///
    /// The user agent is sanitised so that it can be displayed safely. It is trimmed and truncated
    /// to [`MAX_USER_AGENT_BYTES`](Self::MAX_USER_AGENT_BYTES). Only visible letters, digits,
    /// spaces and ASCII punctuation are kept. Every other character, such as a control character or
    /// a mark that changes the direction of text, is replaced with U+FFFD. An empty user agent
    /// counts as absent.
    ///
    /// ```
    /// # use auth_core::ClientInfo;
    /// let client = ClientInfo::new(Some("::ffff:192.0.2.1".parse()?), Some("Browser/1.0\u{7}"));
    /// assert_eq!(client.ip(), Some("192.0.2.1".parse()?));
    /// assert_eq!(client.user_agent(), Some("Browser/1.0\u{fffd}"));
    ///
    /// for invisible in ['\u{202e}', '\u{200b}', '\u{3164}'] {
    ///     let client = ClientInfo::new(None, Some(&format!("été {invisible} (1)")));
    ///     assert_eq!(client.user_agent(), Some("été \u{fffd} (1)"));
    /// }
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    #[must_use]
    pub fn new(ip: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        let sanitize_char = |c: char| match c {
            // The Hangul fillers are letters but invisible (Unicode 17.0, 18.6).
            '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => char::REPLACEMENT_CHARACTER,
            ' ' => c,
            _ if c.is_alphanumeric() || c.is_ascii_graphic() => c,
            _ => char::REPLACEMENT_CHARACTER,
        };
        let sanitize = |text: &str| {
            let mut text: String = text.trim().chars().map(sanitize_char).collect();
            text.truncate(text.floor_char_boundary(Self::MAX_USER_AGENT_BYTES));
            text
        };
        Self {
            ip: ip.map(|ip| ip.to_canonical()),
            user_agent: user_agent.map(sanitize).filter(|text| !text.is_empty()),
        }
    }

    /// Returns the IP address, if it is known.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        self.ip
    }

    /// Returns the sanitised user agent. It is not trustworthy: a client can send any text.
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

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderMap;
use ipnet::IpNet;

/// The proxies whose `X-Forwarded-For` is trusted.
///
/// Each proxy appends the IP address of its peer to `X-Forwarded-For`, with or without a port.
/// Clients can forge everything before that. So the list is read from its end, and only the entries
/// that trusted proxies have appended are used. Several headers are one list (RFC 9110, 5.3).
///
/// ```
/// # use accounts::http::{TrustedProxies, TrustedProxy};
/// # use http::{HeaderMap, HeaderValue};
/// let proxies: TrustedProxies = ["10.0.0.0/8".parse::<TrustedProxy>()?].into_iter().collect();
/// let mut headers = HeaderMap::new();
/// headers.insert("x-forwarded-for", HeaderValue::from_static("203.0.113.9, 192.0.2.1"));
///
/// let [proxy, untrusted] = ["10.0.0.1", "198.51.100.1"].map(|ip| ip.parse().unwrap());
/// assert_eq!(proxies.client(proxy, &headers).to_string(), "192.0.2.1");
/// assert_eq!(proxies.client(untrusted, &headers), untrusted);
/// # Ok::<(), accounts::http::InvalidNetwork>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies {
    networks: Vec<TrustedProxy>,
    warned: Arc<Warned>,
}

/// The warnings that have been logged.
#[derive(Debug, Default)]
struct Warned {
    unusable: AtomicBool,
    not_trusted: AtomicBool,
}

/// A reason why a client's IP address may be unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProxyProblem {
    /// A trusted proxy sent no `X-Forwarded-For`, or one whose last entry is malformed.
    Unusable,
    /// A peer in a private network sent `X-Forwarded-For`, but is not trusted.
    NotTrusted,
}

/// The IP address of a proxy, such as `10.0.0.1`, or a network of proxies, such as `10.0.0.0/8` or
/// `2001:db8::/32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedProxy(IpNet);

/// An error from parsing a [`TrustedProxy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an IP address or a network in CIDR notation")]
pub struct InvalidNetwork;

impl TrustedProxies {
    /// Returns the IP address of the client of a request that was received from `peer`.
    ///
    /// If the peer is a trusted proxy, the client is the rightmost address in `X-Forwarded-For`
    /// that is not a trusted proxy. If all addresses are trusted proxies, it is the leftmost one. A
    /// malformed entry ends the search, and the address of the proxy that wrote it is returned.
    /// IPv4-mapped IPv6 addresses are converted to IPv4.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let mut hops = hops(headers);
        while self.trusts(client) {
            match hops.next().and_then(address) {
                Some(previous) => client = previous,
                None => break,
            }
        }
        client
    }

    /// Returns `true` if `peer` is a trusted proxy.
    #[must_use]
    pub fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.networks.iter().any(|TrustedProxy(network)| network.contains(&peer))
    }

    /// Logs a warning if the IP addresses of clients seem to be unknown, because the list of
    /// trusted proxies or the header of the proxy is wrong. Each kind of warning is logged once.
    ///
    /// Do not call this for health checks, which a proxy sends without the header.
    pub fn warn_once(&self, peer: IpAddr, headers: &HeaderMap) {
        match self.problem(peer, headers) {
            Some(ProxyProblem::Unusable) if !self.warned.unusable.swap(true, Ordering::Relaxed) => {
                let entry = hops(headers).next().map(loggable);
                tracing::warn!(
                    %peer,
                    entry,
                    "a trusted proxy sent no usable IP address in X-Forwarded-For, so its clients share the limits of one IP address; let the proxy append the IP address of the client"
                );
            }
            Some(ProxyProblem::NotTrusted)
                if !self.warned.not_trusted.swap(true, Ordering::Relaxed) =>
            {
                tracing::warn!(
                    %peer,
                    "X-Forwarded-For is ignored, because the peer is not a trusted proxy; if it is a proxy, trust it with --trusted-proxy, or its clients share the limits of one IP address"
                );
            }
            _ => {}
        }
    }

    fn problem(&self, peer: IpAddr, headers: &HeaderMap) -> Option<ProxyProblem> {
        let last = hops(headers).next();
        if self.trusts(peer) {
            match last.and_then(address) {
                Some(_) => None,
                None => Some(ProxyProblem::Unusable),
            }
        } else if last.is_some() && is_private(peer) {
            Some(ProxyProblem::NotTrusted)
        } else {
            None
        }
    }
}

/// Returns the entries of `X-Forwarded-For`, the last one first.
fn hops(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let values = headers.get_all("x-forwarded-for").iter().rev();
    values.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','))
}

/// Parses an address: `192.0.2.1`, `192.0.2.1:50000`, `2001:db8::1`, `[2001:db8::1]` or
/// `[2001:db8::1]:50000`. Some proxies append the port.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim_matches([' ', '\t']);
    if text.contains('%') {
        return None; // A zone, which is valid only on the machine that wrote it.
    }
    let in_brackets = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = match in_brackets {
        Some(address) => IpAddr::V6(address.parse().ok()?),
        None => {
            text.parse().or_else(|_| text.parse().map(|address: SocketAddr| address.ip())).ok()?
        }
    };
    Some(address.to_canonical())
}

/// Returns the beginning of an entry, for the log.
fn loggable(entry: &[u8]) -> String {
    const MAX_CHARS: usize = 64;
    String::from_utf8_lossy(entry).trim().chars().take(MAX_CHARS).collect()
}

/// Returns whether the address belongs to this machine or to a network that is not on the internet
/// (RFC 1918, 3927, 4193, 4291 and 6598), where a proxy is likely.
fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let is_shared = ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64;
            ip.is_loopback() || ip.is_private() || ip.is_link_local() || is_shared
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

impl FromIterator<TrustedProxy> for TrustedProxies {
    fn from_iter<I: IntoIterator<Item = TrustedProxy>>(proxies: I) -> Self {
        Self { networks: proxies.into_iter().collect(), warned: Arc::default() }
    }
}

impl FromStr for TrustedProxy {
    type Err = InvalidNetwork;

    /// Parses a network, with or without host bits, or a single IP address.
    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let network = match text.parse::<IpAddr>() {
            Ok(address) => IpNet::from(address.to_canonical()),
            Err(_) => canonical(text.parse().map_err(|_| InvalidNetwork)?),
        };
        Ok(Self(network))
    }
}

/// Converts a network of IPv4-mapped IPv6 addresses to the IPv4 network.
fn canonical(network: IpNet) -> IpNet {
    const MAPPED_PREFIX: u8 = 96;
    let bits = network.prefix_len().checked_sub(MAPPED_PREFIX);
    match (network.addr(), network.addr().to_canonical(), bits) {
        (IpAddr::V6(_), IpAddr::V4(address), Some(bits)) => {
            IpNet::new(address.into(), bits).unwrap_or(network)
        }
        _ => network,
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    fn proxies(networks: &[&str]) -> TrustedProxies {
        networks.iter().map(|network| network.parse::<TrustedProxy>().unwrap()).collect()
    }

    fn client(proxies: &TrustedProxies, peer: &str, values: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-forwarded-for", HeaderValue::from_str(value).unwrap());
        }
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn the_client_is_the_rightmost_address_that_is_not_a_trusted_proxy() {
        let proxies = proxies(&["10.0.0.0/8", "2001:db8:1::/48", "192.0.2.99"]);
        for (peer, values, expected) in [
            ("203.0.113.1", &["192.0.2.1"][..], "203.0.113.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["203.0.113.7, 192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["192.0.2.1, 10.9.9.9,192.0.2.99"], "192.0.2.1"),
            ("10.0.0.1", &["203.0.113.7", "192.0.2.1", "10.0.0.2"], "192.0.2.1"),
            ("2001:db8:1::5", &["2001:db8:2::1"], "2001:db8:2::1"),
            // All hops are trusted proxies.
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            // A malformed entry ends the search at the proxy that wrote it.
            ("10.0.0.1", &["192.0.2.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["192.0.2.1, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["192.0.2.1,"], "10.0.0.1"),
            ("10.0.0.1", &["192.0.2.1:"], "10.0.0.1"),
            ("10.0.0.1", &["192.0.2.1:65536"], "10.0.0.1"),
            ("10.0.0.1", &["192.0.2.1:http"], "10.0.0.1"),
            ("10.0.0.1", &["[192.0.2.1]"], "10.0.0.1"),
            ("10.0.0.1", &["[2001:db8::1"], "10.0.0.1"),
            ("10.0.0.1", &["[2001:db8::1]5000"], "10.0.0.1"),
            ("10.0.0.1", &["[2001:db8::1]:x"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.7, [::1"], "10.0.0.1"),
            ("10.0.0.1", &["\"192.0.2.1\""], "10.0.0.1"),
            ("10.0.0.1", &["192.0.2.1 192.0.2.2"], "10.0.0.1"),
            ("10.0.0.1", &["é"], "10.0.0.1"),
            // With a port.
            ("10.0.0.1", &["203.0.113.7:51234"], "203.0.113.7"),
            ("10.0.0.1", &["[2001:db8::1]:51234"], "2001:db8::1"),
            ("10.0.0.1", &["[2001:db8::1]"], "2001:db8::1"),
            ("10.0.0.1", &["192.0.2.1, 203.0.113.7:51234, 10.0.0.2:80"], "203.0.113.7"),
            ("10.0.0.1", &["[::ffff:192.0.2.1]:51234"], "192.0.2.1"),
            // Several headers are one list.
            ("10.0.0.1", &["192.0.2.1:1", "203.0.113.7:2", "10.0.0.2:3, 10.0.0.3"], "203.0.113.7"),
            // IPv4-mapped IPv6.
            ("::ffff:10.0.0.1", &["::ffff:192.0.2.1"], "192.0.2.1"),
            ("::ffff:203.0.113.1", &["192.0.2.1"], "203.0.113.1"),
        ] {
            assert_eq!(client(&proxies, peer, values), expected, "{peer} {values:?}");
        }
    }

    #[test]
    fn a_proxy_that_hides_its_clients_is_a_problem() {
        let proxies = proxies(&["10.0.0.0/8", "203.0.113.9"]);
        let problem = |peer: &str, values: &[&str]| {
            let values = values.iter().map(|value| HeaderValue::from_str(value).unwrap());
            let headers = values.map(|value| (HeaderName::from_static("x-forwarded-for"), value));
            proxies.problem(peer.parse().unwrap(), &headers.collect())
        };
        for (peer, values, expected) in [
            ("10.0.0.1", &["192.0.2.1"][..], None),
            ("10.0.0.1", &["unknown, 192.0.2.1:80"], None),
            // A client in the network of the proxies.
            ("10.0.0.1", &["10.0.0.7"], None),
            ("10.0.0.1", &[], Some(ProxyProblem::Unusable)),
            ("::ffff:10.0.0.1", &["192.0.2.1, unknown"], Some(ProxyProblem::Unusable)),
            ("203.0.113.9", &[""], Some(ProxyProblem::Unusable)),
            ("127.0.0.1", &[], None),
            ("127.0.0.1", &["192.0.2.1"], Some(ProxyProblem::NotTrusted)),
            ("192.168.1.1", &["192.0.2.1"], Some(ProxyProblem::NotTrusted)),
            ("100.64.0.1", &["192.0.2.1"], Some(ProxyProblem::NotTrusted)),
            ("fd00::1", &["192.0.2.1"], Some(ProxyProblem::NotTrusted)),
            // Any client on the internet can send the header.
            ("192.0.2.1", &["192.0.2.1"], None),
            ("2001:db8::1", &["192.0.2.1"], None),
        ] {
            assert_eq!(problem(peer, values), expected, "{peer} {values:?}");
        }
    }

    #[test]
    fn without_trusted_proxies_the_header_is_ignored() {
        assert_eq!(client(&proxies(&[]), "127.0.0.1", &["192.0.2.1"]), "127.0.0.1");
    }

    #[test]
    fn a_network_can_be_written_in_several_ways() {
        for text in ["10.1.0.0/16", "10.1.2.3/16", "::ffff:10.1.0.0/112"] {
            assert_eq!(client(&proxies(&[text]), "10.1.9.9", &["192.0.2.1"]), "192.0.2.1");
        }
        assert_eq!(client(&proxies(&["::ffff:10.0.0.1"]), "10.0.0.1", &["192.0.2.1"]), "192.0.2.1");
        for text in ["", "10.0.0.0/33", "10.0.0/8", "localhost", "10.0.0.0/8/8", "10.0.0.1-9"] {
            assert_eq!(text.parse::<TrustedProxy>(), Err(InvalidNetwork), "{text}");
        }
    }
}

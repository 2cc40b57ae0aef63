use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use warp::http::HeaderMap;

/// The proxies whose `X-Forwarded-For` is trusted.
///
/// Each proxy appends the IP address of its peer to `X-Forwarded-For`. Clients can forge everything
/// before that. So the list is read from its end, and only the entries that trusted proxies have
/// appended are used.
///
/// ```
/// # use api::{TrustedProxies, TrustedProxy};
/// # use warp::http::{HeaderMap, HeaderValue};
/// let proxies: TrustedProxies = ["10.0.0.0/8".parse::<TrustedProxy>()?].into_iter().collect();
/// let mut headers = HeaderMap::new();
/// headers.insert("x-forwarded-for", HeaderValue::from_static("203.0.113.9, 192.0.2.1"));
///
/// let [proxy, untrusted] = ["10.0.0.1", "198.51.100.1"].map(|ip| ip.parse().unwrap());
/// assert_eq!(proxies.client(proxy, &headers).to_string(), "192.0.2.1");
/// assert_eq!(proxies.client(untrusted, &headers), untrusted);
/// # Ok::<(), api::InvalidNetwork>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<TrustedProxy>);

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
        let values = headers.get_all("x-forwarded-for").iter().rev();
        let mut hops = values.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
        while self.trusts(client) {
            match hops.next().and_then(address) {
                Some(previous) => client = previous,
                None => break,
            }
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|TrustedProxy(network)| network.contains(&address))
    }
}

fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim_matches([' ', '\t']);
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

impl FromIterator<TrustedProxy> for TrustedProxies {
    fn from_iter<I: IntoIterator<Item = TrustedProxy>>(proxies: I) -> Self {
        Self(proxies.into_iter().collect())
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
    use warp::http::HeaderValue;

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
            ("10.0.0.1", &["192.0.2.1:5000"], "10.0.0.1"),
            ("10.0.0.1", &["[2001:db8::1]"], "10.0.0.1"),
            ("10.0.0.1", &["\"192.0.2.1\""], "10.0.0.1"),
            ("10.0.0.1", &["192.0.2.1 192.0.2.2"], "10.0.0.1"),
            ("10.0.0.1", &["é"], "10.0.0.1"),
            // IPv4-mapped IPv6.
            ("::ffff:10.0.0.1", &["::ffff:192.0.2.1"], "192.0.2.1"),
            ("::ffff:203.0.113.1", &["192.0.2.1"], "203.0.113.1"),
        ] {
            assert_eq!(client(&proxies, peer, values), expected, "{peer} {values:?}");
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

use std::net::IpAddr;

use api::{TrustedProxies, TrustedProxy};
use warp::http::HeaderMap;
use warp::http::header::HeaderValue;

/// Checks that the right IP address is read from `X-Forwarded-For` headers. Each line of the input
/// is the value of a header.
///
/// The headers are ignored unless the peer is a trusted proxy. If it is, the last IP address that
/// is not that of a trusted proxy counts. A malformed entry ends the search. An entry can have a
/// port.
pub(crate) fn check(input: &[u8]) {
    let values = input.split(|byte| *byte == b'\n').map(HeaderValue::from_bytes);
    let mut headers = HeaderMap::new();
    for value in values.flatten() {
        headers.append("x-forwarded-for", value);
    }
    let networks = ["10.0.0.0/8", "2001:db8::/32"].map(str::parse::<TrustedProxy>);
    let proxies: TrustedProxies = networks.into_iter().flatten().collect();
    for peer in [[192, 0, 2, 1], [10, 0, 0, 1]].map(IpAddr::from) {
        assert_eq!(proxies.client(peer, &headers), expected(peer, &headers));
    }
}

fn expected(peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let mut hops = Vec::new();
    for value in headers.get_all("x-forwarded-for") {
        let text: String = value.as_bytes().iter().map(|byte| char::from(*byte)).collect();
        for hop in text.split(',') {
            let hop = hop.trim_matches(|c| c == ' ' || c == '\t');
            hops.push(parse(hop).map(|hop| hop.to_canonical()));
        }
    }
    let mut client = peer;
    while is_trusted(client) {
        match hops.pop() {
            Some(Some(hop)) => client = hop,
            _ => break,
        }
    }
    client
}

fn parse(hop: &str) -> Option<IpAddr> {
    if let Some(rest) = hop.strip_prefix('[') {
        let (ip, port) = rest.split_once(']')?;
        return match port.strip_prefix(':') {
            Some(port) if is_port(port) => Some(IpAddr::V6(ip.parse().ok()?)),
            None if port.is_empty() => Some(IpAddr::V6(ip.parse().ok()?)),
            _ => None,
        };
    }
    match hop.split_once(':') {
        Some((ip, port)) if is_port(port) => Some(IpAddr::V4(ip.parse().ok()?)),
        _ => hop.parse().ok(),
    }
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

fn is_trusted(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.octets()[0] == 10,
        IpAddr::V6(ip) => ip.segments()[..2] == [0x2001, 0xdb8],
    }
}

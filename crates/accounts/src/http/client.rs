use std::net::{IpAddr, SocketAddr};

use auth_core::ClientInfo;
use http::HeaderMap;
use http::header::USER_AGENT;

use super::proxies::TrustedProxies;

/// The IP address of the client. A server other than warp's own must insert it into the extensions
/// of each request.
///
/// ```
/// # use accounts::http::ClientAddress;
/// # let peer: std::net::SocketAddr = "192.0.2.1:50000".parse().unwrap();
/// # let mut request = http::Request::new(());
/// request.extensions_mut().insert(ClientAddress(peer.ip()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Returns the client that sends a request: its IP address and its user agent.
#[must_use]
pub fn client_info(headers: &HeaderMap, ip: Option<IpAddr>) -> ClientInfo {
    let name = headers.get(USER_AGENT);
    let name = name.map(|name| String::from_utf8_lossy(name.as_bytes()));
    ClientInfo::new(ip, name.as_deref())
}

/// Returns the IP address of the client.
///
/// This is the [`ClientAddress`], if the server has set one. Otherwise it is the peer of the
/// connection or, if the peer is a trusted proxy, the client that `X-Forwarded-For` names.
#[must_use]
pub fn client_ip(
    address: Option<ClientAddress>,
    peer: Option<SocketAddr>,
    headers: &HeaderMap,
    proxies: &TrustedProxies,
) -> Option<IpAddr> {
    match (address, peer) {
        (Some(ClientAddress(ip)), _) => Some(ip),
        (None, Some(peer)) => Some(proxies.client(peer.ip(), headers)),
        (None, None) => None,
    }
}

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use accounts::ClientInfo;
use warp::Filter;
use warp::http::HeaderMap;
use warp::http::header::USER_AGENT;

use crate::TrustedProxies;

/// The address of the client, for requests that do not come in through warp's own server:
/// whoever runs the connections puts it into each request's extensions.
///
/// ```
/// # use api::ClientAddress;
/// # let peer: std::net::SocketAddr = "192.0.2.1:50000".parse().unwrap();
/// # let mut request = warp::http::Request::new(());
/// request.extensions_mut().insert(ClientAddress(peer.ip()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Who has sent a request, as far as it is known.
pub(crate) struct Sender {
    known: Option<ClientAddress>,
    peer: Option<SocketAddr>,
}

/// Extracts who has sent a request.
pub(crate) fn sender() -> impl Filter<Extract = (Sender,), Error = Infallible> + Clone {
    let both = warp::ext::optional().and(warp::addr::remote());
    both.map(|known, peer| Sender { known, peer })
}

impl Sender {
    /// The address that the request comes from, by way of proxies or not.
    pub(crate) fn address(&self, headers: &HeaderMap, proxies: &TrustedProxies) -> Option<IpAddr> {
        match (self.known, self.peer) {
            (Some(ClientAddress(ip)), _) => Some(ip),
            (None, Some(peer)) => Some(proxies.client(peer.ip(), headers)),
            (None, None) => None,
        }
    }
}

/// What a request says of the program it comes from.
pub(crate) fn client(ip: Option<IpAddr>, headers: &HeaderMap) -> ClientInfo {
    let name = headers.get(USER_AGENT).map(|name| String::from_utf8_lossy(name.as_bytes()));
    ClientInfo::new(ip, name.as_deref())
}

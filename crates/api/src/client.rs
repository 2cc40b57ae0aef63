use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use accounts::Client;
use warp::Filter;
use warp::http::HeaderMap;
use warp::http::header::USER_AGENT;

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

/// Extracts the address that a request comes from, if it is known.
pub(crate) fn address() -> impl Filter<Extract = (Option<IpAddr>,), Error = Infallible> + Clone {
    warp::ext::optional().and(warp::addr::remote()).map(
        |known: Option<ClientAddress>, remote: Option<SocketAddr>| {
            known.map(|ClientAddress(ip)| ip).or(remote.map(|address| address.ip()))
        },
    )
}

/// What a request says of the program it comes from.
pub(crate) fn client(ip: Option<IpAddr>, headers: &HeaderMap) -> Client {
    let name = headers.get(USER_AGENT).map(|name| String::from_utf8_lossy(name.as_bytes()));
    Client::new(ip, name.as_deref())
}

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use accounts::http::{Authentication, ClientAddress, Credentials, client_ip};
use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use tokio::sync::OnceCell;

use crate::shared::Shared;

/// The extension that the layer adds to a request.
#[derive(Clone)]
pub(crate) struct RequestAuth(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    authentication: OnceCell<Authentication>,
}

impl RequestAuth {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(Arc::new(Inner { shared, authentication: OnceCell::new() }))
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    /// Authenticates the request, unless this has been done before.
    pub(crate) async fn authenticate(&self, parts: &Parts) -> &Authentication {
        let Inner { shared, authentication } = &*self.0;
        let ip = client_address(parts, shared);
        let request = Credentials { method: &parts.method, headers: &parts.headers, ip };
        authentication
            .get_or_init(|| Authentication::new(&shared.accounts, &shared.cookies, request))
            .await
    }

    /// Returns the authentication of the request, if a handler has asked for it.
    pub(crate) fn authentication(&self) -> Option<&Authentication> {
        self.0.authentication.get()
    }
}

/// Returns the IP address of the client.
pub(crate) fn client_address(parts: &Parts, shared: &Shared) -> Option<IpAddr> {
    let address = parts.extensions.get::<ClientAddress>().copied();
    let peer = parts.extensions.get().map(|ConnectInfo(peer): &ConnectInfo<SocketAddr>| *peer);
    match (address, peer) {
        (None, Some(peer)) => shared.proxies.warn_once(peer.ip(), &parts.headers),
        (None, None) => shared.warn_about_address(),
        (Some(_), _) => {}
    }
    client_ip(address, peer, &parts.headers, &shared.proxies)
}

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use api::{ClientAddress, PublicOrigin, TrustedProxies};
use auth_core::{Random as _, SystemRandom};
use futures_util::FutureExt as _;
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::service::Service;
use hyper::{HeaderMap, Request, StatusCode};
use tokio::time::Instant;
use tracing::Instrument as _;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::body::TimedBody;
use super::headers::security_headers;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What is around every answer: a request id, the security headers, a line in the log,
/// and 500 where a handler panicked.
pub(crate) struct Envelope {
    headers: HeaderMap,
    proxies: TrustedProxies,
}

/// The service of a connection.
#[derive(Clone)]
pub(crate) struct Enveloped {
    routes: BoxedFilter<(Response,)>,
    headers: Arc<HeaderMap>,
    proxies: Arc<TrustedProxies>,
    peer: Option<IpAddr>,
}

impl Envelope {
    pub(crate) fn new(origin: &PublicOrigin, proxies: TrustedProxies) -> Self {
        Self { headers: security_headers(origin), proxies }
    }

    pub(crate) fn around(self, routes: BoxedFilter<(Response,)>) -> Enveloped {
        let (headers, proxies) = (Arc::new(self.headers), Arc::new(self.proxies));
        Enveloped { routes, headers, proxies, peer: None }
    }
}

impl Enveloped {
    /// The same for a connection from this address.
    pub(crate) fn with_peer(self, peer: IpAddr) -> Self {
        Self { peer: Some(peer), ..self }
    }
}

impl Service<Request<Incoming>> for Enveloped {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let id = request_id();
        // The path alone: a query string may hold what no log should.
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let ip = self.peer.map(|peer| self.proxies.client(peer, request.headers()));
        let span = tracing::info_span!("request", id = %id, ip = ip.map(tracing::field::display), %method, path);
        let answer = self.answer(request, ip);
        let headers = Arc::clone(&self.headers);
        let record = Record { start: Instant::now(), status: None };
        let future = async move {
            let mut response = answer.await;
            response.headers_mut().extend(headers.iter().map(|(n, v)| (n.clone(), v.clone())));
            if let Ok(id) = HeaderValue::from_str(&id) {
                response.headers_mut().insert(X_REQUEST_ID, id);
            }
            record.answered(response.status());
            Ok(response)
        };
        Box::pin(future.instrument(span))
    }
}

impl Enveloped {
    fn answer(
        &self,
        request: Request<Incoming>,
        ip: Option<IpAddr>,
    ) -> impl Future<Output = Response> + Send + use<> {
        let mut routes = warp::service(self.routes.clone());
        let answer = async move {
            // `GET host:port` and CONNECT name no path, without which warp panics.
            if request.uri().path_and_query().is_none() {
                return Ok(api::not_found());
            }
            let mut request = request.map(TimedBody::new);
            if let Some(ip) = ip {
                request.extensions_mut().insert(ClientAddress(ip));
            }
            tower_service::Service::call(&mut routes, request).await
        };
        AssertUnwindSafe(answer).catch_unwind().map(|answered| match answered {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => api::internal_error(),
        })
    }
}

/// The line in the log that every request gets: also one that is given up before it is
/// answered, because its client has gone away or the server stops.
struct Record {
    start: Instant,
    status: Option<StatusCode>,
}

impl Record {
    fn answered(mut self, status: StatusCode) {
        self.status = Some(status);
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let micros = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        match self.status {
            Some(status) => tracing::info!(status = status.as_u16(), micros, "answered"),
            None => tracing::info!(micros, "given up: nobody waits for the answer any more"),
        }
    }
}

/// An id of the server's own making: nothing that a client sends is taken for one.
fn request_id() -> String {
    let mut bytes = [0; 16];
    SystemRandom.fill(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()
}

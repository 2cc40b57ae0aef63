use std::borrow::Cow;
use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use api::{ClientAddress, Origin, TrustedProxies};
use auth_core::{Random as _, SystemRandom};
use futures_util::FutureExt as _;
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::service::Service;
use hyper::{HeaderMap, Request, StatusCode};
use tokio::time::Instant;
use tracing::Instrument as _;
use uuid::Uuid;
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
    peer: Option<Peer>,
}

/// Who a connection is to.
#[derive(Clone)]
struct Peer {
    ip: IpAddr,
    /// The same as text, for the log.
    text: Arc<str>,
}

impl Envelope {
    pub(crate) fn new(origin: &Origin, proxies: TrustedProxies) -> Self {
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
        let ip = peer.to_canonical();
        Self { peer: Some(Peer { ip, text: ip.to_string().into() }), ..self }
    }
}

impl Service<Request<Incoming>> for Enveloped {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let (id, mut text) = (request_id(), Uuid::encode_buffer());
        let id_text = id.hyphenated().encode_lower(&mut text);
        let ip = self.peer.as_ref().map(|peer| self.proxies.client(peer.ip, request.headers()));
        // The path alone: a query string may hold what no log should.
        let span = tracing::info_span!(
            "request",
            id = %id_text,
            ip = ip.map(|ip| self.text_of(ip)).as_deref().map(tracing::field::display),
            method = %request.method(),
            path = request.uri().path(),
        );
        let answer = self.answer(request, ip);
        let headers = Arc::clone(&self.headers);
        let record = Record { start: Instant::now(), status: None };
        let future = async move {
            let mut response = answer.await;
            seal(response.headers_mut(), &headers, id);
            record.answered(response.status());
            Ok(response)
        };
        Box::pin(future.instrument(span))
    }
}

impl Enveloped {
    fn text_of(&self, ip: IpAddr) -> Cow<'_, str> {
        match &self.peer {
            Some(peer) if peer.ip == ip => Cow::Borrowed(&peer.text),
            _ => ip.to_string().into(),
        }
    }

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

/// Puts on an answer what every one has. To copy a map and to add an answer's few headers to it
/// is less work than the other way round.
fn seal(headers: &mut HeaderMap, every: &HeaderMap, id: Uuid) {
    let own = std::mem::replace(headers, every.clone());
    headers.extend(own);
    let mut text = Uuid::encode_buffer();
    if let Ok(id) = HeaderValue::from_str(id.hyphenated().encode_lower(&mut text)) {
        headers.insert(X_REQUEST_ID, id);
    }
}

/// An id of the server's own making: nothing that a client sends is taken for one.
fn request_id() -> Uuid {
    uuid::Builder::from_random_bytes(random_bytes()).into_uuid()
}

/// Random bytes that are no secret. The system is asked for those of many requests at a time.
fn random_bytes() -> [u8; 16] {
    thread_local! {
        static SUPPLY: RefCell<Vec<[u8; 16]>> = const { RefCell::new(Vec::new()) };
    }
    SUPPLY.with_borrow_mut(|supply| {
        if supply.is_empty() {
            supply.resize(64, [0; 16]);
            SystemRandom.fill(supply.as_flattened_mut());
        }
        supply.pop().unwrap_or_default()
    })
}

use std::borrow::Cow;
use std::cell::RefCell;
use std::future::{Future, ready};
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use api::{ClientAddress, TrustedProxies};
use auth_core::{Origin, Random as _, SystemRandom};
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

use super::activity::{Activity, Evicted};
use super::body::TimedBody;
use super::head;
use super::security_headers::security_headers;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The maximum length of a path in the log, in bytes.
const MAX_LOGGED_PATH: usize = 512;

/// The maximum length of a method in the log, in bytes.
const MAX_LOGGED_METHOD: usize = 32;

/// The HTTP service. It calls the routes and adds a request id, the security headers and a log
/// record. If a handler panics, the response is 500.
#[derive(Clone)]
pub(crate) struct HttpService {
    routes: BoxedFilter<(Response,)>,
    headers: Arc<HeaderMap>,
    proxies: TrustedProxies,
}

/// The HTTP service of one connection.
pub(super) struct ConnectionService {
    http: HttpService,
    /// The IP address of the client or proxy at the other end.
    peer: IpAddr,
    /// `peer` as text, for the log.
    peer_text: Arc<str>,
    activity: Arc<Activity>,
}

impl HttpService {
    pub(crate) fn new(
        routes: BoxedFilter<(Response,)>,
        origin: &Origin,
        proxies: TrustedProxies,
    ) -> Self {
        Self { routes, headers: Arc::new(security_headers(origin)), proxies }
    }

    /// Returns whether `peer` is a trusted proxy.
    pub(super) fn trusts(&self, peer: IpAddr) -> bool {
        self.proxies.trusts(peer)
    }

    /// Returns the service for a connection from `peer`.
    pub(super) fn for_connection(
        &self,
        peer: IpAddr,
        activity: Arc<Activity>,
    ) -> ConnectionService {
        let peer = peer.to_canonical();
        let peer_text = peer.to_string().into();
        ConnectionService { http: self.clone(), peer, peer_text, activity }
    }
}

impl Service<Request<Incoming>> for ConnectionService {
    type Response = Response;
    type Error = Evicted;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Evicted>> + Send>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let work = match self.activity.begin_work() {
            Ok(work) => work,
            Err(evicted) => return Box::pin(ready(Err(evicted))),
        };
        let id = request_id();
        let mut buffer = Uuid::encode_buffer();
        let ip = self.client_ip(&request);
        let span = tracing::info_span!(
            "request",
            id = %id.hyphenated().encode_lower(&mut buffer),
            ip = %self.text_of(ip),
            method = %truncate(request.method().as_str(), MAX_LOGGED_METHOD),
            // Without the query string, which may contain secrets.
            path = &*truncate(request.uri().path(), MAX_LOGGED_PATH),
        );
        let respond = self.respond(request, ip);
        let headers = Arc::clone(&self.http.headers);
        let record = RequestRecord { start: Instant::now(), status: None };
        let future = async move {
            let mut response = respond.await;
            add_headers(response.headers_mut(), &headers, id);
            record.finish(response.status());
            drop(work);
            Ok(response)
        };
        Box::pin(future.instrument(span))
    }
}

impl ConnectionService {
    fn client_ip(&self, request: &Request<Incoming>) -> IpAddr {
        let proxies = &self.http.proxies;
        if request.uri().path().starts_with("/api/") {
            proxies.warn_once(self.peer, request.headers());
        }
        proxies.client(self.peer, request.headers())
    }

    fn text_of(&self, ip: IpAddr) -> Cow<'_, str> {
        match self.peer == ip {
            true => Cow::Borrowed(&self.peer_text),
            false => Cow::Owned(ip.to_string()),
        }
    }

    fn respond(
        &self,
        request: Request<Incoming>,
        ip: IpAddr,
    ) -> impl Future<Output = Response> + Send + use<> {
        let mut routes = warp::service(self.http.routes.clone());
        let activity = Arc::clone(&self.activity);
        let respond = async move {
            if let Err(error) = head::check(&request) {
                return Ok(error.into_response());
            }
            // `GET host:port` and CONNECT have no path, and warp panics without one.
            if request.uri().path_and_query().is_none() {
                return Ok(api::not_found());
            }
            let mut request = request.map(|body| TimedBody::new(body, activity));
            request.extensions_mut().insert(ClientAddress(ip));
            tower_service::Service::call(&mut routes, request).await
        };
        AssertUnwindSafe(respond).catch_unwind().map(|result| match result {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => api::internal_error(),
        })
    }
}

/// The log record of a request. It is written on drop, so that a request that is cancelled by a
/// disconnect or a shutdown is logged too.
struct RequestRecord {
    start: Instant,
    status: Option<StatusCode>,
}

impl RequestRecord {
    fn finish(mut self, status: StatusCode) {
        self.status = Some(status);
    }
}

impl Drop for RequestRecord {
    fn drop(&mut self) {
        let micros = u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        match self.status {
            Some(status) => tracing::info!(status = status.as_u16(), micros, "answered"),
            None => {
                tracing::info!(micros, "client disconnected or server stopped before the response");
            }
        }
    }
}

/// Truncates a string that is longer than `max_bytes`, and appends an ellipsis.
fn truncate(text: &str, max_bytes: usize) -> Cow<'_, str> {
    if text.len() <= max_bytes {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("{}…", &text[..text.floor_char_boundary(max_bytes)]))
}

/// Adds the common headers and the request id. A copy of the common headers is extended with the
/// few headers of the response, which is faster than the reverse.
fn add_headers(headers: &mut HeaderMap, common: &HeaderMap, id: Uuid) {
    let own = std::mem::replace(headers, common.clone());
    headers.extend(own);
    let mut buffer = Uuid::encode_buffer();
    if let Ok(id) = HeaderValue::from_str(id.hyphenated().encode_lower(&mut buffer)) {
        headers.insert(X_REQUEST_ID, id);
    }
}

/// Returns a new request id. Ids sent by clients are ignored.
fn request_id() -> Uuid {
    uuid::Builder::from_random_bytes(random_bytes()).into_uuid()
}

/// Returns random bytes that need not be secret. One system call fetches enough for 64 requests.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_paths_are_truncated_in_the_log() {
        assert_eq!(truncate("/private", MAX_LOGGED_PATH), "/private");
        let path = format!("/{}", "é".repeat(MAX_LOGGED_PATH));
        let logged = truncate(&path, MAX_LOGGED_PATH);
        assert!(logged.len() <= MAX_LOGGED_PATH + "…".len() && logged.ends_with("é…"), "{logged}");
    }
}

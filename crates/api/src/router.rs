//! Routing with warp: one boxed filter per path, built from the list of endpoints.

use std::future::ready;
use std::net::SocketAddr;
use std::sync::Arc;

use accounts::http::{TrustedProxies, client_ip};
use warp::filters::BoxedFilter;
use warp::filters::path::Peek;
use warp::http::Method;
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::body::UnreadBody;
use crate::context::{Api, Context, Served};
use crate::endpoint::Endpoint;
use crate::prefix::Prefix;
use crate::problem::{method_not_allowed, not_found};

/// Returns the routes to all endpoints whose paths exist. Other paths are rejected as not found.
///
/// Paths are tried in the order of the list. Once a path has matched, an error is a response and
/// never a rejection, so a failed request to an endpoint cannot fall through to a page.
pub(crate) fn routes(
    endpoints: Vec<Endpoint>,
    api: &Arc<Api>,
    proxies: &Arc<TrustedProxies>,
    served: &Arc<Served>,
) -> BoxedFilter<(Response,)> {
    let mut paths: Vec<Vec<Endpoint>> = Vec::new();
    for endpoint in endpoints.into_iter().filter(|endpoint| endpoint.exists(&api.accounts)) {
        match paths.iter_mut().find(|path| path[0].docs.path == endpoint.docs.path) {
            Some(path) => path.push(endpoint),
            None => paths.push(vec![endpoint]),
        }
    }
    let end = warp::any().and_then(|| ready(Err(warp::reject::not_found()))).boxed();
    paths
        .into_iter()
        .rev()
        .fold(end, |rest, path| path_filter(path, api, proxies, served).or(rest).unify().boxed())
}

/// Returns a route that responds to every path under the prefix with 404.
pub(crate) fn api_not_found(prefix: Prefix) -> BoxedFilter<(Response,)> {
    path_that(move |path| prefix.contains(path)).map(not_found).boxed()
}

/// Matches a path, and calls the endpoint for the method. Other methods get 405.
fn path_filter(
    endpoints: Vec<Endpoint>,
    api: &Arc<Api>,
    proxies: &Arc<TrustedProxies>,
    served: &Arc<Served>,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let endpoints: Vec<_> = endpoints.into_iter().map(Arc::new).collect();
    let methods: Vec<_> = endpoints.iter().flat_map(|endpoint| endpoint.methods()).collect();
    let allow = methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
    let others = warp::any().map(move || method_not_allowed(allow.clone())).boxed();
    let path = exact_path(Arc::clone(&endpoints[0]), Arc::clone(served));
    let methods = endpoints.into_iter().rev().fold(others, |others, endpoint| {
        endpoint_filter(endpoint, api, proxies, served).or(others).unify().boxed()
    });
    path.and(methods)
}

/// Matches the whole path of an endpoint. (warp's own path filters ignore a trailing slash.)
fn exact_path(
    endpoint: Arc<Endpoint>,
    served: Arc<Served>,
) -> impl Filter<Extract = (), Error = Rejection> + Clone {
    path_that(move |path| {
        served.prefix.defined(path).is_some_and(|defined| endpoint.matches(&defined))
    })
}

/// Matches a path, which has no leading slash, that meets a condition.
fn path_that(
    condition: impl Fn(&str) -> bool + Clone + Send + Sync + 'static,
) -> impl Filter<Extract = (), Error = Rejection> + Clone {
    warp::path::peek()
        .and_then(move |path: Peek| {
            let is_path = condition(path.as_str());
            ready(if is_path { Ok(()) } else { Err(warp::reject::not_found()) })
        })
        .untuple_one()
}

/// Matches the method of an endpoint, and calls the endpoint.
fn endpoint_filter(
    endpoint: Arc<Endpoint>,
    api: &Arc<Api>,
    proxies: &Arc<TrustedProxies>,
    served: &Arc<Served>,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone + use<> {
    let (api, proxies, served) = (Arc::clone(api), Arc::clone(proxies), Arc::clone(served));
    let methods = endpoint.methods();
    let method = warp::method().and_then(move |method: Method| {
        let is_method = methods.contains(&method);
        ready(if is_method { Ok(()) } else { Err(warp::reject::not_found()) })
    });
    method
        .untuple_one()
        .and(warp::path::peek())
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional())
        .and(warp::addr::remote())
        .and(warp::body::stream())
        .then(move |path: Peek, headers, address, peer: Option<SocketAddr>, stream| {
            if let (None, Some(peer)) = (address, peer)
                && endpoint.is_under_api()
            {
                proxies.warn_once(peer.ip(), &headers);
            }
            let ip = client_ip(address, peer, &headers, &proxies);
            let context =
                Context { api: Arc::clone(&api), served: Arc::clone(&served), headers, ip };
            let defined = served.prefix.defined(path.as_str()).unwrap_or_default();
            endpoint.call(&defined, context, UnreadBody::new(stream))
        })
}

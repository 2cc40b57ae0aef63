use std::convert::Infallible;
use std::sync::Arc;

use accounts::Accounts;
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::incoming::{Incoming, incoming};
use crate::reply::{
    cached_briefly, created, method_not_allowed, no_content, no_store, not_found, ok,
};
use crate::{Api, PublicOrigin, handlers};

/// Everything that this crate answers. Other paths are rejected as not found, for the
/// caller's own routes to take.
///
/// A handler's failure is an answer, never a rejection: nothing that went wrong under
/// `/api` can fall through to a page.
#[must_use]
pub fn routes(accounts: Arc<Accounts>, origin: PublicOrigin) -> BoxedFilter<(Response,)> {
    let api = Api { accounts, origin: Arc::new(origin) };
    let under_api = signup(&api)
        .or(token(&api))
        .unify()
        .or(logout(&api))
        .unify()
        .or(me(&api))
        .unify()
        .or(warp::path("api").map(not_found))
        .unify()
        .map(no_store);
    under_api.or(jwks(&api)).unify().or(healthz()).unify().or(readyz(&api)).unify().boxed()
}

fn signup(api: &Api) -> BoxedFilter<(Response,)> {
    let post = warp::post().and(request(api)).then(handlers::signup).map(created);
    at(warp::path!("api" / "signup").boxed(), post.boxed(), "POST")
}

fn token(api: &Api) -> BoxedFilter<(Response,)> {
    let post = warp::post().and(request(api)).then(handlers::token).map(ok);
    at(warp::path!("api" / "token").boxed(), post.boxed(), "POST")
}

fn logout(api: &Api) -> BoxedFilter<(Response,)> {
    let post = warp::post().and(request(api)).then(handlers::logout).map(no_content);
    at(warp::path!("api" / "logout").boxed(), post.boxed(), "POST")
}

fn me(api: &Api) -> BoxedFilter<(Response,)> {
    let get = warp::get().and(request(api)).then(handlers::me).map(ok);
    at(warp::path!("api" / "me").boxed(), get.boxed(), "GET")
}

fn jwks(api: &Api) -> BoxedFilter<(Response,)> {
    let get = get_or_head().and(with(api)).then(handlers::jwks).map(ok).map(cached_briefly);
    at(warp::path!(".well-known" / "jwks.json").boxed(), get.boxed(), "GET, HEAD")
}

fn healthz() -> BoxedFilter<(Response,)> {
    let get = get_or_head().then(handlers::healthz).map(ok).map(no_store);
    at(warp::path!("healthz").boxed(), get.boxed(), "GET, HEAD")
}

fn readyz(api: &Api) -> BoxedFilter<(Response,)> {
    let get = get_or_head().and(with(api)).then(handlers::readyz).map(ok).map(no_store);
    at(warp::path!("readyz").boxed(), get.boxed(), "GET, HEAD")
}

/// A path and what it answers. A path that matched is looked for nowhere else: methods
/// other than those in `allow` are refused here.
fn at(
    path: BoxedFilter<()>,
    methods: BoxedFilter<(Response,)>,
    allow: &'static str,
) -> BoxedFilter<(Response,)> {
    let others = warp::any().map(move || method_not_allowed(allow));
    path.and(methods.or(others).unify()).boxed()
}

fn request(api: &Api) -> BoxedFilter<(Incoming, Api)> {
    incoming().and(with(api)).boxed()
}

fn with(api: &Api) -> impl Filter<Extract = (Api,), Error = Infallible> + Clone + use<> {
    let api = api.clone();
    warp::any().map(move || api.clone())
}

/// Outside `/api`, HEAD is answered wherever GET is; the body is left out on the wire.
fn get_or_head() -> impl Filter<Extract = (), Error = Rejection> + Clone {
    warp::get().or(warp::head()).unify()
}

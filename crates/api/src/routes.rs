use std::convert::Infallible;

use accounts::SessionId;
use warp::filters::BoxedFilter;
use warp::filters::path::FullPath;
use warp::reply::Response;
use warp::{Filter, Rejection};

use crate::incoming::{Incoming, incoming};
use crate::reply::{
    as_file, cached_briefly, created, method_not_allowed, no_content, no_content_with_cookies,
    no_store, not_found, ok, ok_as_it_is, ok_with_cookies,
};
use crate::{Api, handlers, openapi};

/// Everything that this crate answers. Other paths are rejected as not found.
///
/// A handler's failure is an answer, never a rejection: nothing that went wrong under
/// `/api` can fall through to a page.
pub(crate) fn routes(api: &Api) -> BoxedFilter<(Response,)> {
    // What is asked for most by far comes first, and meets the fewest other paths on its way.
    let under_api = me(api).or(others(api)).unify().map(no_store).boxed();
    let outside = jwks(api).or(healthz()).unify().or(readyz(api)).unify().boxed();
    under_api.or(outside).unify().boxed()
}

/// Answers whatever else is under `/api` with 404, `not_found`: for a server that serves pages
/// for other paths, after all that has something there.
#[must_use]
pub fn api_not_found() -> BoxedFilter<(Response,)> {
    warp::path("api").map(not_found).map(no_store).boxed()
}

fn others(api: &Api) -> BoxedFilter<(Response,)> {
    signup(api)
        .or(token(api))
        .unify()
        .or(refresh(api))
        .unify()
        .or(logout(api))
        .unify()
        .or(password(api))
        .unify()
        .or(export(api))
        .unify()
        .or(activity(api))
        .unify()
        .or(sessions(api))
        .unify()
        .or(session(api))
        .unify()
        .or(document())
        .unify()
        .boxed()
}

fn signup(api: &Api) -> BoxedFilter<(Response,)> {
    let post = warp::post().and(request(api)).then(handlers::signup).map(created);
    at(warp::path!("api" / "signup"), post, "POST")
}

fn token(api: &Api) -> BoxedFilter<(Response,)> {
    let post = warp::post().and(request(api)).then(handlers::token).map(ok_with_cookies);
    at(warp::path!("api" / "token"), post, "POST")
}

fn refresh(api: &Api) -> BoxedFilter<(Response,)> {
    let post = warp::post().and(request(api)).then(handlers::refresh).map(ok_with_cookies);
    at(warp::path!("api" / "token" / "refresh"), post, "POST")
}

fn logout(api: &Api) -> BoxedFilter<(Response,)> {
    let post = warp::post().and(request(api)).then(handlers::logout).map(no_content_with_cookies);
    at(warp::path!("api" / "logout"), post, "POST")
}

fn me(api: &Api) -> BoxedFilter<(Response,)> {
    let get = warp::get().and(request(api)).then(handlers::me).map(ok);
    let delete = warp::delete()
        .and(request(api))
        .then(handlers::delete_account)
        .map(no_content_with_cookies)
        // It is long, and its place is not to be made for every GET.
        .boxed();
    at(warp::path!("api" / "me"), get.or(delete).unify(), "GET, DELETE")
}

fn password(api: &Api) -> BoxedFilter<(Response,)> {
    let put =
        warp::put().and(request(api)).then(handlers::change_password).map(no_content_with_cookies);
    at(warp::path!("api" / "me" / "password"), put, "PUT")
}

fn export(api: &Api) -> BoxedFilter<(Response,)> {
    let get = warp::get().and(request(api)).then(handlers::export).map(ok).map(as_file);
    at(warp::path!("api" / "me" / "export"), get, "GET")
}

fn activity(api: &Api) -> BoxedFilter<(Response,)> {
    let get = warp::get().and(request(api)).then(handlers::activity).map(ok);
    at(warp::path!("api" / "me" / "activity"), get, "GET")
}

fn sessions(api: &Api) -> BoxedFilter<(Response,)> {
    let get = warp::get().and(request(api)).then(handlers::sessions).map(ok);
    let delete =
        warp::delete().and(request(api)).then(handlers::end_other_sessions).map(no_content);
    at(warp::path!("api" / "sessions"), get.or(delete).unify(), "GET, DELETE")
}

/// What is no id is no path.
fn session(api: &Api) -> BoxedFilter<(Response,)> {
    let path = warp::path!("api" / "sessions" / SessionId).and(no_slash_at_the_end()).boxed();
    let delete = path
        .clone()
        .and(warp::delete())
        .and(request(api))
        .then(handlers::end_session)
        .map(no_content_with_cookies);
    delete.or(path.map(|_| method_not_allowed("DELETE"))).unify().boxed()
}

fn document() -> BoxedFilter<(Response,)> {
    let get = warp::get().map(|| ok_as_it_is(openapi::text()));
    at(warp::path!("api" / "openapi.json"), get, "GET")
}

fn jwks(api: &Api) -> BoxedFilter<(Response,)> {
    let get = get_or_head().and(with(api)).then(handlers::jwks).map(ok).map(cached_briefly);
    at(warp::path!(".well-known" / "jwks.json"), get, "GET, HEAD")
}

fn healthz() -> BoxedFilter<(Response,)> {
    let get = get_or_head().then(handlers::healthz).map(ok).map(no_store);
    at(warp::path!("healthz"), get, "GET, HEAD")
}

fn readyz(api: &Api) -> BoxedFilter<(Response,)> {
    let get = get_or_head().and(with(api)).then(handlers::readyz).map(ok).map(no_store);
    at(warp::path!("readyz"), get, "GET, HEAD")
}

/// A path and what it answers. A path that matched is looked for nowhere else: methods
/// other than those in `allow` are refused here.
fn at<P, M>(path: P, methods: M, allow: &'static str) -> BoxedFilter<(Response,)>
where
    P: Filter<Extract = (), Error = Rejection> + Clone + Send + Sync + 'static,
    M: Filter<Extract = (Response,), Error = Rejection> + Clone + Send + Sync + 'static,
{
    let others = warp::any().map(move || method_not_allowed(allow));
    path.and(no_slash_at_the_end()).and(methods.or(others).unify().boxed()).boxed()
}

/// warp takes a slash at the end for nothing. Here it would turn a `DELETE` of a session
/// whose id is missing into one of all the others.
fn no_slash_at_the_end() -> impl Filter<Extract = (), Error = Rejection> + Clone {
    warp::path::full()
        .and_then(|path: FullPath| async move {
            match path.as_str().ends_with('/') {
                true => Err(warp::reject::not_found()),
                false => Ok(()),
            }
        })
        .untuple_one()
}

fn request(api: &Api) -> impl Filter<Extract = (Incoming, Api), Error = Rejection> + Clone + use<> {
    incoming(&api.proxies).and(with(api))
}

fn with(api: &Api) -> impl Filter<Extract = (Api,), Error = Infallible> + Clone + use<> {
    let api = api.clone();
    warp::any().map(move || api.clone())
}

/// Outside `/api`, HEAD is answered wherever GET is; the body is left out on the wire.
fn get_or_head() -> impl Filter<Extract = (), Error = Rejection> + Clone {
    warp::get().or(warp::head()).unify()
}

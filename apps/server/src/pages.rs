//! The single-page app: one page for all its routes, and the assets that it loads.

mod encoding;
mod files;
mod respond;

use auth_core::PasswordPolicy;
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::filters::path::FullPath;
use warp::http::{HeaderMap, Method};
use warp::reply::Response;

use files::{Built, Files};
use respond::{asset, page};

/// The routes that the app knows; on any other path it shows that nothing is there.
const ROUTES: [&str; 4] = ["/", "/signup", "/login", "/private"];

/// Answers every path that is left.
pub(crate) fn routes(policy: PasswordPolicy) -> BoxedFilter<(Response,)> {
    routes_from(&Built, policy)
}

/// Whether there are pages in this binary, or on the disk while developing.
pub(crate) fn are_built() -> bool {
    Built.page().is_some()
}

fn routes_from<F: Files>(files: &'static F, policy: PasswordPolicy) -> BoxedFilter<(Response,)> {
    warp::method()
        .and(warp::path::full())
        .and(warp::header::headers_cloned())
        .map(move |method: Method, path: FullPath, headers: HeaderMap| {
            answer(files, policy, &method, path.as_str(), &headers)
        })
        .boxed()
}

fn answer<F: Files>(
    files: &F,
    policy: PasswordPolicy,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Response {
    let is_route = ROUTES.contains(&path);
    let file = files.asset(path);
    match (is_route, file, method) {
        (true, _, &Method::GET | &Method::HEAD) => page(files.page(), policy, headers, true),
        (_, Some(file), &Method::GET | &Method::HEAD) => asset(files, path, file, headers),
        (true, ..) | (_, Some(_), _) => api::method_not_allowed("GET, HEAD"),
        (_, _, &Method::GET | &Method::HEAD) if encoding::accepts_html(headers) => {
            page(files.page(), policy, headers, false)
        }
        _ => api::not_found(),
    }
}

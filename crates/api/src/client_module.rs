//! Serves the browser client, an ES module, at `/latchkey.js`, and the script for pages that are
//! rendered on the server, at `/latchkey-page.js`.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use accounts::http::PAGE_SCRIPT;
use warp::filters::BoxedFilter;
use warp::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH};
use warp::http::{HeaderMap, Method, StatusCode};
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Filter as _, reject};

use crate::problem::method_not_allowed;

/// A script with its path. It is not under `/api`, whose responses browsers do not store.
struct Script {
    path: &'static str,
    text: &'static str,
}

/// The module. Applications with a build step install it with npm instead.
static MODULE: Script =
    Script { path: "/latchkey.js", text: include_str!("../client/latchkey.js") };

/// The script for pages that are rendered on the server.
static PAGE: Script = Script { path: "/latchkey-page.js", text: PAGE_SCRIPT };

/// Returns the routes to the scripts. They are not operations of the API, so they are not in the
/// OpenAPI document.
pub(crate) fn routes() -> BoxedFilter<(Response,)> {
    route(&MODULE).or(route(&PAGE)).unify().boxed()
}

fn route(script: &'static Script) -> BoxedFilter<(Response,)> {
    let mut hasher = DefaultHasher::new();
    script.text.hash(&mut hasher);
    let etag = format!("\"{:016x}\"", hasher.finish());
    let is_path = move |path: FullPath| async move {
        if path.as_str() == script.path { Ok(()) } else { Err(reject::not_found()) }
    };
    warp::path::full()
        .and_then(is_path)
        .untuple_one()
        .and(warp::method())
        .and(warp::header::headers_cloned())
        .map(move |method, headers| respond(script.text, &method, &headers, &etag))
        .boxed()
}

/// Returns a script, or 304 if the browser has it already. The URL stays the same when the script
/// changes, so browsers must revalidate it each time.
fn respond(text: &'static str, method: &Method, headers: &HeaderMap, etag: &str) -> Response {
    if method != Method::GET && method != Method::HEAD {
        return method_not_allowed("GET, HEAD");
    }
    let is_known = headers.get_all(IF_NONE_MATCH).iter().any(|value| {
        value.to_str().is_ok_and(|tags| {
            tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag)
        })
    });
    let mut response = Response::new(if is_known { "" } else { text }.into());
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        let kind = HeaderValue::from_static("text/javascript; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, kind);
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(etag) = HeaderValue::from_str(etag) {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn request(method: &str, path: &str, known: &str) -> (u16, HeaderMap, String) {
        let request = warp::test::request().method(method).path(path);
        let response = request.header("if-none-match", known).reply(&routes()).await;
        let body = String::from_utf8(response.body().to_vec()).unwrap();
        (response.status().as_u16(), response.headers().clone(), body)
    }

    #[tokio::test]
    async fn the_scripts_are_revalidated_with_their_etags() {
        for Script { path, text } in [&MODULE, &PAGE] {
            let (status, headers, body) = request("GET", path, "\"another\"").await;
            assert_eq!((status, &*body), (200, *text));
            assert_eq!(headers[CONTENT_TYPE], "text/javascript; charset=utf-8");
            assert_eq!(headers[CACHE_CONTROL], "no-cache");
            let etag = headers[ETAG].to_str().unwrap();
            // A proxy that compresses responses makes the tag weak.
            for known in [etag, &format!("\"another\", {etag}"), &format!("W/{etag}")] {
                let (status, headers, body) = request("GET", path, known).await;
                assert_eq!((status, &*body), (304, ""), "{known}");
                assert_eq!(headers[ETAG], etag);
            }
        }
    }

    #[tokio::test]
    async fn other_methods_and_paths_are_rejected() {
        assert_eq!(request("HEAD", MODULE.path, "").await.0, 200);
        let (status, headers, _) = request("POST", MODULE.path, "").await;
        assert_eq!((status, &headers["allow"]), (405, &HeaderValue::from_static("GET, HEAD")));
        for path in ["/latchkey.js/", "/latchkey.j", "/api/latchkey.js", "/"] {
            assert_eq!(request("GET", path, "").await.0, 404, "{path}");
        }
    }
}

use bytes::Bytes;
use rust_embed::EmbeddedFile;
use warp::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH,
    LOCATION, VARY,
};
use warp::http::{HeaderMap, StatusCode};
use warp::reply::Response;

use crate::encoding::Encoding;
use crate::error::PagesError;
use crate::files::Files;
use crate::template::Filling;

/// Returns the page, filled in.
pub(crate) fn page(
    file: Option<EmbeddedFile>,
    filling: &Filling,
    headers: &HeaderMap,
    is_route: bool,
) -> Response {
    let Some(file) = file else {
        return not_built();
    };
    let etag = filling.etag(&file);
    let is_known = |value: &HeaderValue| value.to_str().is_ok_and(|list| lists(list, &etag));
    let mut response = if is_route && headers.get_all(IF_NONE_MATCH).iter().any(is_known) {
        with(StatusCode::NOT_MODIFIED, Bytes::new())
    } else {
        let page = filling.fill(&String::from_utf8_lossy(&file.data));
        let status = if is_route { StatusCode::OK } else { StatusCode::NOT_FOUND };
        let mut response = with(status, page.into());
        set(&mut response, CONTENT_TYPE, "text/html; charset=utf-8");
        response
    };
    // Browsers must revalidate the page each time, because it refers to the current build's assets.
    // Caches must not store an error.
    set(&mut response, CACHE_CONTROL, if is_route { "no-cache" } else { "no-store" });
    if is_route && let Ok(etag) = HeaderValue::from_str(&etag) {
        response.headers_mut().insert(ETAG, etag);
    }
    response
}

/// Returns an asset, in the smallest encoding that the client accepts. Its URL contains a hash of
/// the build or of its content, so it may be cached forever.
pub(crate) fn asset(files: &dyn Files, path: &str, plain: Bytes, headers: &HeaderMap) -> Response {
    let compressed = Encoding::accepted(headers).find_map(|encoding| {
        files.asset(&format!("{path}{}", encoding.extension())).map(|data| (encoding, data))
    });
    let (encoding, data) = match compressed {
        Some((encoding, data)) => (Some(encoding), data),
        None => (None, plain),
    };
    let mut response = with(StatusCode::OK, data);
    if let Some(encoding) = encoding {
        set(&mut response, CONTENT_ENCODING, encoding.name());
    }
    set(&mut response, CONTENT_TYPE, media_type(path));
    set(&mut response, VARY, "Accept-Encoding");
    set(&mut response, CACHE_CONTROL, "public, max-age=31536000, immutable");
    response
}

/// Adds a `Vary` header, which tells caches that the content depends on `Accept` (RFC 9110,
/// 12.5.5). The header also names `Accept-Encoding`, because a proxy may compress pages.
pub(crate) fn depends_on_accept(mut response: Response) -> Response {
    set(&mut response, VARY, "Accept, Accept-Encoding");
    response
}

/// Returns a redirect to a page (RFC 9110, 15.4.4). The body of the request is not read.
pub(crate) fn see_other(path: &str, query: &str) -> Response {
    let separator = if query.is_empty() { "" } else { "?" };
    let mut response = with(StatusCode::SEE_OTHER, Bytes::new());
    if let Ok(location) = HeaderValue::from_str(&format!("{path}{separator}{query}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    set(&mut response, CACHE_CONTROL, "no-store");
    response
}

fn not_built() -> Response {
    let text = format!("{}\n", PagesError::NotBuilt);
    let mut response = with(StatusCode::SERVICE_UNAVAILABLE, text.into());
    set(&mut response, CONTENT_TYPE, "text/plain; charset=utf-8");
    set(&mut response, CACHE_CONTROL, "no-store");
    response
}

/// Returns whether `If-None-Match` lists the page (RFC 9110, 13.1.2, weak comparison).
fn lists(list: &str, etag: &str) -> bool {
    list.split(',')
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag)
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("png") => "image/png",
        Some("svg") => "image/svg+xml; charset=utf-8",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    }
}

fn with(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
}

fn set(response: &mut Response, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// OWASP ASVS 5.0, 4.1.1.
    #[test]
    fn text_types_declare_their_charset() {
        for (path, is_text) in [
            ("assets/app.css", true),
            ("assets/app.js", true),
            ("assets/favicon.svg", true),
            ("assets/app.wasm", false),
            ("assets/icon.png", false),
            ("assets/app.unknown", false),
        ] {
            assert_eq!(media_type(path).ends_with("; charset=utf-8"), is_text, "{path}");
        }
    }
}

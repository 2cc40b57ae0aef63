//! Redirects to the log-in page and back.

use form_urlencoded::Serializer;
use http::header::{ACCEPT, HeaderName};
use http::{HeaderMap, Method};

use super::headers::single;

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Returns whether a request is a navigation to a page in a browser: a GET or a HEAD that accepts
/// HTML. Scripts of a page, which accept anything, need an error that they can handle.
#[must_use]
pub fn is_navigation(method: &Method, headers: &HeaderMap) -> bool {
    let accepts_html = headers.get_all(ACCEPT).iter().any(|value| {
        let types = value.to_str().unwrap_or_default();
        types.split(',').any(|it| it.split(';').next().unwrap_or_default().trim() == "text/html")
    });
    let is_other_mode = single(headers, &SEC_FETCH_MODE).is_some_and(|mode| mode != "navigate");
    matches!(*method, Method::GET | Method::HEAD) && accepts_html && !is_other_mode
}

/// Returns the address of the log-in page that leads back to `next` after the log-in.
#[must_use]
pub fn log_in_location(log_in_path: &str, next: &str) -> String {
    let Some(next) = safe_next(next) else { return log_in_path.to_owned() };
    let separator = if log_in_path.contains('?') { '&' } else { '?' };
    let query = Serializer::new(String::new()).append_pair("next", next).finish();
    format!("{log_in_path}{separator}{query}")
}

/// Returns the address to open after a log-in, if it is safe: a path of the same origin.
///
/// It must begin with exactly one slash, because browsers read `//host`, and `/\host` as well, as
/// the address of another host. They remove tabs and line breaks before that, so there must be no
/// control characters. Other characters than ASCII must be percent-encoded.
#[must_use]
pub fn safe_next(next: &str) -> Option<&str> {
    const MAX_BYTES: usize = 2048;
    let rest = next.strip_prefix('/')?;
    let is_safe = next.len() <= MAX_BYTES
        && !rest.starts_with('/')
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_safe { Some(next) } else { None }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_paths_of_the_same_origin_are_safe() {
        for next in ["/", "/notes", "/notes?page=2#last", "/a//b", "/%2F%2Fevil.example", "/.//x"] {
            assert_eq!(safe_next(next), Some(next), "{next}");
        }
        let too_long = format!("/{}", "a".repeat(2048));
        for next in [
            "",
            "notes",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            " //evil.example",
            "/a b",
            "/a\r\nSet-Cookie: a=b",
            "/\u{0}",
            "/\u{7f}",
            "/\u{e9}",
            "/a\\..\\b",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "@evil.example",
            &too_long,
        ] {
            assert_eq!(safe_next(next), None, "{next:?}");
            assert_eq!(log_in_location("/login", next), "/login", "{next:?}");
        }
    }

    #[test]
    fn the_next_path_is_encoded_in_the_address_of_the_log_in_page() {
        let location = log_in_location("/login", "/notes?page=2&all=1");
        assert_eq!(location, "/login?next=%2Fnotes%3Fpage%3D2%26all%3D1");
        assert_eq!(log_in_location("/login?a=b", "/x"), "/login?a=b&next=%2Fx");
    }

    #[test]
    fn a_navigation_is_a_get_that_accepts_html() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (method, accept, mode, expected) in [
            (Method::GET, Some(browser), Some("navigate"), true),
            (Method::HEAD, Some("text/html"), None, true),
            (Method::POST, Some(browser), Some("navigate"), false),
            (Method::GET, Some(browser), Some("cors"), false),
            (Method::GET, Some("*/*"), None, false),
            (Method::GET, Some("application/json"), None, false),
            (Method::GET, None, None, false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(ACCEPT, HeaderValue::from_static(accept));
            }
            if let Some(mode) = mode {
                headers.insert(SEC_FETCH_MODE, HeaderValue::from_static(mode));
            }
            assert_eq!(is_navigation(&method, &headers), expected, "{method} {accept:?} {mode:?}");
        }
    }
}

//! Pages in a browser: redirects to the log-in page and back.

use auth_core::Origin;
use form_urlencoded::Serializer;
use http::header::{ACCEPT, REFERER};
use http::{HeaderMap, Method};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::error::ApiError;
use super::headers::{SEC_FETCH_MODE, single};

/// A request from a browser that opens a page or submits a form, so that the user sees the
/// response. Scripts need an error that they can handle instead.
#[derive(Debug, Clone)]
pub struct Navigation {
    /// The path to open after a log-in, unless it is not safe.
    next: String,
}

impl Navigation {
    /// Returns `None` if the request is not a navigation: a GET, HEAD or POST with `Sec-Fetch-Mode:
    /// navigate` or, without that header, with an `Accept` that contains `text/html`. `target` is
    /// the path and the query of the request. `origin` is that of the service.
    ///
    /// After a log-in, a form cannot be sent again, so the user returns to the page with the form,
    /// which `Referer` names. If `Referer` names no page at the service's own origin, there is no
    /// path to return to.
    #[must_use]
    pub fn new(
        method: &Method,
        headers: &HeaderMap,
        target: &str,
        origin: &Origin,
    ) -> Option<Self> {
        let is_navigation = match single(headers, &SEC_FETCH_MODE) {
            Some(mode) => mode == "navigate",
            None => accepts_html(headers),
        };
        if !is_navigation {
            return None;
        }
        match *method {
            Method::GET | Method::HEAD => Some(Self { next: target.to_owned() }),
            Method::POST => {
                let page = single(headers, &REFERER);
                let path = page.and_then(|page| page.strip_prefix(origin.as_str()));
                Some(Self { next: path.unwrap_or_default().to_owned() })
            }
            _ => None,
        }
    }

    /// Returns the URL of the log-in page that leads back after the log-in. If a signed-in user must
    /// log in again because of `error`, adds `fresh=on`, so that the page does not redirect back at
    /// once.
    #[must_use]
    pub fn log_in_location(&self, log_in_path: &str, error: &ApiError) -> String {
        let location = log_in_location(log_in_path, &self.next);
        match error {
            ApiError::StepUpRequired => {
                let separator = if location.contains('?') { '&' } else { '?' };
                format!("{location}{separator}fresh=on")
            }
            _ => location,
        }
    }
}

fn accepts_html(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|value| {
        let types = value.to_str().unwrap_or_default();
        types.split(',').any(|it| it.split(';').next().unwrap_or_default().trim() == "text/html")
    })
}

/// Returns the URL of the log-in page that leads back to `next` after the log-in.
#[must_use]
pub fn log_in_location(log_in_path: &str, next: &str) -> String {
    let Some(next) = safe_next(next) else { return log_in_path.to_owned() };
    let separator = if log_in_path.contains('?') { '&' } else { '?' };
    let query = Serializer::new(String::new()).append_pair("next", next).finish();
    format!("{log_in_path}{separator}{query}")
}

/// Returns the path as it is in a `Location` header: spaces, control characters and non-ASCII
/// characters are percent-encoded.
#[must_use]
pub fn encode_path(path: &str) -> String {
    const ENCODED: &AsciiSet = &CONTROLS.add(b' ');
    utf8_percent_encode(path, ENCODED).to_string()
}

/// Returns the path to open after a log-in, if it is safe: a path of the same origin.
///
/// It must begin with exactly one slash, because browsers read `//host`, and `/\host` as well, as
/// the address of another host. They remove tabs and line breaks before that, so there must be no
/// control characters. Non-ASCII characters must be percent-encoded.
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
    use http::header::HeaderName;

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
    fn every_path_can_be_in_a_location_header() {
        for (path, expected) in [
            ("/notes?a=b&c=%20#d", "/notes?a=b&c=%20#d"),
            ("/n\u{f6}tes", "/n%C3%B6tes"),
            ("/a b\r\nX: \u{7f}", "/a%20b%0D%0AX:%20%7F"),
        ] {
            assert_eq!(encode_path(path), expected);
            assert!(HeaderValue::from_str(expected).is_ok());
        }
    }

    /// Returns the log-in page of a navigation, or `None` if the request is not one.
    fn log_in_page(method: &Method, headers: &[(&'static str, &str)]) -> Option<String> {
        let headers = headers.iter().map(|(name, value)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        });
        let origin = Origin::parse("https://app.example").unwrap();
        let navigation = Navigation::new(method, &headers.collect(), "/notes?page=2", &origin)?;
        Some(navigation.log_in_location("/login", &ApiError::MissingToken))
    }

    #[test]
    fn a_navigation_is_a_link_or_a_form() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (method, accept, mode, expected) in [
            (Method::GET, Some(browser), Some("navigate"), true),
            (Method::HEAD, Some("text/html"), None, true),
            (Method::POST, Some(browser), Some("navigate"), true),
            (Method::POST, Some(browser), None, true),
            (Method::GET, Some("*/*"), Some("navigate"), true),
            (Method::PUT, Some(browser), Some("navigate"), false),
            (Method::GET, Some(browser), Some("cors"), false),
            (Method::POST, Some(browser), Some("same-origin"), false),
            (Method::GET, Some("*/*"), None, false),
            (Method::POST, Some("application/json"), None, false),
            (Method::GET, None, None, false),
        ] {
            let accept = accept.map(|accept| ("accept", accept));
            let mode = mode.map(|mode| ("sec-fetch-mode", mode));
            let headers: Vec<_> = accept.into_iter().chain(mode).collect();
            let is_navigation = log_in_page(&method, &headers).is_some();
            assert_eq!(is_navigation, expected, "{method} {headers:?}");
        }
    }

    #[test]
    fn only_a_user_whose_log_in_is_too_old_needs_a_fresh_one() {
        let location = |next: &str, page: &str, error: ApiError| {
            Navigation { next: next.to_owned() }.log_in_location(page, &error)
        };
        for error in [ApiError::MissingToken, ApiError::InvalidRefreshToken(None)] {
            assert_eq!(location("/notes", "/login", error), "/login?next=%2Fnotes");
        }
        for (next, page, expected) in [
            ("/notes", "/login", "/login?next=%2Fnotes&fresh=on"),
            ("", "/login", "/login?fresh=on"),
            ("", "/login?a=b", "/login?a=b&fresh=on"),
        ] {
            assert_eq!(location(next, page, ApiError::StepUpRequired), expected);
        }
    }

    #[test]
    fn after_a_log_in_a_user_returns_to_the_page_or_to_the_page_with_the_form() {
        let (accept, referer) = (("accept", "text/html"), "referer");
        let page = log_in_page(&Method::GET, &[accept, (referer, "https://app.example/other")]);
        assert_eq!(page.as_deref(), Some("/login?next=%2Fnotes%3Fpage%3D2"));
        assert_eq!(log_in_page(&Method::POST, &[accept]).as_deref(), Some("/login"));
        for (page, expected) in [
            ("https://app.example/form?a=b", "/login?next=%2Fform%3Fa%3Db"),
            ("https://app.example/", "/login?next=%2F"),
            ("https://app.example", "/login"),
            ("https://app.example//evil.example", "/login"),
            ("https://app.example/\\evil.example", "/login"),
            ("https://app.example.evil.example/form", "/login"),
            ("https://app.example@evil.example/form", "/login"),
            ("https://app.example:8443/form", "/login"),
            ("http://app.example/form", "/login"),
            ("https://evil.example/form", "/login"),
            ("/form", "/login"),
        ] {
            let location = log_in_page(&Method::POST, &[accept, (referer, page)]);
            assert_eq!(location.as_deref(), Some(expected), "{page}");
            let twice = [accept, (referer, page), (referer, page)];
            assert_eq!(log_in_page(&Method::POST, &twice).as_deref(), Some("/login"), "{page}");
        }
    }
}

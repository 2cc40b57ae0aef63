//! Checks of a request's head that hyper does not make.

use hyper::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{HeaderMap, Request, StatusCode, Version};
use warp::http::uri::Authority;
use warp::reply::Response;

/// The maximum size of a request's head (the request line and the headers), in bytes.
pub(super) const MAX_HEAD: usize = 16 * 1024;

/// A reason to reject a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeadError {
    Host,
    TooLarge,
}

/// Rejects a request without a valid `Host`, and one whose head is larger than [`MAX_HEAD`].
pub(super) fn check<B>(request: &Request<B>) -> Result<(), HeadError> {
    // hyper only checks the size if the head does not arrive in one read.
    if size(request) > MAX_HEAD {
        return Err(HeadError::TooLarge);
    }
    match has_valid_host(request.version(), request.headers()) {
        true => Ok(()),
        false => Err(HeadError::Host),
    }
}

/// Returns whether the request has one valid `Host`, or none and an HTTP version before 1.1 (RFC
/// 9112, 3.2). A valid value is a host with or without a port. It is not used for anything else.
fn has_valid_host(version: Version, headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => version < Version::HTTP_11,
        // The value is empty if the URL has no host.
        (Some(host), None) => host.is_empty() || is_host(host),
        (Some(_), Some(_)) => false,
    }
}

fn is_host(value: &HeaderValue) -> bool {
    let Ok(authority) = Authority::try_from(value.as_bytes()) else { return false };
    // This rejects `user@host` too.
    let Some(port) = authority.as_str().strip_prefix(authority.host()) else { return false };
    port.is_empty() || port == ":" || authority.port_u16().is_some()
}

/// Returns the size of the head, without optional white space.
fn size<B>(request: &Request<B>) -> usize {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let line = request.method().as_str().len() + target + "  HTTP/1.1\r\n\r\n".len();
    let headers = request.headers().iter();
    line + headers.map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>()
}

impl HeadError {
    pub(super) fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::Host => {
                (StatusCode::BAD_REQUEST, "The request must have one valid Host header.\n")
            }
            Self::TooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "The request line and the headers must be at most 16 KiB.\n",
            ),
        };
        let mut response = Response::new(text.into());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        for (name, value) in [
            (CONTENT_TYPE, "text/plain; charset=utf-8"),
            (CACHE_CONTROL, "no-store"),
            (CONNECTION, "close"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_hosts(version: Version, hosts: &[&str]) -> Result<(), HeadError> {
        let mut request = Request::new(());
        *request.version_mut() = version;
        for host in hosts {
            request.headers_mut().append(HOST, HeaderValue::from_str(host).unwrap());
        }
        check(&request)
    }

    #[test]
    fn a_request_has_one_valid_host() {
        for host in ["auth.example.com", "localhost:8080", "127.0.0.1:80", "[::1]:8080", "x", ""] {
            assert_eq!(check_hosts(Version::HTTP_11, &[host]), Ok(()), "{host}");
        }
        for hosts in [
            &[][..],
            &["a.example", "a.example"],
            &["a.example", "b.example"],
            &["a.example, b.example"],
            &["ada@a.example"],
            &["a.example/path"],
            &["http://a.example"],
            &["a b"],
            &["a.example:port"],
            &["[::1"],
            &["é"],
        ] {
            assert_eq!(check_hosts(Version::HTTP_11, hosts), Err(HeadError::Host), "{hosts:?}");
        }
        assert_eq!(check_hosts(Version::HTTP_10, &[]), Ok(()));
        assert_eq!(check_hosts(Version::HTTP_10, &["a", "b"]), Err(HeadError::Host));
    }

    #[test]
    fn the_size_of_the_head_is_limited() {
        let with_header = |length: usize| {
            let value = HeaderValue::from_str(&"x".repeat(length)).unwrap();
            check(
                &Request::builder()
                    .uri("/login?a")
                    .header("host", "x")
                    .header("a", value)
                    .body(())
                    .unwrap(),
            )
        };
        // "GET /login?a HTTP/1.1", "host: x", "a: " and an empty line, each with a line break.
        let rest = 23 + 9 + 5 + 2;
        assert_eq!(with_header(MAX_HEAD - rest), Ok(()));
        assert_eq!(with_header(MAX_HEAD - rest + 1), Err(HeadError::TooLarge));
        let path = format!("/{}", "x".repeat(MAX_HEAD / 2));
        let long = Request::builder().uri(&path).header("host", "x").header("a", path);
        assert_eq!(check(&long.body(()).unwrap()), Err(HeadError::TooLarge));
    }
}

//! Paths outside `/api`. (Whether pages are built or not, these hold; what is on the pages
//! is for the tests in a browser.)

use crate::server::Server;

#[test]
fn only_get_and_head_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    for path in ["/", "/login", "/signup", "/private"] {
        let answer = server.request("POST", path, "content-length: 0\r\n");
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{path}");
    }
    assert_eq!(server.request("POST", "/nothing", "content-length: 0\r\n").status, 404);
}

/// A server that answers it with the request shows cookies to whoever can send one.
#[test]
fn a_trace_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    for path in ["/", "/nothing", "/healthz", "/.well-known/jwks.json", "/api/me", "/api/nothing"] {
        let answer = server.request("TRACE", path, "cookie: latchkey_refresh=echoed\r\n");
        assert!(matches!(answer.status, 404 | 405), "{path}: {}", answer.head);
        assert!(!format!("{}{}", answer.head, answer.body).contains("echoed"), "{path}");
    }
}

#[test]
fn programs_that_read_no_html_get_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    let answer = server.request("GET", "/nothing", "accept: application/json\r\n");
    assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
}

#[test]
fn head_answers_as_get_without_a_body() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    for path in ["/", "/nothing", "/healthz", "/.well-known/jwks.json"] {
        let (get, head) = (server.get(path), server.request("HEAD", path, ""));
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.header("content-length"), get.header("content-length"), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert!(head.body.is_empty());
    }
    assert_eq!(server.request("HEAD", "/api/me", "").status, 405);
}

#[test]
fn paths_cannot_climb_out_of_the_assets() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    for path in [
        "/assets/../../../Cargo.toml",
        "/assets/..%2f..%2fCargo.toml",
        "/assets/../index.html",
        "/assets//etc/passwd",
        "/assets/0123456789abcdef/../../../../Cargo.toml",
        "/assets/0123456789abcdef/..\\..\\..\\..\\Cargo.toml",
        "/assets/",
        "/index.html",
    ] {
        let answer = server.get(path);
        assert!(matches!(answer.status, 404 | 503), "{path}: {}", answer.head);
        assert!(!answer.body.contains("[workspace]") && !answer.body.contains("root:"), "{path}");
    }
}

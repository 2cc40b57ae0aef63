//! Paths outside `/api`. These tests pass with and without built pages, whose content is tested in
//! a browser.

use crate::app::TestApp;

#[test]
fn pages_accept_get_and_head_only() {
    let app = TestApp::new();
    for path in ["/", "/login", "/signup", "/private"] {
        let answer = app.request("POST", path, "content-length: 0\r\n");
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{path}");
    }
    assert_eq!(app.request("POST", "/nothing", "content-length: 0\r\n").status, 404);
}

#[test]
fn the_well_known_url_for_changing_passwords_leads_to_the_settings() {
    const PATH: &str = "/.well-known/change-password";
    let app = TestApp::new();
    for (method, accept) in [("GET", ""), ("GET", "accept: application/json\r\n"), ("HEAD", "")] {
        let answer = app.request(method, PATH, accept);
        assert_eq!((answer.status, answer.header("location")), (303, Some("/settings")));
        assert!(answer.body.is_empty());
    }
    let posted = app.request("POST", PATH, "content-length: 0\r\n");
    assert_eq!((posted.status, posted.header("allow")), (405, Some("GET, HEAD")));
    // W3C, "Detecting the reliability of HTTP status codes".
    let reliable =
        "/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200";
    assert!(matches!(app.get(reliable).status, 404 | 503));
}

/// A response that echoes the request would reveal cookies to scripts.
#[test]
fn trace_is_rejected() {
    let app = TestApp::new();
    for path in ["/", "/nothing", "/healthz", "/.well-known/jwks.json", "/api/me", "/api/nothing"] {
        let answer = app.request("TRACE", path, "cookie: latchkey_refresh=echoed\r\n");
        assert!(matches!(answer.status, 404 | 405), "{path}: {}", answer.head);
        assert!(!format!("{}{}", answer.head, answer.body).contains("echoed"), "{path}");
    }
}

#[test]
fn clients_that_do_not_accept_html_get_problem_json() {
    let app = TestApp::new();
    let answer = app.request("GET", "/nothing", "accept: application/json\r\n");
    assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
}

#[test]
fn head_is_answered_like_get_without_a_body() {
    let app = TestApp::new();
    for path in ["/", "/nothing", "/healthz", "/.well-known/jwks.json"] {
        let (get, head) = (app.get(path), app.request("HEAD", path, ""));
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.header("content-length"), get.header("content-length"), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert!(head.body.is_empty());
    }
    assert_eq!(app.request("HEAD", "/api/me", "").status, 405);
}

#[test]
fn paths_cannot_leave_the_assets_folder() {
    let app = TestApp::new();
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
        let answer = app.get(path);
        assert!(matches!(answer.status, 404 | 503), "{path}: {}", answer.head);
        assert!(!answer.body.contains("[workspace]") && !answer.body.contains("root:"), "{path}");
    }
}

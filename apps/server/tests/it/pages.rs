//! Paths outside `/api`. These tests pass with and without built pages, whose content is tested in
//! a browser.

use crate::app::TestApp;
use crate::relay::FROM;

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
    let folder = tempfile::tempdir().unwrap();
    let mail = ["--mail-dir", folder.path().to_str().unwrap(), "--mail-from", FROM];
    let app = TestApp::new();
    for app in [&app, &TestApp::with_options(&mail)] {
        for (method, accept) in [("GET", ""), ("GET", "accept: application/json\r\n"), ("HEAD", "")]
        {
            let answer = app.request(method, PATH, accept);
            assert_eq!((answer.status, answer.header("location")), (303, Some("/settings")));
            assert!(answer.body.is_empty());
        }
        let posted = app.request("POST", PATH, "content-length: 0\r\n");
        assert_eq!((posted.status, posted.header("allow")), (405, Some("GET, HEAD")));
    }
    // W3C, "Detecting the reliability of HTTP status codes".
    let reliable =
        "/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200";
    assert!(matches!(app.get(reliable).status, 404 | 503));
}

/// An extension may submit a form itself, with the password in the body.
#[test]
fn a_form_that_is_submitted_to_a_page_leads_back_to_the_page() {
    let app = TestApp::new();
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let password = "correct-horse-battery";
    let body = format!("email=ada%40example.com&password={password}");
    for path in ["/", "/login", "/signup?next=/private"] {
        let length = format!("content-length: {}\r\n", body.len());
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{form}{length}\r\n");
        let answer = app.send(format!("{head}{body}").as_bytes());
        assert_eq!((answer.status, answer.header("location")), (303, Some(path)), "{path}");
        // The response does not wait for the body.
        let unsent = app.send(head.as_bytes());
        assert_eq!((unsent.status, unsent.closed), (303, true), "{path}");
    }
    assert!(!app.log().contains(password));
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
    assert_eq!(answer.header("vary"), Some("Accept, Accept-Encoding"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let page = app.get("/nothing");
    assert_eq!(page.header("vary"), Some("Accept, Accept-Encoding"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
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

//! The headers of every response.

use crate::app::TestApp;

#[test]
fn every_response_has_a_request_id_and_the_security_headers() {
    let app = TestApp::new();
    let mut ids = Vec::new();
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/nothing"),
        ("POST", "/login"),
        ("GET", "/api/me"),
        ("GET", "/api/nothing"),
        ("DELETE", "/api/token"),
        ("GET", "/healthz"),
        ("GET", "/.well-known/jwks.json"),
    ] {
        let answer = app.request(method, path, "x-request-id: forged\r\n");
        let header = |name| answer.header(name).unwrap_or_default().to_owned();
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "), "{path}: {policy}");
        for directive in ["base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'"] {
            assert!(policy.contains(directive), "{policy}");
        }
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"));
        assert!(!policy.contains("http") && !policy.contains('*'), "{policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        assert!(!header("permissions-policy").is_empty());
        assert_eq!(answer.header("strict-transport-security"), None, "only over https");
        assert_eq!(answer.header("access-control-allow-origin"), None);
        ids.push(header("x-request-id"));
    }
    assert!(ids.iter().all(|id| id.len() == 36 && id != "forged"), "{ids:?}");
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 8);
}

#[test]
fn strict_transport_security_is_sent_with_an_https_public_url() {
    let app = TestApp::with_options(&["--public-url", "https://auth.example.com"]);
    let value = "max-age=63072000; includeSubDomains";
    for path in ["/", "/api/me"] {
        assert_eq!(app.get(path).header("strict-transport-security"), Some(value));
    }
}

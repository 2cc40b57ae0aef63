//! The checks that run before a handler, and their order. (For duplicate headers, see the tests of
//! the server, which send them over a connection.)

use api::Origin;
use serde_json::json;

use crate::test_app::{EMAIL, ORIGIN, PASSWORD, TestApp, json_request, post};

fn valid() -> String {
    json!({"email": EMAIL, "password": PASSWORD}).to_string()
}

#[tokio::test]
async fn an_unknown_path_is_not_found() {
    let app = TestApp::new().await;
    for path in [
        "/api",
        "/api/",
        "/api/nothing",
        "/api/me/more",
        "/api/token/x",
        "/api/sessions/x",
        "/api/sessions/01960000-0000-7000-8000-00000000ada",
    ] {
        for method in ["GET", "POST", "DELETE", "OPTIONS"] {
            let response = app.send(warp::test::request().method(method).path(path)).await;
            response.assert_problem(404, "not_found");
        }
    }
}

#[tokio::test]
async fn the_response_to_an_unsupported_method_lists_the_supported_ones() {
    let app = TestApp::new().await;
    for (path, allow) in [
        ("/api/signup", "POST"),
        ("/api/token", "POST"),
        ("/api/token/refresh", "POST"),
        ("/api/logout", "POST"),
        ("/api/me", "GET, DELETE"),
        ("/api/me/password", "PUT"),
        ("/api/me/export", "GET"),
        ("/api/sessions", "GET, DELETE"),
        ("/api/sessions/01960000-0000-7000-8000-00000000ada0", "DELETE"),
        ("/api/sessions/01960000-0000-7000-8000-00000000ADA0", "DELETE"),
    ] {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "QUERY"] {
            if allow.split(", ").any(|allowed| allowed == method) {
                continue;
            }
            let response = app.send(warp::test::request().method(method).path(path)).await;
            response.assert_problem(405, "method_not_allowed");
            assert_eq!(response.header("allow"), allow, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_methods_of_the_mail_endpoints_are_listed() {
    let app = TestApp::with_email_sign_in().await;
    for path in
        ["/api/me/email", "/api/me/email/verification", "/api/password-reset", "/api/token/email"]
    {
        for method in ["GET", "HEAD", "DELETE", "PATCH"] {
            let response = app.send(warp::test::request().method(method).path(path)).await;
            response.assert_problem(405, "method_not_allowed");
            assert_eq!(response.header("allow"), "POST, PUT", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn without_mail_the_mail_endpoints_say_so_after_the_path_and_the_method_only() {
    let app = TestApp::new().await;
    let user = app.user().await;
    for path in ["/api/me/email", "/api/me/email/verification", "/api/password-reset"] {
        for method in ["POST", "PUT"] {
            // This request fails all other checks.
            let foreign = || {
                let request = warp::test::request().method(method).path(path);
                request.header("origin", "https://evil.example").body("x".repeat(20_000))
            };
            app.send(foreign()).await.assert_problem(501, "mail_disabled");
            user.send(foreign()).await.assert_problem(501, "mail_disabled");
            user.send(json_request(method, path).body("{}"))
                .await
                .assert_problem(501, "mail_disabled");
        }
        let no_method = app.send(warp::test::request().method("DELETE").path(path)).await;
        no_method.assert_problem(405, "method_not_allowed");
        assert_eq!(no_method.header("allow"), "POST, PUT");
    }
    assert_eq!(user.me().await.body["email_verified_at"], json!(null));
}

#[tokio::test]
async fn a_body_is_at_most_16_kib() {
    let app = TestApp::new().await;
    let padded = |length: usize| format!("{}{}", valid(), " ".repeat(length - valid().len()));
    let at_limit = post("/api/signup").body(padded(16 * 1024));
    assert_eq!(app.send(at_limit).await.status, 201);
    let over = post("/api/signup").body(padded(16 * 1024 + 1));
    app.send(over).await.assert_problem(413, "payload_too_large");
    let declared = post("/api/signup").header("content-length", "16385");
    app.send(declared).await.assert_problem(413, "payload_too_large");
}

#[tokio::test]
async fn the_content_type_is_required() {
    let app = TestApp::new().await;
    let request = || warp::test::request().method("POST").path("/api/token").body(valid());
    let rejected = [
        request(),
        request().header("content-type", "text/plain"),
        request().header("content-type", "application/jsonp"),
        request().header("content-type", "application/x-www-form-urlencoded"),
        request().header("content-type", "text/plain; application/json"),
        request().header("content-type", "application/json").header("content-encoding", "gzip"),
    ];
    for request in rejected {
        app.send(request).await.assert_problem(415, "unsupported_media_type");
    }
    app.sign_up().await;
    for valid in ["application/json", "Application/JSON; charset=utf-8", "application/json ;x=y"] {
        let response = app.send(request().header("content-type", valid)).await;
        assert_eq!(response.status, 200, "{valid}");
    }
}

#[tokio::test]
async fn requests_from_pages_of_other_origins_are_rejected() {
    let app = TestApp::new().await;
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", ""),
        ("origin", "https://auth.example.com.evil.example"),
        ("origin", "http://auth.example.com"),
        ("origin", "https://auth.example.com:8443"),
        ("origin", "http://127.0.0.1:8080"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "SAME-ORIGIN"),
    ] {
        let request = post("/api/signup").header(name, value).body(valid());
        app.send(request).await.assert_problem(403, "forbidden_origin");
    }
    let user = app.user().await;
    let cross_origin = post("/api/logout")
        .header("authorization", user.bearer())
        .header("origin", "https://evil.example");
    app.send(cross_origin).await.assert_problem(403, "forbidden_origin");
    let cookie = user.cookie.clone();
    for request in [
        crate::test_app::refresh(&cookie),
        json_request("PUT", "/api/me/password").header("authorization", user.bearer()),
        json_request("DELETE", "/api/me").header("authorization", user.bearer()),
        warp::test::request().method("DELETE").path("/api/sessions"),
        warp::test::request()
            .method("DELETE")
            .path("/api/sessions/01960000-0000-7000-8000-00000000ada0"),
    ] {
        let response = app.send(request.header("origin", "https://evil.example")).await;
        response.assert_problem(403, "forbidden_origin");
    }
    assert_eq!(user.me().await.status, 200, "the session is still active");
    let refreshed = app.send(crate::test_app::refresh(&cookie)).await;
    assert_eq!(refreshed.status, 200, "the refresh token was not used");
}

#[tokio::test]
async fn requests_from_the_services_own_pages_and_from_programs_are_accepted() {
    let app = TestApp::with_account().await;
    let own = || post("/api/token").header("origin", ORIGIN);
    let requests = [
        post("/api/token"),
        own(),
        own().header("sec-fetch-site", "same-origin"),
        own().header("sec-fetch-site", "none"),
    ];
    for request in requests {
        assert_eq!(app.send(request.body(valid())).await.status, 200);
    }
}

#[tokio::test]
async fn localhost_and_the_loopback_addresses_are_the_same_origin() {
    let app = TestApp::with_origin(Origin::localhost(8080)).await;
    app.sign_up().await;
    for (origin, status) in [
        ("http://localhost:8080", 200),
        ("http://127.0.0.1:8080", 200),
        ("http://[::1]:8080", 200),
        ("http://localhost:8081", 403),
        ("https://localhost:8080", 403),
    ] {
        let response = app.send(post("/api/token").header("origin", origin).body(valid())).await;
        assert_eq!(response.status, status, "{origin}");
    }
    assert_eq!(Origin::localhost(80).as_str(), "http://localhost");
}

#[tokio::test]
async fn malformed_json_and_json_of_another_shape_have_different_codes() {
    let app = TestApp::new().await;
    let malformed: [&[u8]; 14] = [
        b"",
        b" ",
        b"{",
        b"email=ada",
        b"{'email':'a'}",
        b"{\"email\":\"a\",}",
        b"{\"email\":\"a\" \"password\":\"b\"}",
        b"{\"email\":\"\xff\",\"password\":\"b\"}",
        b"{\"email\":\"\\ud800\",\"password\":\"b\"}",
        b"\xef\xbb\xbf{\"email\":\"a\",\"password\":\"b\"}",
        b"{\"email\":\"a\",\"password\":\"b\"}x",
        b"{\"email\":\"a\",\"password\":\"b\"}{}",
        b"{\"email\":1,",
        b"{\"other\":\"\n\"}",
    ];
    for body in malformed {
        app.send(post("/api/token").body(body)).await.assert_problem(400, "malformed_json");
    }
    for body in [
        "null",
        "1",
        "\"text\"",
        "[]",
        "{}",
        r#"["ada@example.com","a long walk"]"#,
        r#"[{"email":"a","password":"b"}]"#,
        r#"{"email":"a"}"#,
        r#"{"email":"a","password":null}"#,
        r#"{"email":"a","password":1}"#,
        r#"{"email":["a"],"password":"b"}"#,
        r#"{"email":"a","password":"b","extra":1}"#,
        r#"{"email":"a","password":"b","password":"c"}"#,
        r#"{"Email":"a","password":"b"}"#,
    ] {
        let response = app.send(post("/api/token").body(body)).await;
        response.assert_problem(400, "invalid_request");
    }
}

#[tokio::test]
async fn checks_run_in_the_documented_order() {
    let app = TestApp::new().await;
    let (name, value) = ("origin", "https://evil.example");
    let large = "x".repeat(20_000);
    let plain = || warp::test::request().method("POST").path("/api/logout");
    // Each request fails the check that rejects it and all later checks.
    let no_path = plain().path("/api/nothing").body(&large).header(name, value);
    app.send(no_path).await.assert_problem(404, "not_found");
    let no_method = plain().method("PUT").body(&large).header(name, value);
    app.send(no_method).await.assert_problem(405, "method_not_allowed");
    let too_large = plain().body(&large).header(name, value);
    app.send(too_large).await.assert_problem(413, "payload_too_large");
    let untyped = plain().body("x").header(name, value);
    app.send(untyped).await.assert_problem(415, "unsupported_media_type");
    let cross_origin = post("/api/logout").body("x").header(name, value);
    app.send(cross_origin).await.assert_problem(403, "forbidden_origin");
    app.send(post("/api/logout").body("x")).await.assert_problem(401, "missing_token");
    let user = app.user().await;
    let no_json = post("/api/logout").header("authorization", user.bearer()).body("x");
    app.send(no_json).await.assert_problem(400, "malformed_json");
}

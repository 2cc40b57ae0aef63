//! The HTTP layer: stalled, malformed and oversized requests, and responses that are not read.

use std::io::{Read as _, Write as _};

use crate::app::{EMAIL, PASSWORD, TestApp};
use crate::server::{bearer, credentials, read_answer};

#[test]
fn stalled_connections_are_closed() {
    let app = TestApp::new();
    let stalled = [
        "",
        "GET / HTTP/1.1\r\nhost: x\r\n",
        "POST /api/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{",
        "POST /api/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n",
    ];
    let waiting: Vec<_> = stalled
        .iter()
        .map(|bytes| {
            let mut stream = app.connect();
            stream.write_all(bytes.as_bytes()).unwrap();
            std::thread::spawn(|| read_answer(stream))
        })
        .collect();
    for (waiting, sent) in waiting.into_iter().zip(stalled) {
        // The client's timeout is a minute, so the server has closed the connection.
        let answer = waiting.join().unwrap();
        assert!(answer.closed, "{sent:?}");
        assert!(matches!(answer.status, 0 | 400 | 408), "{sent:?}: {}", answer.head);
    }
    assert_eq!(app.get("/healthz").status, 200);
}

/// Builds a log-out request that ends with `rest`: more headers and the body.
fn log_out(token: &str, rest: &str) -> Vec<u8> {
    let head = "POST /api/logout HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    format!("{head}{}{rest}", bearer(token)).into_bytes()
}

#[test]
fn a_malformed_body_is_rejected_after_the_headers_are_checked() {
    let app = TestApp::new();
    let broken = "transfer-encoding: chunked\r\n\r\nzz\r\n";
    let answer = app.send(&log_out("x", broken));
    assert_eq!((answer.status, answer.code().as_str()), (415, "unsupported_media_type"));
    let typed = format!("content-type: application/json\r\n{broken}");
    assert_eq!(app.send(&log_out("x", &typed)).code(), "invalid_token");
    app.user();
    let token = app.log_in(EMAIL, PASSWORD);
    assert_eq!(app.send(&log_out(&token, &typed)).code(), "malformed_json");
}

#[test]
fn chunked_bodies_are_accepted_within_the_limit() {
    let app = TestApp::new();
    let send = |body: &str| {
        let mut chunks = String::new();
        for part in body.as_bytes().chunks(1_000) {
            let part = std::str::from_utf8(part).unwrap();
            chunks.push_str(&format!("{:x}\r\n{part}\r\n", part.len()));
        }
        app.send(
            format!(
                "POST /api/signup HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                 content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"
            )
            .as_bytes(),
        )
    };
    let body = credentials(EMAIL, PASSWORD);
    assert_eq!(send(&body).status, 201);
    let large = format!("{body}{}", " ".repeat(16 * 1024));
    assert_eq!(send(&large).code(), "payload_too_large");
}

/// If a proxy and the server disagree about the length of a body, an attacker can smuggle a request
/// past the proxy (RFC 9112, 6.3 and 11.2).
#[test]
fn a_body_with_ambiguous_length_is_rejected() {
    let app = TestApp::new();
    let body = credentials(EMAIL, PASSWORD);
    let send = |lengths: &str, body: &str| {
        let head = "POST /api/signup HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
        let typed = "content-type: application/json\r\n";
        app.send(format!("{head}{typed}{lengths}\r\n{body}").as_bytes()).status
    };
    let (length, chunked) = (body.len(), format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()));
    for lengths in [
        format!("content-length: {length}\r\ncontent-length: 5\r\n"),
        format!("content-length: {length}, 5\r\n"),
        format!("content-length: +{length}\r\n"),
        format!("content-length : {length}\r\n"),
    ] {
        assert_eq!(send(&lengths, &body), 400, "{lengths}");
    }
    for coding in ["identity", "chunked, identity", "xchunked", "chunked\u{b}"] {
        assert_eq!(send(&format!("transfer-encoding: {coding}\r\n"), &chunked), 400, "{coding}");
    }
    // With both headers, the chunks determine the length.
    assert_eq!(send("content-length: 5\r\ntransfer-encoding: chunked\r\n", &chunked), 201);
    let taken = send(&format!("content-length: {length}\r\n"), &body);
    assert_eq!(taken, 409, "the same body with a valid length is read: the email address is taken");
}

#[test]
fn a_body_with_a_length_above_the_limit_is_not_read() {
    let app = TestApp::new();
    let answer = app.send(
        b"POST /api/signup HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\
          content-type: application/json\r\ncontent-length: 1000000000\r\n\r\n",
    );
    assert_eq!((answer.status, answer.code().as_str()), (413, "payload_too_large"));
}

/// RFC 9112, 3.2.
#[test]
fn a_request_without_one_valid_host_is_rejected() {
    let app = TestApp::new();
    let send = |version: &str, path: &str, hosts: &str| {
        app.send(format!("GET {path} {version}\r\n{hosts}connection: close\r\n\r\n").as_bytes())
    };
    for path in ["/", "/healthz", "/api/me", "/nothing"] {
        for hosts in [
            "",
            "host: a\r\nhost: a\r\n",
            "host: a\r\nHost: b\r\n",
            "host: a b\r\n",
            "host: x@a\r\n",
        ] {
            let answer = send("HTTP/1.1", path, hosts);
            assert_eq!(answer.status, 400, "{path} {hosts:?}");
            assert!(answer.closed && answer.body.contains("Host"), "{}", answer.body);
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert!(
                answer.header("x-request-id").is_some()
                    && answer.header("content-security-policy").is_some()
            );
        }
    }
    assert_eq!(send("HTTP/1.0", "/healthz", "").status, 200);
    assert_eq!(send("HTTP/1.1", "/healthz", "host: any.example:8080\r\n").status, 200);
}

/// The request is sent at once, so that the server can read it at once.
#[test]
fn headers_above_the_limit_are_rejected_even_if_they_arrive_in_one_read() {
    let app = TestApp::new();
    let send = |length: usize| {
        let value = "x".repeat(length);
        app.send(
            format!("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\na: {value}\r\n\r\n")
                .as_bytes(),
        )
    };
    assert_eq!(send(15 * 1024).status, 200);
    for length in [16 * 1024, 20 * 1024, 90 * 1024] {
        assert_eq!(send(length).status, 431, "{length}");
    }
}

#[test]
fn duplicate_headers_are_rejected() {
    let app = TestApp::new();
    app.user();
    let token = app.log_in(EMAIL, PASSWORD);
    let bearer = format!("authorization: Bearer {token}\r\n");
    assert_eq!(app.request("GET", "/api/me", &bearer).status, 200);
    let twice = app.request("GET", "/api/me", &format!("{bearer}{bearer}"));
    assert_eq!(twice.code(), "invalid_token");

    let body = credentials(EMAIL, PASSWORD);
    let types = app.post("/api/token", "content-type: text/plain\r\n", &body);
    assert_eq!(types.code(), "unsupported_media_type");
    let own = format!("origin: http://{}\r\n", app.address);
    assert_eq!(app.post("/api/token", &own, &body).status, 200);
    let origins = app.post("/api/token", &format!("{own}origin: https://evil.example\r\n"), &body);
    assert_eq!(origins.code(), "forbidden_origin");
}

#[test]
fn an_explicit_public_url_is_the_only_allowed_origin() {
    let app = TestApp::with_options(&["--public-url", "https://Auth.Example.com/"]);
    let body = credentials(EMAIL, PASSWORD);
    let by_address = format!("origin: http://{}\r\n", app.address);
    assert_eq!(app.post("/api/signup", &by_address, &body).code(), "forbidden_origin");
    let public = "origin: https://auth.example.com\r\n";
    assert_eq!(app.post("/api/signup", public, &body).status, 201);
}

#[test]
fn a_request_without_a_path_is_a_client_error() {
    let app = TestApp::new();
    for line in ["GET foo", "POST evil", "GET evil:443", "CONNECT evil:443"] {
        let request = format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let status = app.send(request.as_bytes()).status;
        assert!((400..500).contains(&status), "{line}: {status}");
    }
    assert!(!app.log().contains("ERROR"), "{}", app.log());
}

#[test]
fn garbage_is_rejected_and_the_server_keeps_running() {
    let app = TestApp::new();
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(100_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(1_000));
    let garbage: [&[u8]; 6] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /api/token HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        long.as_bytes(),
        many.as_bytes(),
    ];
    for bytes in garbage {
        let answer = app.send(bytes);
        assert!((400..500).contains(&answer.status), "{}", answer.head);
    }
    assert_eq!(app.get("/healthz").status, 200);
}

#[test]
fn the_memory_for_unread_responses_is_limited() {
    let app = TestApp::new();
    app.user();
    // In JSON, each quotation mark is two bytes.
    let name = format!("user-agent: {}\r\n", "\"".repeat(512));
    let log_in = || app.post("/api/token", &name, &credentials(EMAIL, PASSWORD));
    (1..250).for_each(|_| drop(log_in()));
    let token = log_in().access_token();
    let request = format!("GET /api/me/export HTTP/1.1\r\nhost: x\r\n{}\r\n", bearer(&token));
    // Only the status of each response is read, so that the rest stays in the server. The requests
    // are sent one after the other, so that none is rejected for waiting too long for an export
    // slot.
    let mut rejected = 0;
    let unread: Vec<_> = (0..200)
        .map(|_| {
            let mut stream = app.connect();
            // A small buffer, so that the system holds almost nothing of the response.
            rustix::net::sockopt::set_socket_recv_buffer_size(&stream, 4_096).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            let mut status = [0; 12];
            stream.read_exact(&mut status).unwrap();
            if status.ends_with(b"503") {
                rejected += 1;
            }
            stream
        })
        .collect();
    assert!((1..200).contains(&rejected), "{rejected} of 200");
    assert!(app.log().contains("too many long responses wait for slow clients"));
    assert_eq!(app.me(&token).status, 200, "short responses are not limited");
    drop(unread);
    app.wait_for("space for another response", |_| {
        app.request("GET", "/api/me/export", &bearer(&token)).status == 200
    });
}

//! Slightly malformed requests.

use std::io::Write as _;
use std::net::Shutdown;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

use crate::server::{Server, bearer, credentials, read_answer};
use crate::start::{PASSWORD, rounds, start};

const EMAIL: &str = "ada@example.com";

/// A change to a request: the kind of change, its position, and the bytes to insert.
type Change = (u8, Index, Vec<u8>);

fn apply(mut request: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for (kind, at, bytes) in changes {
        let at = at.index(request.len() + 1);
        let end = (at + bytes.len()).min(request.len());
        match kind % 5 {
            0 => drop(request.splice(at..end, bytes.iter().copied())),
            1 => drop(request.splice(at..at, bytes.iter().copied())),
            2 => drop(request.drain(at..end)),
            3 => request.extend_from_within(at..),
            _ => request.truncate(at),
        }
    }
    request
}

/// Returns valid requests.
fn requests(server: &Server) -> Vec<Vec<u8>> {
    server.sign_up(EMAIL, PASSWORD);
    let issued = server.post("/api/token", "", &credentials(EMAIL, PASSWORD));
    let (bearer, cookie) = (bearer(&issued.access_token()), issued.cookie());
    let cookie = format!("cookie: {cookie}\r\n");
    let change = format!(r#"{{"current_password":"{PASSWORD}","new_password":"{PASSWORD}"}}"#);
    let log_in = credentials(EMAIL, PASSWORD);
    [
        ("POST", "/api/signup", "", credentials("grace@example.com", PASSWORD).as_str()),
        ("POST", "/api/token", "", &log_in),
        (
            "POST",
            "/api/token",
            "transfer-encoding: chunked\r\n",
            &format!("{:x}\r\n{log_in}\r\n0\r\n\r\n", log_in.len()),
        ),
        ("POST", "/api/token/refresh", &cookie, "{}"),
        ("POST", "/api/logout", &bearer, "{}"),
        ("PUT", "/api/me/password", &bearer, &change),
        ("GET", "/api/me", &bearer, ""),
        ("GET", "/api/sessions", &bearer, ""),
        ("DELETE", "/api/sessions", &bearer, ""),
        ("GET", "/.well-known/jwks.json", "", ""),
        ("GET", "/readyz", "", ""),
    ]
    .map(|(method, path, headers, body)| {
        let length = match headers.starts_with("transfer") || body.is_empty() {
            true => String::new(),
            false => format!("content-length: {}\r\n", body.len()),
        };
        format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-type: application/json\r\n{length}{headers}\r\n{body}"
        )
        .into_bytes()
    })
    .into()
}

#[test]
fn slightly_malformed_requests_neither_cause_a_server_error_nor_hang() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(&folder);
    let requests = requests(&server);
    let cases = u32::try_from(300 * rounds(1)).unwrap();
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let change = (any::<u8>(), any::<Index>(), vec(any::<u8>(), 0..8));
    let strategy = (any::<Index>(), vec(change, 1..4));
    let outcome = TestRunner::new(config).run(&strategy, |(which, changes)| {
        let request = apply(which.get(&requests).clone(), &changes);
        let mut stream = server.connect();
        stream.write_all(&request).unwrap();
        // Otherwise the server would wait for the rest of the request.
        let _ = stream.shutdown(Shutdown::Write);
        let answer = read_answer(stream);
        // A changed path can be that of a page, and the pages are not always built.
        let no_pages = answer.status == 503 && answer.head.contains("text/plain");
        assert!(answer.closed && (answer.status < 500 || no_pages), "{}", answer.head);
        Ok(())
    });
    outcome.unwrap();
    assert_eq!(server.get("/healthz").status, 200);
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}

//! What only shows on a connection.

use std::io::{Read as _, Write as _};

use crate::server::{Server, bearer, credentials, read_answer};

#[test]
fn stalled_connections_are_closed() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    let stalled = [
        "",
        "GET / HTTP/1.1\r\nhost: x\r\n",
        "POST /api/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{",
        "POST /api/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n",
    ];
    let waiting: Vec<_> = stalled
        .iter()
        .map(|bytes| {
            let mut stream = server.connect();
            stream.write_all(bytes.as_bytes()).unwrap();
            std::thread::spawn(|| read_answer(stream))
        })
        .collect();
    for (waiting, sent) in waiting.into_iter().zip(stalled) {
        // The client would read for a minute: that the server closes before is what is tested.
        let answer = waiting.join().unwrap();
        assert!(answer.closed, "{sent:?}");
        assert!(matches!(answer.status, 0 | 400 | 408), "{sent:?}: {}", answer.head);
    }
    assert_eq!(server.get("/healthz").status, 200);
}

/// A log-out that says how its body goes on, or not.
fn log_out(token: &str, rest: &str) -> Vec<u8> {
    let head = "POST /api/logout HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    format!("{head}{}{rest}", bearer(token)).into_bytes()
}

#[test]
fn a_body_that_breaks_off_is_refused_after_all_that_comes_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    let broken = "transfer-encoding: chunked\r\n\r\nzz\r\n";
    let answer = server.send(&log_out("x", broken));
    assert_eq!((answer.status, answer.code().as_str()), (415, "unsupported_media_type"));
    let typed = format!("content-type: application/json\r\n{broken}");
    assert_eq!(server.send(&log_out("x", &typed)).code(), "invalid_token");
    let (email, password) = ("ada@example.com", "a long walk along the sea");
    server.sign_up(email, password);
    let token = server.log_in(email, password);
    assert_eq!(server.send(&log_out(&token, &typed)).code(), "malformed_json");
}

#[test]
fn chunked_bodies_are_taken_within_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    let send = |body: &str| {
        let mut chunks = String::new();
        for part in body.as_bytes().chunks(1_000) {
            let part = std::str::from_utf8(part).unwrap();
            chunks.push_str(&format!("{:x}\r\n{part}\r\n", part.len()));
        }
        server.send(
            format!(
                "POST /api/signup HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                 content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{chunks}0\r\n\r\n"
            )
            .as_bytes(),
        )
    };
    let body = credentials("ada@example.com", "a long walk along the sea");
    assert_eq!(send(&body).status, 201);
    let large = format!("{body}{}", " ".repeat(16 * 1024));
    assert_eq!(send(&large).code(), "payload_too_large");
}

/// What a proxy and the server read as two different requests could smuggle one past it
/// (RFC 9112, 6.3 and 11.2).
#[test]
fn a_body_has_one_length() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    let body = credentials("ada@example.com", "a long walk along the sea");
    let send = |lengths: &str, body: &str| {
        let head = "POST /api/signup HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
        let typed = "content-type: application/json\r\n";
        server.send(format!("{head}{typed}{lengths}\r\n{body}").as_bytes()).status
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
    // The chunks count, whatever the other header says.
    assert_eq!(send("content-length: 5\r\ntransfer-encoding: chunked\r\n", &chunked), 201);
    let taken = send(&format!("content-length: {length}\r\n"), &body);
    assert_eq!(taken, 409, "the lengths were refused, and nothing else");
}

#[test]
fn what_declares_itself_too_large_is_not_even_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    let answer = server.send(
        b"POST /api/signup HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\
          content-type: application/json\r\ncontent-length: 1000000000\r\n\r\n",
    );
    assert_eq!((answer.status, answer.code().as_str()), (413, "payload_too_large"));
}

#[test]
fn a_header_that_comes_twice_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    let (email, password) = ("ada@example.com", "a long walk along the sea");
    server.sign_up(email, password);
    let token = server.log_in(email, password);
    let bearer = format!("authorization: Bearer {token}\r\n");
    assert_eq!(server.request("GET", "/api/me", &bearer).status, 200);
    let twice = server.request("GET", "/api/me", &format!("{bearer}{bearer}"));
    assert_eq!(twice.code(), "invalid_token");

    let body = credentials(email, password);
    let types = server.post("/api/token", "content-type: text/plain\r\n", &body);
    assert_eq!(types.code(), "unsupported_media_type");
    let own = format!("origin: http://{}\r\n", server.address);
    assert_eq!(server.post("/api/token", &own, &body).status, 200);
    let origins =
        server.post("/api/token", &format!("{own}origin: https://evil.example\r\n"), &body);
    assert_eq!(origins.code(), "forbidden_origin");
}

#[test]
fn a_stated_public_url_is_exact() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &["--public-url", "https://Auth.Example.com/"]);
    let body = credentials("ada@example.com", "a long walk along the sea");
    let by_address = format!("origin: http://{}\r\n", server.address);
    assert_eq!(server.post("/api/signup", &by_address, &body).code(), "forbidden_origin");
    let stated = "origin: https://auth.example.com\r\n";
    assert_eq!(server.post("/api/signup", stated, &body).status, 201);
}

#[test]
fn a_request_that_names_no_path_is_no_defect() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    for line in ["GET foo", "POST evil", "GET evil:443", "CONNECT evil:443"] {
        let request = format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let status = server.send(request.as_bytes()).status;
        assert!((400..500).contains(&status), "{line}: {status}");
    }
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}

#[test]
fn garbage_is_refused_and_the_server_serves_on() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
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
        let answer = server.send(bytes);
        assert!((400..500).contains(&answer.status), "{}", answer.head);
    }
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn answers_that_nobody_reads_take_no_more_memory_than_there_is_for_them() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    let (email, password) = ("ada@example.com", "a long walk along the sea");
    server.sign_up(email, password);
    // Each quotation mark is two in JSON.
    let name = format!("user-agent: {}\r\n", "\"".repeat(512));
    let log_in = || server.post("/api/token", &name, &credentials(email, password));
    (1..250).for_each(|_| drop(log_in()));
    let token = log_in().access_token();
    let request = format!("GET /api/me/export HTTP/1.1\r\nhost: x\r\n{}\r\n", bearer(&token));
    let unread: Vec<_> = (0..200)
        .map(|_| {
            let mut stream = server.connect();
            // The system takes hardly anything of an answer before it is read.
            rustix::net::sockopt::set_socket_recv_buffer_size(&stream, 4_096).unwrap();
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    // They are all asked for before any is looked at.
    let refused = |mut stream: &std::net::TcpStream| {
        let mut start = [0; 12];
        stream.read_exact(&mut start).unwrap();
        start.ends_with(b"503")
    };
    let refused = unread.iter().filter(|stream| refused(stream)).count();
    assert!((1..200).contains(&refused), "{refused} of 200");
    assert!(server.log().contains("unread"));
    assert_eq!(server.me(&token).status, 200, "what is short is answered");
    drop(unread);
    server.wait_for("room for another", |_| {
        server.request("GET", "/api/me/export", &bearer(&token)).status == 200
    });
}

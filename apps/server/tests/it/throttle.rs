//! What is counted across real connections, proxies and restarts.

use std::thread;

use crate::server::{Server, credentials};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "a long walk along the sea";

fn log_in(server: &Server, password: &str, headers: &str) -> crate::server::Answer {
    server.post("/api/token", headers, &credentials(EMAIL, password))
}

#[test]
fn of_forty_wrong_passwords_at_once_on_two_servers_ten_are_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (Server::start(&folder, &[]), Server::start(&folder, &[]));
    here.sign_up(EMAIL, PASSWORD);
    let statuses: Vec<u16> = thread::scope(|scope| {
        let attempts: Vec<_> = (0..40)
            .map(|n| {
                let server = if n % 2 == 0 { &here } else { &there };
                scope.spawn(move || log_in(server, "wrong", "").status)
            })
            .collect();
        attempts.into_iter().map(|attempt| attempt.join().unwrap()).collect()
    });
    let of = |status| statuses.iter().filter(|one| **one == status).count();
    assert_eq!((of(401), of(429)), (10, 30), "{statuses:?}");
    assert!(here.log().contains("too many attempts") || there.log().contains("too many attempts"));
    // A restart forgets none.
    drop((here, there));
    let server = Server::start(&folder, &[]);
    let refused = log_in(&server, PASSWORD, "");
    assert_eq!(refused.code(), "too_many_attempts");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
}

#[test]
fn the_address_of_a_client_is_what_a_trusted_proxy_says() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &["--trusted-proxy", "127.0.0.0/8"]);
    for n in 0..30 {
        let body = credentials(&format!("user{n}@example.com"), "wrong");
        // What the client wrote itself is not believed.
        let from = format!("x-forwarded-for: 203.0.113.{n}, 192.0.2.1\r\n");
        assert_eq!(server.post("/api/token", &from, &body).status, 401);
    }
    server.post("/api/signup", "x-forwarded-for: 192.0.2.2\r\n", &credentials(EMAIL, PASSWORD));
    assert_eq!(log_in(&server, PASSWORD, "x-forwarded-for: 192.0.2.1\r\n").status, 429);
    let answer = log_in(&server, PASSWORD, "x-forwarded-for: 192.0.2.2\r\n");
    let bearer = crate::server::bearer(&answer.access_token());
    let sessions = server.request("GET", "/api/sessions", &bearer).json();
    assert_eq!(sessions["sessions"][0]["ip"], "192.0.2.2");
}

#[test]
fn what_others_say_of_addresses_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &["--trusted-proxy", "192.0.2.0/24"]);
    for n in 0..30 {
        let headers = format!(
            "x-forwarded-for: 203.0.113.{n}\r\nx-real-ip: 203.0.113.{n}\r\nforwarded: for=203.0.113.{n}\r\n"
        );
        let body = credentials(&format!("user{n}@example.com"), "wrong");
        assert_eq!(server.post("/api/token", &headers, &body).status, 401);
    }
    assert_eq!(log_in(&server, "wrong", "x-forwarded-for: 203.0.113.99\r\n").status, 429);
}

#[test]
fn without_the_throttle_nothing_is_refused_and_the_log_warns() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &["--throttle", "off"]);
    for _ in 0..12 {
        assert_eq!(log_in(&server, "wrong", "").status, 401);
    }
    assert!(server.log().contains("WARN") && server.log().contains("--throttle off"));
}

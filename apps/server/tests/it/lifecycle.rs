//! Restarts, kills and stops.

use std::io::{Read as _, Write as _};

use crate::server::{Server, credentials, read_answer};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "a long walk along the sea";

#[test]
fn kill_9_and_restart_loses_no_account_and_signs_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    // The origin is in the tokens, and must not change with the port.
    let options = ["--public-url", "https://auth.example.com"];
    let mut server = Server::start(&folder, &options);
    assert_eq!(server.sign_up(EMAIL, PASSWORD).status, 201);
    let token = server.log_in(EMAIL, PASSWORD);
    server.signal("KILL");
    assert_eq!(server.wait(), None, "it was killed");
    let server = Server::start(&folder, &options);
    assert_eq!(server.me(&token).status, 200);
    assert_eq!(server.sign_up(EMAIL, PASSWORD).status, 409);
    server.log_in(EMAIL, PASSWORD);
}

#[test]
fn a_log_out_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let options = ["--public-url", "https://auth.example.com"];
    let server = Server::start(&folder, &options);
    server.sign_up(EMAIL, PASSWORD);
    let token = server.log_in(EMAIL, PASSWORD);
    let bearer = format!("authorization: Bearer {token}\r\n");
    assert_eq!(server.post("/api/logout", &bearer, "{}").status, 204);
    drop(server);
    let server = Server::start(&folder, &options);
    assert_eq!(server.me(&token).code(), "invalid_token");
}

#[test]
fn sigterm_and_sigint_finish_what_is_in_flight_and_exit_0() {
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Server::start(&folder, &[]);
        let body = credentials(EMAIL, PASSWORD);
        let (first, rest) = body.split_at(5);
        let mut in_flight = server.connect();
        write!(
            in_flight,
            "POST /api/signup HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )
        .unwrap();
        // The server asks for the body: the request is in flight.
        let mut interim = [0; 25];
        in_flight.read_exact(&mut interim).unwrap();
        assert!(interim.starts_with(b"HTTP/1.1 100 "));
        in_flight.write_all(first.as_bytes()).unwrap();
        let mut idle = server.connect();
        server.signal(signal);
        assert_eq!(idle.read(&mut [0]).unwrap_or(0), 0, "an idle connection is closed");
        assert!(std::net::TcpStream::connect(&server.address).is_err(), "none is accepted");
        in_flight.write_all(rest.as_bytes()).unwrap();
        assert_eq!(read_answer(in_flight).status, 201);
        assert_eq!(server.wait(), Some(0));
    }
}

#[test]
fn after_a_stop_the_database_is_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(&folder, &[]);
    server.sign_up(EMAIL, PASSWORD);
    let idle = server.connect();
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    drop(idle);
    let names = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["latchkey.db", "log"], "all of it is in the file");
}

#[test]
fn what_takes_too_long_is_cut_off_and_the_exit_is_0_still() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(&folder, &[]);
    let mut stalled = server.connect();
    stalled.write_all(b"POST /api/signup HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n").unwrap();
    stalled.read_exact(&mut [0; 25]).unwrap();
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
    assert!(server.log().contains("cut off"));
}

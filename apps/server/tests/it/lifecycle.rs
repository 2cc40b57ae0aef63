//! Restarts, kills and graceful stops.

use std::io::{Read as _, Write as _};

use crate::app::{EMAIL, PASSWORD, TestApp};
use crate::server::{Server, credentials, read_answer};

#[test]
fn accounts_and_sessions_survive_kill_9() {
    let mut app = TestApp::with_public_url();
    let token = app.user().log_in().token;
    app.restart();
    assert_eq!(app.me(&token).status, 200);
    assert_eq!(app.sign_up(EMAIL, PASSWORD).status, 409);
    app.log_in(EMAIL, PASSWORD);
}

#[test]
fn a_log_out_survives_kill_9() {
    let mut app = TestApp::with_public_url();
    let session = app.user().log_in();
    assert_eq!(session.log_out().status, 204);
    let token = session.token;
    app.restart();
    assert_eq!(app.me(&token).code(), "invalid_token");
}

#[test]
fn sigterm_and_sigint_finish_requests_in_flight_and_exit_0() {
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Server::start(&folder, &[]);
        let body = credentials(EMAIL, PASSWORD);
        let (first, rest) = body.split_at(5);
        let mut in_flight = server.begin_post("/api/signup", body.len());
        in_flight.write_all(first.as_bytes()).unwrap();
        let mut idle = server.connect();
        server.signal(signal);
        assert_eq!(idle.read(&mut [0]).unwrap_or(0), 0, "an idle connection is closed");
        assert!(
            std::net::TcpStream::connect(&server.address).is_err(),
            "no new connection is accepted"
        );
        in_flight.write_all(rest.as_bytes()).unwrap();
        assert_eq!(read_answer(in_flight).status, 201);
        assert_eq!(server.wait(), Some(0));
    }
}

#[test]
fn a_stopped_server_leaves_one_database_file() {
    let mut app = TestApp::new();
    app.user();
    let idle = app.connect();
    app.signal("TERM");
    assert_eq!(app.wait(), Some(0));
    drop(idle);
    let names =
        std::fs::read_dir(app.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["latchkey.db", "log"]);
}

#[test]
fn a_stop_closes_slow_requests_and_exits_0() {
    let mut app = TestApp::new();
    let _stalled = app.begin_post("/api/signup", 10);
    app.signal("TERM");
    assert_eq!(app.wait(), Some(0));
    assert!(app.log().contains("clients were too slow"), "{}", app.log());
}

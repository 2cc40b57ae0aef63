//! Clients that never come to an end, and more of them than the system has handles for.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::server::{Server, credentials, read_answer};
use crate::start::{PASSWORD, start, start_through};

const CLIENTS: usize = 200;
/// How often each sends a byte, and for how long it would.
const PAUSE: Duration = Duration::from_millis(250);
const PATIENCE: Duration = Duration::from_secs(90);

fn trickling(server: &Server, n: usize) -> TcpStream {
    let mut stream = server.connect();
    stream.set_nonblocking(true).unwrap();
    let body = "content-type: application/json\r\ncontent-length: 9999\r\n\r\n";
    let rest = if n.is_multiple_of(2) { body } else { "x-slow: " };
    write!(stream, "POST /api/signup HTTP/1.1\r\nhost: x\r\n{rest}").unwrap();
    stream
}

/// Sends one byte more; answers whether the server still listens.
fn goes_on(mut stream: &TcpStream) -> bool {
    if stream.write_all(b"x").is_err() {
        return false;
    }
    match stream.read(&mut [0; 4096]) {
        Ok(read) => read > 0,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}

#[test]
fn two_hundred_that_trickle_are_cut_off_and_keep_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(&folder);
    server.sign_up("ada@example.com", PASSWORD);
    let mut trickling: Vec<_> = (0..CLIENTS).map(|n| trickling(&server, n)).collect();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let others = scope.spawn(|| {
            let body = credentials("ada@example.com", PASSWORD);
            while !over.load(Ordering::SeqCst) {
                assert_eq!(server.post("/api/token", "", &body).status, 200);
                thread::sleep(PAUSE);
            }
        });
        let mut waited = Duration::ZERO;
        while !trickling.is_empty() && waited < PATIENCE {
            thread::sleep(PAUSE);
            waited += PAUSE;
            trickling.retain(goes_on);
        }
        over.store(true, Ordering::SeqCst);
        others.join().unwrap();
    });
    assert_eq!(trickling.len(), 0, "some are served still");
}

#[test]
fn when_there_are_no_more_file_handles_clients_wait_for_some_and_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let few_handles = ["sh", "-c", r#"ulimit -n 64; exec "$@""#, "sh"];
    let server = start_through(&few_handles, &folder);
    let idle: Vec<_> = (0..CLIENTS).map(|_| server.connect()).collect();
    server.wait_for("that there are too many", |log| log.contains("was not accepted"));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| server.sign_up("ada@example.com", PASSWORD));
        drop(idle);
        assert_eq!(waiting.join().unwrap().status, 201);
    });
    server.log_in("ada@example.com", PASSWORD);
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}

#[test]
fn five_hundred_that_connect_while_the_server_has_no_time_for_them_are_served_when_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(&folder);
    let address = server.address.parse().unwrap();
    server.signal("STOP");
    let connect = |_| TcpStream::connect_timeout(&address, Duration::from_secs(10));
    let waiting: Result<Vec<_>, _> = (0..500).map(connect).collect();
    server.signal("CONT");
    for mut stream in waiting.unwrap() {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        assert_eq!(read_answer(stream).status, 200);
    }
}

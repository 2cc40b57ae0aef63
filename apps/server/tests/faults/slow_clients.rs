//! Slow clients, and more clients than file descriptors.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::server::{Server, credentials, read_answer};
use crate::start::{PASSWORD, start, start_through};

const CLIENTS: usize = 200;
/// The pause between two bytes that a client sends.
const PAUSE: Duration = Duration::from_millis(250);
/// The time after which the clients stop sending.
const TIMEOUT: Duration = Duration::from_secs(90);

fn start_slow_request(server: &Server, n: usize) -> TcpStream {
    let mut stream = server.connect();
    stream.set_nonblocking(true).unwrap();
    let body = "content-type: application/json\r\ncontent-length: 9999\r\n\r\n";
    let rest = if n.is_multiple_of(2) { body } else { "x-slow: " };
    write!(stream, "POST /api/signup HTTP/1.1\r\nhost: x\r\n{rest}").unwrap();
    stream
}

/// Sends one more byte, and returns whether the connection is still open.
fn send_byte(mut stream: &TcpStream) -> bool {
    if stream.write_all(b"x").is_err() {
        return false;
    }
    match stream.read(&mut [0; 4096]) {
        Ok(read) => read > 0,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}

#[test]
fn slow_clients_are_disconnected_and_do_not_delay_others() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(&folder);
    server.sign_up("ada@example.com", PASSWORD);
    let mut slow: Vec<_> = (0..CLIENTS).map(|n| start_slow_request(&server, n)).collect();
    let slow_clients_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let others = scope.spawn(|| {
            let body = credentials("ada@example.com", PASSWORD);
            while !slow_clients_done.load(Ordering::SeqCst) {
                assert_eq!(server.post("/api/token", "", &body).status, 200);
                thread::sleep(PAUSE);
            }
        });
        let mut waited = Duration::ZERO;
        while !slow.is_empty() && waited < TIMEOUT {
            thread::sleep(PAUSE);
            waited += PAUSE;
            slow.retain(send_byte);
        }
        slow_clients_done.store(true, Ordering::SeqCst);
        others.join().unwrap();
    });
    assert_eq!(slow.len(), 0, "some are still connected");
}

#[test]
fn with_few_file_descriptors_idle_connections_make_room() {
    let folder = tempfile::tempdir().unwrap();
    let few_descriptors = ["sh", "-c", r#"ulimit -n 64; exec "$@""#, "sh"];
    let server = start_through(&few_descriptors, &folder);
    let idle: Vec<_> = (0..CLIENTS).map(|_| server.connect()).collect();
    assert_eq!(server.sign_up("ada@example.com", PASSWORD).status, 201);
    server.log_in("ada@example.com", PASSWORD);
    drop(idle);
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}

#[test]
fn clients_that_connect_while_the_server_is_suspended_are_served_later() {
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

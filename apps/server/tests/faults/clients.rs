//! Clients that never stop to send, and never come to an end.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::server::{Server, credentials};
use crate::start::{PASSWORD, start};

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

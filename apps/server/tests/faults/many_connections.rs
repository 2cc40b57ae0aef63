//! Clients that open as many connections as they can.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};
use tempfile::TempDir;

use crate::server::{Server, credentials, read_answer};
use crate::start::{PASSWORD, start_through, through};

/// With 256 file descriptors, the server accepts 192 connections, 24 of them from one client.
const FEW_FILES: [&str; 4] = ["sh", "-c", r#"ulimit -n 256; exec "$@""#, "sh"];
const TOTAL: usize = 192;
const PER_CLIENT: usize = 24;

fn start(options: &[&str]) -> (Server, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let options = [&["--listen", "127.0.0.1:0"], options].concat();
    let server = Server::attempt(through(&FEW_FILES), &folder, &options);
    (server.unwrap_or_else(|log| unreachable!("{log}")), folder)
}

/// Connects from 127.0.0.`client`. To the server, each of these addresses is a different client.
fn connect_from(client: u8, server: &Server) -> TcpStream {
    let from = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, client), 0);
    let to: SocketAddrV4 = server.address.parse().unwrap();
    // Otherwise, servers that other tests start at the same time inherit the connection.
    let flags = SocketFlags::CLOEXEC;
    let stream = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).unwrap();
    bind(&stream, &from).unwrap();
    connect(&stream, &to).unwrap();
    TcpStream::from(stream)
}

/// Returns whether a new client gets a response.
fn is_served(client: u8, server: &Server) -> bool {
    let mut stream = connect_from(client, server);
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    read_answer(stream).status == 200
}

/// Returns whether the connection is open. Appends to `received` what the server has sent.
fn receive(mut stream: &TcpStream, received: &mut Vec<u8>) -> bool {
    stream.set_nonblocking(true).unwrap();
    match stream.read_to_end(received) {
        Ok(_) => false,
        Err(error) => error.kind() == ErrorKind::WouldBlock,
    }
}

fn is_open(stream: &TcpStream) -> bool {
    receive(stream, &mut Vec::new())
}

/// Waits until at most `max` of the connections are open, and returns which ones are.
fn wait_until_open(max: usize, connections: &[TcpStream]) -> Vec<bool> {
    for _ in 0..1_000 {
        let open: Vec<_> = connections.iter().map(is_open).collect();
        if open.iter().filter(|open| **open).count() <= max {
            return open;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    unreachable!("more than {max} connections stay open")
}

#[test]
fn a_client_cannot_take_all_connections() {
    let (server, _folder) = start(&[]);
    let mut greedy: Vec<_> = (0..100).map(|_| connect_from(2, &server)).collect();
    assert!(is_served(3, &server));
    let open = wait_until_open(PER_CLIENT, &greedy);
    assert!(open[..100 - PER_CLIENT].iter().all(|open| !open), "the oldest ones are closed");
    assert!(open[100 - PER_CLIENT..].iter().all(|open| *open), "{open:?}");
    // Other connections of the same client are served too, because the idle ones make room.
    assert!(is_served(2, &server));
    // Incomplete requests make room as well.
    for stream in &mut greedy[100 - PER_CLIENT + 1..] {
        stream.write_all(b"POST /api/token HTTP/1.1\r\nhost: x\r\nx-slow: ").unwrap();
    }
    assert!(is_served(2, &server) && is_served(3, &server));
    assert!(server.log().contains("too many connections"), "{}", server.log());
}

#[test]
fn if_all_connections_are_used_the_longest_idle_ones_make_room() {
    let (server, _folder) = start(&[]);
    let clients = 10..22;
    let all: Vec<_> = clients
        .flat_map(|client| (0..20).map(move |_| client))
        .map(|client| connect_from(client, &server))
        .collect();
    assert_eq!(all.len(), 240);
    for client in 100..110 {
        assert!(is_served(client, &server));
    }
    let open = wait_until_open(TOTAL, &all);
    let newest = open.iter().rev().take(100).filter(|open| **open).count();
    assert_eq!((newest, open[0]), (100, false), "{open:?}");
    assert_eq!(server.sign_up("ada@example.com", PASSWORD).status, 201);
    server.log_in("ada@example.com", PASSWORD);
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}

#[test]
fn clients_that_send_bodies_slowly_make_room() {
    let (server, _folder) = start(&[]);
    let head = "POST /api/token HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let slow = (10..20).flat_map(|client| (0..20).map(move |_| client)).map(|client| {
        let mut stream = connect_from(client, &server);
        write!(stream, "{head}expect: 100-continue\r\ncontent-length: 99\r\n\r\n").unwrap();
        stream
    });
    let slow: Vec<_> = slow.collect();
    let body = credentials("ada@example.com", PASSWORD);
    assert_eq!(server.sign_up("ada@example.com", PASSWORD).status, 201);
    assert_eq!(server.post("/api/token", "", &body).status, 200);
    let mut received = Vec::new();
    let open = slow.iter().filter(|stream| receive(stream, &mut received)).count();
    assert!((1..=TOTAL).contains(&open), "{open}");
    // They were closed to make room, not because of the time limit, which is an error response.
    let received = String::from_utf8(received).unwrap();
    assert!(received.contains("100 Continue") && !received.contains("HTTP/1.1 4"), "{received}");
}

#[test]
fn the_limit_on_file_descriptors_is_raised_as_far_as_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let low_soft_limit = ["sh", "-c", r#"ulimit -S -n 256; exec "$@""#, "sh"];
    let server = start_through(&low_soft_limit, &folder);
    // The limit is raised before the server accepts connections.
    assert_eq!(server.get("/healthz").status, 200);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let mut files = files.split_whitespace().map(|limit| limit.parse().unwrap_or(usize::MAX));
    let (soft, hard) = (files.next().unwrap(), files.next().unwrap());
    assert_eq!(soft, hard.min(8_192), "{limits}");
}

#[test]
fn a_trusted_proxy_can_open_more_connections_than_a_client() {
    let (server, _folder) = start(&["--trusted-proxy", "127.0.0.2"]);
    let proxy: Vec<_> = (0..100).map(|_| connect_from(2, &server)).collect();
    assert!(is_served(3, &server));
    assert!(proxy.iter().all(is_open));
}

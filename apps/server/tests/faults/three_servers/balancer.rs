use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::server::{Answer, Server, read_answer};
use crate::user::is_complete;

/// A load balancer, which sends each request to the next server. If the server does not respond,
/// the balancer responds with 502, because the request may have been processed. It is stopped on
/// drop.
pub(super) struct Balancer {
    pub(super) address: String,
    backends: Arc<Backends>,
}

#[derive(Default)]
struct Backends {
    addresses: Mutex<Vec<String>>,
    next: AtomicUsize,
    is_stopped: AtomicBool,
}

impl Balancer {
    /// An address at which no server listens.
    pub(super) const NOWHERE: &str = "127.0.0.1:1";

    pub(super) fn start(servers: &[Server]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let addresses = servers.iter().map(|server| server.address.clone()).collect();
        let backends =
            Arc::new(Backends { addresses: Mutex::new(addresses), ..Backends::default() });
        let balancer = Self { address, backends: Arc::clone(&backends) };
        thread::spawn(move || accept(&listener, &backends));
        balancer
    }

    /// Replaces the address of a server.
    pub(super) fn move_server(&self, number: usize, address: &str) {
        address.clone_into(&mut self.backends.addresses.lock().unwrap()[number]);
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.backends.is_stopped.store(true, Ordering::Relaxed);
        // The listener waits for a connection.
        let _ = TcpStream::connect(&self.address);
    }
}

impl Backends {
    fn next(&self) -> String {
        let addresses = self.addresses.lock().unwrap();
        addresses[self.next.fetch_add(1, Ordering::Relaxed) % addresses.len()].clone()
    }
}

fn accept(listener: &TcpListener, backends: &Arc<Backends>) {
    for client in listener.incoming() {
        if backends.is_stopped.load(Ordering::Relaxed) {
            return;
        }
        let backends = Arc::clone(backends);
        thread::spawn(move || serve(&client.unwrap(), &backends).unwrap());
    }
}

fn serve(mut client: &TcpStream, backends: &Backends) -> io::Result<()> {
    let request = read_request(client)?;
    let response = match forward(&request, &backends.next()) {
        Some(answer) => format!("{}\r\n\r\n{}", answer.head, answer.body),
        None => "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n".to_owned(),
    };
    client.write_all(response.as_bytes())
}

/// Reads the head of a request, and as much of the body as it says.
fn read_request(client: &TcpStream) -> io::Result<Vec<u8>> {
    let mut reader = BufReader::new(client);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        head.push_str(&line);
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok([head.into_bytes(), body].concat())
}

/// Returns the response of a server, or `None` if it does not arrive completely.
fn forward(request: &[u8], address: &str) -> Option<Answer> {
    let mut server = TcpStream::connect(address).ok()?;
    server.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    server.write_all(request).ok()?;
    Some(read_answer(server)).filter(is_complete)
}

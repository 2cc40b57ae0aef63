//! A running example and a client for it. `cargo test` builds the examples together with the tests.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use tempfile::TempDir;

/// A running example with its own port and folder. It is killed when dropped.
pub(crate) struct Example {
    process: Child,
    pub(crate) port: u16,
    folder: TempDir,
}

/// Returns the path of the binary of an example.
pub(crate) fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let built = test.parent().and_then(Path::parent).unwrap();
    built.join("examples").join(name)
}

/// Returns a free port that no other test of this process gets.
///
/// It is below the ports that the system assigns. One of those could be assigned again before the
/// example listens.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + (std::process::id() % 1_000) as u16 * 10;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

impl Example {
    /// Starts the example and waits until it listens.
    pub(crate) fn start(name: &str, settings: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut command = Command::new(binary(name));
        command
            .env("PORT", port.to_string())
            .envs(settings.iter().copied())
            .current_dir(folder.path());
        // Built by `cargo build --examples`.
        let mut process = command.spawn().unwrap();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(process.try_wait().unwrap().is_none(), "the example has ended");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { process, port, folder }
    }

    /// Sends a request and returns the status and the body of the response.
    pub(crate) fn send(&self, method: &str, path: &str, token: &str, body: &str) -> (u16, String) {
        let headers =
            format!("authorization: Bearer {token}\r\ncontent-type: application/json\r\n");
        let Answer { status, body, .. } = self.exchange(method, path, &headers, body);
        (status, body)
    }

    /// Sends a request with these headers, each of which ends with a line break.
    pub(crate) fn exchange(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: localhost:{}\r\nconnection: close\r\n{headers}\
             content-length: {}\r\n\r\n{body}",
            self.port,
            body.len(),
        )
        .unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// Stops the example with SIGTERM. Returns whether it ended by itself, with success.
    pub(crate) fn terminate(mut self) -> bool {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        self.process.wait().unwrap().success()
    }
}

/// The response of an example.
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// Returns the first header with this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.split("\r\n").skip(1).filter_map(|line| line.split_once(": "));
        lines.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Returns the folder in which the example runs.
impl AsRef<Path> for Example {
    fn as_ref(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

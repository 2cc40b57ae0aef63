//! A running server, and an HTTP client that sends raw bytes.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;

/// A running server process. It is killed on drop.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
    log: PathBuf,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
    /// `true` if the server closed the connection before the client's timeout.
    pub(crate) closed: bool,
}

impl Server {
    /// Starts the server on a free port, with few hash iterations and the database in `folder`.
    pub(crate) fn start(folder: &TempDir, more: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", folder, more)
    }

    /// Starts the server on an address that another server used before.
    pub(crate) fn start_at(address: &str, folder: &TempDir, more: &[&str]) -> Self {
        let more = [&["--listen", address], more].concat();
        Self::attempt(command(), folder, &more).unwrap_or_else(|log| unreachable!("{log}"))
    }

    /// Starts the server with a prepared command. Returns the log if the server does not start.
    pub(crate) fn attempt(
        mut process: Command,
        folder: &TempDir,
        more: &[&str],
    ) -> Result<Self, String> {
        process
            .args(["serve", "--pbkdf2-iterations", "1000"])
            .args(database_arguments(folder))
            .args(more);
        Self::spawn(process, folder)
    }

    /// Runs a command that starts the server, with its log in `folder`. Returns the log if the
    /// server does not start.
    pub(crate) fn spawn(mut process: Command, folder: &TempDir) -> Result<Self, String> {
        let log = folder.path().join("log");
        let mut process = process
            .stdout(Stdio::piped())
            .stderr(std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap())
            .spawn()
            .unwrap();
        match listening_address(&mut process) {
            Some(address) => Ok(Self { process, address, log }),
            None => {
                process.wait().unwrap();
                Err(std::fs::read_to_string(&log).unwrap())
            }
        }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// Sends the head of a POST request whose body has this length, and waits until the server waits
    /// for the body. The request is then in flight.
    pub(crate) fn begin_post(&self, path: &str, length: usize) -> TcpStream {
        let mut stream = self.connect();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut interim = [0; 25];
        stream.read_exact(&mut interim).unwrap();
        assert!(interim.starts_with(b"HTTP/1.1 100 "));
        stream
    }

    /// Sends a request without a body.
    pub(crate) fn request(&self, method: &str, path: &str, headers: &str) -> Answer {
        let host = &self.address;
        let head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
        self.send(format!("{head}{headers}\r\n").as_bytes())
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path, "")
    }

    /// Sends a POST request with a JSON body.
    pub(crate) fn post(&self, path: &str, headers: &str, body: &str) -> Answer {
        self.send_json("POST", path, headers, body)
    }

    /// Sends a request with a JSON body.
    pub(crate) fn send_json(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let (host, length, ip) = (&self.address, body.len(), next_client_ip());
        self.send(
            format!(
                "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
                 x-forwarded-for: {ip}\r\n\
                 content-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
            )
            .as_bytes(),
        )
    }

    /// Sends these bytes and reads until the server closes the connection.
    pub(crate) fn send(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        read_answer(stream)
    }

    pub(crate) fn sign_up(&self, email: &str, password: &str) -> Answer {
        self.post("/api/signup", "", &credentials(email, password))
    }

    /// Logs in and returns the access token.
    pub(crate) fn log_in(&self, email: &str, password: &str) -> String {
        self.post("/api/token", "", &credentials(email, password)).access_token()
    }

    pub(crate) fn me(&self, token: &str) -> Answer {
        self.request("GET", "/api/me", &bearer(token))
    }

    /// Refreshes a session with this cookie.
    pub(crate) fn refresh(&self, cookie: &str) -> Answer {
        self.post("/api/token/refresh", &format!("cookie: {cookie}\r\n"), "{}")
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits for the process to exit, and returns its exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.process.wait().unwrap().code()
    }

    /// Starts the server with a pipe for its log, and returns the reading end of the pipe.
    pub(crate) fn start_with_log_pipe(folder: &TempDir) -> (Self, ChildStderr) {
        let mut process = serve_command("127.0.0.1:0", folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = process.stderr.take().unwrap();
        let address = listening_address(&mut process).unwrap();
        (Self { process, address, log: folder.path().join("log") }, log)
    }

    /// Starts the server on a known address with these files for stdout and stderr. Nothing is read
    /// from them.
    pub(crate) fn start_with_output(
        address: &str,
        folder: &TempDir,
        [stdout, stderr]: [Stdio; 2],
    ) -> Self {
        let process = serve_command(address, folder).stdout(stdout).stderr(stderr).spawn().unwrap();
        let log = folder.path().join("log");
        Self { process, address: address.to_owned(), log }
    }

    /// Waits until the server listens and responds.
    pub(crate) fn wait_until_ready(&self) {
        for _ in 0..3_000 {
            if TcpStream::connect(&self.address).is_ok() {
                assert!(self.request_id().is_some(), "the server responds");
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        unreachable!("the server does not listen");
    }

    /// Waits for the process to exit, for at most 30 s, and returns its exit code.
    pub(crate) fn wait_for_exit(&mut self) -> Option<i32> {
        for _ in 0..3_000 {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        unreachable!("the server does not exit");
    }

    /// Waits until the log satisfies a condition.
    pub(crate) fn wait_for(&self, what: &str, condition: impl Fn(&str) -> bool) {
        for _ in 0..3_000 {
            if condition(&self.written_log()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        unreachable!("{what} is not in the log: {}", self.written_log());
    }

    /// Returns the log. It has the records of all requests that were answered.
    ///
    /// The server writes its log in the background, but in order. This method makes a request and
    /// waits for its record, so all earlier records are in the log too. A server that has exited
    /// has written its whole log.
    pub(crate) fn log(&self) -> String {
        if let Some(id) = self.request_id() {
            self.wait_for("the last request", |log| log.contains(&id));
        }
        self.written_log()
    }

    /// Makes a request and returns its id, or `None` if the server has exited.
    fn request_id(&self) -> Option<String> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
        let request = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).ok()?;
        read_answer(stream).header("x-request-id").map(str::to_owned)
    }

    fn written_log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap().to_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn access_token(&self) -> String {
        self.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// Returns the name and value of the first cookie.
    pub(crate) fn cookie(&self) -> String {
        let cookie = self.header("set-cookie").unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }
}

/// Returns the address in the line on stdout, or `None` if the program exits without printing it.
fn listening_address(process: &mut Child) -> Option<String> {
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    Some(line.strip_prefix("listening on http://")?.trim().to_owned())
}

fn serve_command(address: &str, folder: &TempDir) -> Command {
    let mut command = command();
    command
        .args(["serve", "--listen", address, "--pbkdf2-iterations", "1000"])
        .args(database_arguments(folder));
    command
}

/// The name of the file with the URL of a PostgreSQL database.
pub(crate) const URL_FILE: &str = "database-url";

/// Returns the arguments for the database of the server in this folder: the PostgreSQL database
/// whose URL is in the folder, or else a SQLite file.
pub(crate) fn database_arguments(folder: &TempDir) -> [OsString; 2] {
    let url = folder.path().join(URL_FILE);
    match url.exists() {
        true => ["--database-file".into(), url.into()],
        false => ["--database".into(), folder.path().join("latchkey.db").into()],
    }
}

/// Returns a command that runs the program without the `LATCHKEY_` variables of this process.
pub(crate) fn command() -> Command {
    let binary = std::env::var_os("E2E_SERVER")
        .unwrap_or_else(|| OsString::from(env!("CARGO_BIN_EXE_latchkey")));
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LATCHKEY_")) {
        command.env_remove(name);
    }
    command
}

/// Returns a different IP address on each call, for `X-Forwarded-For`. To a server that trusts this
/// client as a proxy, each request then comes from a different client.
pub(crate) fn next_client_ip() -> IpAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0x0a00_0000);
    Ipv4Addr::from_bits(NEXT.fetch_add(1, Ordering::Relaxed)).into()
}

/// Returns an `Authorization` header with this access token.
pub(crate) fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

pub(crate) fn credentials(email: &str, password: &str) -> String {
    serde_json::json!({"email": email, "password": password}).to_string()
}

pub(crate) fn read_answer(mut stream: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    // A server that closes early may reset the connection, after its response.
    let closed = match stream.read_to_end(&mut bytes) {
        Ok(_) => true,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    };
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Answer { status, head: head.to_owned(), body: body.to_owned(), closed }
}

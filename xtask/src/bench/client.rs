//! Just enough of HTTP/1.1 to time one request after the other over one connection.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

pub(super) struct Client {
    address: String,
    connection: BufReader<TcpStream>,
}

/// An answer less what differs in every one: the request's id and the date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// The status line and the headers.
    pub(super) head: Vec<String>,
    pub(super) body: String,
}

impl Client {
    pub(super) fn connect(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self { address: address.to_owned(), connection: BufReader::new(stream) })
    }

    /// Sends JSON; answers what came back, and after how many milliseconds the whole of it.
    pub(super) fn post(&mut self, path: &str, body: &str) -> Result<(Answer, f64)> {
        let (host, length) = (&self.address, body.len());
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        let started = Instant::now();
        self.connection.get_mut().write_all(request.as_bytes())?;
        let answer = self.read().context("the server's answer")?;
        Ok((answer, started.elapsed().as_secs_f64() * 1e3))
    }

    fn read(&mut self) -> Result<Answer> {
        let (mut head, mut length) = (Vec::new(), 0);
        loop {
            let mut line = String::new();
            self.connection.read_line(&mut line)?;
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse()?;
            }
            if !line.starts_with("date: ") && !line.starts_with("x-request-id: ") {
                head.push(line);
            }
        }
        let mut body = vec![0; length];
        self.connection.read_exact(&mut body)?;
        Ok(Answer { head, body: String::from_utf8(body)? })
    }
}

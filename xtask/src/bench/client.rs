//! A minimal HTTP/1.1 client that sends requests one after the other over one connection.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;

/// A connection to a server.
pub(super) struct Client {
    address: String,
    connection: BufReader<TcpStream>,
}

/// A response without the headers that differ in every response: the request id and the date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Response {
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

    /// Sends JSON. Returns the response, and the milliseconds until all of it was read.
    pub(super) fn post(&mut self, path: &str, body: &str) -> Result<(Response, f64)> {
        let length = body.len();
        let rest =
            format!("content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}");
        let started = Instant::now();
        let response = self.send("POST", path, &rest)?;
        Ok((response, started.elapsed().as_secs_f64() * 1e3))
    }

    /// Sends a request with a bearer token.
    pub(super) fn get(&mut self, path: &str, token: &str) -> Result<Response> {
        self.send("GET", path, &format!("authorization: Bearer {token}\r\n\r\n"))
    }

    /// Sends a request without a token.
    pub(super) fn get_public(&mut self, path: &str) -> Result<Response> {
        self.send("GET", path, "\r\n")
    }

    /// Sends a request. `rest` contains its last headers, the empty line and the body.
    fn send(&mut self, method: &str, path: &str, rest: &str) -> Result<Response> {
        let request = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n{rest}", self.address);
        self.connection.get_mut().write_all(request.as_bytes())?;
        self.read().context("the server's response cannot be read")
    }

    fn read(&mut self) -> Result<Response> {
        let mut head = Vec::new();
        let mut length = 0;
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
        Ok(Response { head, body: String::from_utf8_lossy(&body).into_owned() })
    }
}

impl Response {
    pub(super) fn is_ok(&self) -> bool {
        self.head.first().is_some_and(|line| line.split(' ').nth(1) == Some("200"))
    }

    /// Returns a string member of the JSON body.
    pub(super) fn member(&self, name: &str) -> Result<String> {
        let value: Value = serde_json::from_str(&self.body)?;
        let text = value[name].as_str().with_context(|| format!("the response has no `{name}`"))?;
        Ok(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_status_200_is_ok() {
        let response = |status: &str| Response {
            head: vec![format!("http/1.1 {status}"), "content-length: 12".to_owned()],
            body: r#"{"a":"token"}"#.to_owned(),
        };
        assert!(response("200 ok").is_ok());
        assert!(!response("404 not found").is_ok());
        assert_eq!(response("200 ok").member("a").unwrap(), "token");
        assert!(response("200 ok").member("b").is_err());
    }
}

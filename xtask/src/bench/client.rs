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
    /// The status line and the headers, with their names in lower case.
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
        self.post_with(path, "", body)
    }

    /// Does the same as [`post`](Self::post), with more headers, each of which ends with CRLF.
    pub(super) fn post_with(
        &mut self,
        path: &str,
        headers: &str,
        body: &str,
    ) -> Result<(Response, f64)> {
        let length = body.len();
        let rest = format!(
            "{headers}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
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
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            let line = match line.split_once(':') {
                Some((name, value)) => format!("{}:{value}", name.to_ascii_lowercase()),
                None => line.to_ascii_lowercase(),
            };
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
        self.status() == "200"
    }

    /// Returns the status code.
    pub(super) fn status(&self) -> &str {
        self.head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default()
    }

    /// Returns the response without what differs between two equal requests: the tokens of a
    /// successful log-in, and the time until a lockout ends.
    pub(super) fn comparable(mut self) -> Self {
        for line in &mut self.head {
            for name in ["set-cookie", "retry-after", "content-length"] {
                if line.starts_with(&format!("{name}: ")) {
                    name.clone_into(line);
                }
            }
        }
        match self.status() {
            "200" | "429" => Self { body: String::new(), ..self },
            _ => self,
        }
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
    fn the_tokens_of_a_log_in_and_the_end_of_a_lockout_are_not_compared() {
        let response = |status: &str, header: &str, body: &str| Response {
            head: vec![format!("http/1.1 {status}"), header.to_owned()],
            body: body.to_owned(),
        };
        let ok = |token| response("200 ok", &format!("set-cookie: t={token}"), token).comparable();
        assert_eq!(ok("a"), ok("b"));
        let late = |time| response("429 too many", &format!("retry-after: {time}"), time);
        assert_eq!(late("59").comparable(), late("60").comparable());
        let wrong = |body| response("401 unauthorized", "a: b", body).comparable();
        assert_ne!(wrong("x"), wrong("y"));
    }

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

//! A user who remembers all acknowledged changes and checks them later.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::mpsc::Sender;
use std::time::Duration;

use crate::server::{Answer, Server, bearer, credentials, next_client_ip, read_answer};
use crate::start::PASSWORD;

pub(crate) struct User {
    email: String,
    /// `true` if the sign-up was acknowledged.
    signed_up: bool,
    /// All passwords so far, the newest last.
    passwords: Vec<String>,
    /// How many of the newest passwords may be the current one: two after a lost response.
    candidates: usize,
    session: Option<Session>,
}

struct Session {
    token: String,
    cookie: String,
    /// `true` if the cookie was sent in a refresh whose response has not arrived.
    awaits_response: bool,
}

impl User {
    pub(crate) fn new(email: String) -> Self {
        let passwords = vec![PASSWORD.to_owned()];
        Self { email, signed_up: false, passwords, candidates: 1, session: None }
    }

    /// Uses the service and reports every acknowledgment. Returns `None` if a response is lost.
    pub(crate) fn use_service(&mut self, address: &str, acknowledged: &Sender<()>) -> Option<()> {
        let report = || acknowledged.send(()).unwrap();
        self.sign_up(address).map(|()| report())?;
        self.log_in(address)?;
        for _ in 0..4 {
            self.refresh(address).map(|()| report())?;
            self.change_password(address).map(|()| report())?;
        }
        Some(())
    }

    fn sign_up(&mut self, address: &str) -> Option<()> {
        let body = credentials(&self.email, PASSWORD);
        let answer = send(address, "POST", "/api/signup", "", &body)?;
        assert_eq!(answer.status, 201, "{}", answer.body);
        self.signed_up = true;
        Some(())
    }

    fn log_in(&mut self, address: &str) -> Option<()> {
        let body = credentials(&self.email, self.passwords.last()?);
        let answer = send(address, "POST", "/api/token", "", &body)?;
        self.session = Some(Session::from_answer(&answer));
        Some(())
    }

    fn refresh(&mut self, address: &str) -> Option<()> {
        let session = self.session.as_mut()?;
        session.awaits_response = true;
        let cookie = format!("cookie: {}\r\n", session.cookie);
        let answer = send(address, "POST", "/api/token/refresh", &cookie, "{}")?;
        *session = Session::from_answer(&answer);
        Some(())
    }

    fn change_password(&mut self, address: &str) -> Option<()> {
        let current = self.passwords.last()?;
        let new = format!("{PASSWORD}, walk {}", self.passwords.len());
        let body = serde_json::json!({"current_password": current, "new_password": new});
        self.passwords.push(new);
        self.candidates = 2;
        let bearer = bearer(&self.session.as_ref()?.token);
        let answer = send(address, "PUT", "/api/me/password", &bearer, &body.to_string())?;
        assert_eq!(answer.status, 204, "{}", answer.body);
        self.candidates = 1;
        Some(())
    }

    /// Checks that all acknowledged changes are present, and that no change is incomplete.
    pub(crate) fn check(&mut self, server: &Server) {
        self.check_session(server);
        let can_log_in = |password: &String| {
            let status = server.post("/api/token", "", &credentials(&self.email, password)).status;
            assert!(matches!(status, 200 | 401), "{status}");
            status == 200
        };
        let works: Vec<_> = self.passwords.iter().map(can_log_in).collect();
        let candidates = &works[works.len() - self.candidates..];
        let valid = works.iter().filter(|works| **works).count();
        let known = candidates.iter().any(|works| *works);
        let sign_up = server.sign_up(&self.email, PASSWORD).status;
        match valid {
            1 => assert!(known && sign_up == 409, "{}: {works:?}, {sign_up}", self.email),
            0 => assert!(!self.signed_up && sign_up == 201, "{}: {sign_up}", self.email),
            _ => unreachable!("{} has several passwords: {works:?}", self.email),
        }
        let last = works.iter().position(|works| *works).unwrap_or(0);
        self.passwords.truncate(last + 1);
        (self.signed_up, self.candidates) = (true, 1);
    }

    fn check_session(&mut self, server: &Server) {
        let Some(session) = &mut self.session else { return };
        let answer = server.refresh(&session.cookie);
        if session.awaits_response && answer.status == 401 {
            // A late repetition is detected as reuse, which ends the session.
            self.session = None;
            return;
        }
        *session = Session::from_answer(&answer);
        assert_eq!(server.me(&session.token).json()["email"], self.email);
    }
}

impl Session {
    #[track_caller]
    fn from_answer(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.body);
        Self { token: answer.access_token(), cookie: answer.cookie(), awaits_response: false }
    }
}

/// Sends a request to a server that may exit before it responds. Returns `None` if the response is
/// incomplete.
pub(crate) fn send(
    address: &str,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         x-forwarded-for: {}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}",
        next_client_ip()
    );
    stream.write_all(request.as_bytes()).ok()?;
    Some(read_answer(stream)).filter(is_complete)
}

pub(crate) fn is_complete(answer: &Answer) -> bool {
    match answer.header("content-length") {
        Some(length) => length.parse() == Ok(answer.body.len()),
        None => answer.status == 204,
    }
}

//! A user who remembers all acknowledged changes and checks them later.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

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

/// A response, and the number of earlier attempts that got 503.
pub(crate) struct Processed {
    answer: Answer,
    earlier_attempts: usize,
}

/// How long a request waits for other writers before it gets 503.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum number of times that a request is sent.
const ATTEMPTS: usize = 10;

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
        sign_up(address, &self.email)?.assert_signed_up();
        self.signed_up = true;
        Some(())
    }

    fn log_in(&mut self, address: &str) -> Option<()> {
        let Processed { answer, .. } = log_in(address, &self.email, self.passwords.last()?)?;
        self.session = Some(Session::from_answer(&answer));
        Some(())
    }

    fn refresh(&mut self, address: &str) -> Option<()> {
        let session = self.session.as_mut()?;
        session.awaits_response = true;
        let cookie = format!("cookie: {}\r\n", session.cookie);
        let Processed { answer, .. } =
            send_until_processed(address, "POST", "/api/token/refresh", &cookie, "{}")?;
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
        let Processed { answer, earlier_attempts } =
            send_until_processed(address, "PUT", "/api/me/password", &bearer, &body.to_string())?;
        if answer.status != 204 {
            // An earlier attempt may have changed the password.
            assert!(earlier_attempts > 0, "{}", answer.body);
            assert_eq!(answer.json()["errors"][0]["code"], "password_wrong", "{}", answer.body);
        }
        self.candidates = 1;
        Some(())
    }

    /// Checks that all acknowledged changes are present, and that no change is incomplete.
    pub(crate) fn check(&mut self, server: &Server) {
        self.check_session(server);
        let can_log_in = |password: &String| {
            let status = log_in(&server.address, &self.email, password).unwrap().status();
            assert!(matches!(status, 200 | 401), "{status}");
            status == 200
        };
        let works: Vec<_> = self.passwords.iter().map(can_log_in).collect();
        let candidates = &works[works.len() - self.candidates..];
        let valid = works.iter().filter(|works| **works).count();
        let known = candidates.iter().any(|works| *works);
        let sign_up = sign_up(&server.address, &self.email).unwrap();
        let status = sign_up.status();
        match valid {
            1 => assert!(known && status == 409, "{}: {works:?}, {status}", self.email),
            0 => {
                assert!(!self.signed_up, "{}: {works:?}, {status}", self.email);
                sign_up.assert_signed_up();
            }
            _ => unreachable!("{} has several passwords: {works:?}", self.email),
        }
        let last = works.iter().position(|works| *works).unwrap_or(0);
        self.passwords.truncate(last + 1);
        (self.signed_up, self.candidates) = (true, 1);
    }

    fn check_session(&mut self, server: &Server) {
        let Some(session) = &mut self.session else { return };
        let cookie = format!("cookie: {}\r\n", session.cookie);
        let path = "/api/token/refresh";
        let refresh = send_until_processed(&server.address, "POST", path, &cookie, "{}");
        let answer = refresh.unwrap().answer;
        if session.awaits_response && answer.status == 401 {
            // A late repetition is detected as reuse, which ends the session.
            self.session = None;
            return;
        }
        *session = Session::from_answer(&answer);
        assert_eq!(server.me(&session.token).json()["email"], self.email);
    }
}

impl Processed {
    pub(crate) const fn status(&self) -> u16 {
        self.answer.status
    }

    /// Asserts that this attempt or an earlier one has created the account.
    #[track_caller]
    pub(crate) fn assert_signed_up(&self) {
        let Self { answer, earlier_attempts } = self;
        let is_created = answer.status == 201 || (answer.status == 409 && *earlier_attempts > 0);
        assert!(is_created, "{}: {}", answer.status, answer.body);
    }
}

impl Session {
    #[track_caller]
    fn from_answer(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.body);
        Self { token: answer.access_token(), cookie: answer.cookie(), awaits_response: false }
    }
}

/// Signs up. Returns `None` if the response is incomplete.
pub(crate) fn sign_up(address: &str, email: &str) -> Option<Processed> {
    send_until_processed(address, "POST", "/api/signup", "", &credentials(email, PASSWORD))
}

/// Logs in. Returns `None` if the response is incomplete.
pub(crate) fn log_in(address: &str, email: &str, password: &str) -> Option<Processed> {
    send_until_processed(address, "POST", "/api/token", "", &credentials(email, password))
}

/// Does the same as [`send`], but sends the request again if it has waited too long for other
/// writers. On a slow machine, this can happen although the server works. A request that was not
/// acknowledged may have had an effect or not.
#[expect(clippy::disallowed_methods, reason = "checks how long the server has waited")]
fn send_until_processed(
    address: &str,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> Option<Processed> {
    for earlier_attempts in 0..ATTEMPTS {
        let start = Instant::now();
        let answer = send(address, method, path, headers, body)?;
        if answer.status != 503 {
            return Some(Processed { answer, earlier_attempts });
        }
        assert_eq!(answer.code(), "unavailable", "{}", answer.body);
        let elapsed = start.elapsed();
        assert!(elapsed >= BUSY_TIMEOUT, "503 after {elapsed:?}: {}", answer.body);
    }
    unreachable!("{method} {path} gets 503 again and again");
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

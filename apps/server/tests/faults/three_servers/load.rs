//! Users behind a load balancer, who repeat a request that no server has answered.

use std::ops::Range;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use super::Session;
use crate::server::{Answer, Server, bearer, credentials};
use crate::start::PASSWORD;
use crate::user::send;

/// The number of acknowledged log-ins of each user.
pub(super) const LOG_INS: usize = 2;

/// The maximum number of times that a request is sent.
const ATTEMPTS: usize = 30;

/// A user with everything that was acknowledged.
pub(super) struct User {
    balancer: String,
    email: String,
    ended: Vec<Session>,
    session: Option<Session>,
    /// The number of requests that no server has answered.
    pub(super) unanswered: usize,
    /// The number of log-ins among them, each of which may have opened another session.
    pub(super) unanswered_log_ins: usize,
}

/// A response, and the number of earlier attempts. Each of these may have been processed.
struct Processed {
    answer: Answer,
    earlier_attempts: usize,
}

/// Acts as several users at the same time, and reports every acknowledged request.
pub(super) fn use_service(
    balancer: &str,
    numbers: Range<usize>,
    acknowledged: &Sender<()>,
) -> Vec<User> {
    let mut users: Vec<_> = numbers.map(|number| User::new(balancer, number)).collect();
    let steps: [fn(&mut User); 9] = [
        User::sign_up,
        User::log_in,
        User::read,
        User::refresh,
        User::refresh,
        User::log_out,
        User::log_in,
        User::refresh,
        User::read,
    ];
    for step in steps {
        for user in &mut users {
            step(user);
            acknowledged.send(()).unwrap();
        }
    }
    users
}

impl User {
    fn new(balancer: &str, number: usize) -> Self {
        let (balancer, email) = (balancer.to_owned(), format!("user-{number}@example.com"));
        Self {
            balancer,
            email,
            ended: Vec::new(),
            session: None,
            unanswered: 0,
            unanswered_log_ins: 0,
        }
    }

    fn sign_up(&mut self) {
        let body = credentials(&self.email, PASSWORD);
        let Processed { answer, earlier_attempts } = self.send("POST", "/api/signup", "", &body);
        match answer.status {
            201 => {}
            409 if earlier_attempts > 0 => {}
            status => unreachable!("{status}: {}", answer.body),
        }
    }

    fn log_in(&mut self) {
        let body = credentials(&self.email, PASSWORD);
        let Processed { answer, earlier_attempts } = self.send("POST", "/api/token", "", &body);
        self.session = Some(Session::from_answer(&answer));
        self.unanswered_log_ins += earlier_attempts;
    }

    fn read(&mut self) {
        let bearer = bearer(&self.session.as_ref().unwrap().token);
        let answer = self.send("GET", "/api/me", &bearer, "").answer;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json()["email"], self.email);
    }

    /// Checks that the user is signed in on every server, and can refresh the session.
    pub(super) fn check(&mut self, servers: &[Server]) {
        for session in &self.ended {
            session.assert_ended(servers);
        }
        self.session.as_ref().unwrap().assert_active(servers);
        self.refresh();
    }

    fn refresh(&mut self) {
        let cookie = format!("cookie: {}\r\n", self.session.as_ref().unwrap().cookie);
        let answer = self.send("POST", "/api/token/refresh", &cookie, "{}").answer;
        self.session = Some(Session::from_answer(&answer));
    }

    fn log_out(&mut self) {
        let session = self.session.take().unwrap();
        let bearer = bearer(&session.token);
        let Processed { answer, earlier_attempts } =
            self.send("POST", "/api/logout", &bearer, "{}");
        match answer.status {
            204 => {}
            401 if earlier_attempts > 0 => assert_eq!(answer.code(), "invalid_token"),
            status => unreachable!("{status}: {}", answer.body),
        }
        self.ended.push(session);
    }

    /// Sends a request until a server has processed it.
    fn send(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Processed {
        for earlier_attempts in 0..ATTEMPTS {
            let answer = send(&self.balancer, method, path, headers, body).unwrap();
            match answer.status {
                502 | 503 => {
                    self.unanswered += 1;
                    thread::sleep(Duration::from_millis(50));
                }
                _ => return Processed { answer, earlier_attempts },
            }
        }
        unreachable!("no server has processed {method} {path}");
    }
}

//! Counters of attempts, which the servers share.

use super::{EMAIL, Servers, at_once, sign_up};
use crate::server::{Answer, Server, credentials};
use crate::start::PASSWORD;

const GUESSER: &str = "x-forwarded-for: 192.0.2.1\r\n";
const OWNER: &str = "x-forwarded-for: 192.0.2.2\r\n";

fn log_in(server: &Server, password: &str, from: &str) -> Answer {
    server.post("/api/token", from, &credentials(EMAIL, password))
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

#[test]
fn failures_on_three_servers_lock_out_as_on_one() {
    let servers = Servers::start();
    sign_up(&servers.all[0], EMAIL);
    for server in servers.all.iter().cycle().take(9) {
        assert_eq!(log_in(server, "wrong", GUESSER).status, 401);
    }
    // A success on one server resets the counter on all.
    assert_eq!(log_in(&servers.all[1], PASSWORD, GUESSER).status, 200);
    for server in servers.all.iter().cycle().take(10) {
        assert_eq!(log_in(server, "wrong", GUESSER).status, 401);
    }
    for server in &servers.all {
        let throttled = log_in(server, PASSWORD, GUESSER);
        assert_eq!(throttled.code(), "too_many_attempts");
        let wait: u64 = throttled.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        assert_eq!(log_in(server, PASSWORD, OWNER).status, 200);
    }
}

#[test]
fn concurrent_guesses_on_three_servers_share_one_limit() {
    let servers = Servers::start();
    sign_up(&servers.all[0], EMAIL);
    let guesses = servers.all.iter().cycle().take(30);
    let answers = at_once(guesses, |server| log_in(server, "wrong", GUESSER));
    assert_eq!((count(&answers, 401), count(&answers, 429)), (10, 20));
}

#[test]
fn sign_ups_on_three_servers_share_one_limit() {
    let servers = Servers::start();
    for (number, server) in servers.all.iter().cycle().take(24).enumerate() {
        let body = credentials(&format!("user-{number}@example.com"), PASSWORD);
        let expected = if number < 20 { 201 } else { 429 };
        assert_eq!(server.post("/api/signup", GUESSER, &body).status, expected, "{number}");
    }
    assert_eq!(servers.database.sql("SELECT count(*) FROM users"), "20");
}

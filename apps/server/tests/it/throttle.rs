//! The throttle over real connections, behind a proxy, with two servers and after a restart.

use std::thread;
use std::time::Duration;

use auth_core::{Clock as _, SystemClock};
use serde_json::json;

use crate::app::{EMAIL, PASSWORD, TestApp};
use crate::second_factors::{next_code, set_up_app_at};
use crate::server::{Server, credentials};

fn log_in(server: &Server, password: &str, headers: &str) -> crate::server::Answer {
    server.post("/api/token", headers, &credentials(EMAIL, password))
}

#[test]
fn concurrent_attempts_on_two_servers_share_one_limit() {
    let mut here = TestApp::new();
    let there = here.start_another();
    here.user();
    let statuses: Vec<u16> = thread::scope(|scope| {
        let attempts: Vec<_> = (0..40)
            .map(|n| {
                let server = if n % 2 == 0 { &*here } else { &there };
                scope.spawn(move || log_in(server, "wrong", "").status)
            })
            .collect();
        attempts.into_iter().map(|attempt| attempt.join().unwrap()).collect()
    });
    let count = |status| statuses.iter().filter(|other| **other == status).count();
    assert_eq!((count(401), count(429)), (10, 30), "{statuses:?}");
    assert!(here.log().contains("too many attempts") || there.log().contains("too many attempts"));
    // Failed attempts survive a restart.
    drop(there);
    here.restart();
    let throttled = log_in(&here, PASSWORD, "");
    assert_eq!(throttled.code(), "too_many_attempts");
    let wait: u64 = throttled.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
}

#[test]
fn the_client_ip_comes_from_a_trusted_proxy() {
    let app = TestApp::with_options(&["--trusted-proxy", "127.0.0.0/8"]);
    for n in 0..30 {
        let body = credentials(&format!("user{n}@example.com"), "wrong");
        // The first address was sent by the client, and is ignored.
        let from = format!("x-forwarded-for: 203.0.113.{n}, 192.0.2.1\r\n");
        assert_eq!(app.post("/api/token", &from, &body).status, 401);
    }
    app.post("/api/signup", "x-forwarded-for: 192.0.2.2\r\n", &credentials(EMAIL, PASSWORD));
    assert_eq!(log_in(&app, PASSWORD, "x-forwarded-for: 192.0.2.1\r\n").status, 429);
    let answer = log_in(&app, PASSWORD, "x-forwarded-for: 192.0.2.2\r\n");
    let bearer = crate::server::bearer(&answer.access_token());
    let sessions = app.request("GET", "/api/sessions", &bearer).json();
    assert_eq!(sessions["sessions"][0]["ip"], "192.0.2.2");
}

#[test]
fn the_port_that_a_proxy_adds_to_the_ip_address_is_ignored() {
    let app = TestApp::with_options(&["--trusted-proxy", "127.0.0.1"]);
    app.user();
    for (forwarded, ip) in
        [("203.0.113.7:51234", "203.0.113.7"), ("192.0.2.1, [2001:db8::1]:51234", "2001:db8::1")]
    {
        let forwarded = format!("x-forwarded-for: {forwarded}\r\n");
        let answer = log_in(&app, PASSWORD, &forwarded);
        let bearer = crate::server::bearer(&answer.access_token());
        let sessions = app.request("GET", "/api/sessions", &(bearer + &forwarded)).json();
        assert_eq!(sessions["sessions"][0]["ip"], ip);
    }
    assert!(!app.log().contains("X-Forwarded-For"), "{}", app.log());
}

#[test]
fn a_proxy_that_hides_its_clients_is_a_warning_that_is_logged_once() {
    let options = ["--trusted-proxy", "127.0.0.1"];
    for (options, forwarded, warning) in [
        (&options[..], "", "sent no usable IP address"),
        (&options, "x-forwarded-for: 192.0.2.1, unknown\r\n", "entry=\"unknown\""),
        (&[], "x-forwarded-for: 192.0.2.1\r\n", "with --trusted-proxy"),
    ] {
        let app = TestApp::with_options(options);
        // Proxies send their own health checks without the header.
        assert_eq!(app.get("/readyz").status, 200);
        assert!(!app.log().contains("X-Forwarded-For"), "{}", app.log());
        for _ in 0..3 {
            app.request("GET", "/api/me", forwarded);
        }
        let log = app.log();
        let warnings = log.lines().filter(|line| line.contains("X-Forwarded-For"));
        let warnings: Vec<_> = warnings.collect();
        assert_eq!(warnings.len(), 1, "{log}");
        assert!(warnings[0].contains("WARN") && warnings[0].contains(warning), "{log}");
    }
}

#[test]
fn forwarded_headers_of_untrusted_peers_are_ignored() {
    let app = TestApp::with_options(&["--trusted-proxy", "192.0.2.0/24"]);
    for n in 0..30 {
        let headers = format!(
            "x-forwarded-for: 203.0.113.{n}\r\nx-real-ip: 203.0.113.{n}\r\nforwarded: for=203.0.113.{n}\r\n"
        );
        let body = credentials(&format!("user{n}@example.com"), "wrong");
        assert_eq!(app.post("/api/token", &headers, &body).status, 401);
    }
    assert_eq!(log_in(&app, "wrong", "x-forwarded-for: 203.0.113.99\r\n").status, 429);
}

#[test]
fn without_the_throttle_attempts_are_not_limited_and_the_log_warns() {
    let app = TestApp::with_options(&["--throttle", "off"]);
    for _ in 0..12 {
        assert_eq!(log_in(&app, "wrong", "").status, 401);
    }
    assert!(app.log().contains("WARN") && app.log().contains("--throttle off"));
}

#[test]
fn without_the_throttle_wrong_codes_are_not_limited() {
    let app = TestApp::with_options(&["--throttle", "off"]);
    let (secret, _) = set_up_app_at(&app, &app.user().log_in().token);
    let answer = log_in(&app, PASSWORD, "");
    assert_eq!(answer.code(), "second_factor_required");
    let ticket = answer.json()["ticket"].clone();
    let enter = |code: &str| {
        let body = json!({"ticket": ticket, "code": code}).to_string();
        app.post("/api/token/second-factor", "", &body)
    };
    let now = SystemClock.now();
    let around = (0..20).map(|n| now + n * Duration::from_secs(30) - Duration::from_mins(5));
    let right: Vec<_> = around.map(|at| secret.code_at(at).to_text().to_string()).collect();
    let wrong = (0..).map(|code| format!("{code:06}")).find(|code| !right.contains(code)).unwrap();
    for _ in 0..12 {
        let answer = enter(&wrong);
        assert_eq!((answer.status, answer.code()), (422, "invalid_fields".to_owned()));
        assert_eq!(answer.json()["errors"][0]["code"], "code_wrong");
    }
    assert_eq!(enter(&next_code(&secret)).status, 200);
}

//! Sessions over real connections and across restarts.

use crate::app::{EMAIL, PASSWORD, TestApp};
use crate::operator::success;
use crate::server::{Server, bearer, credentials};

fn log_in(server: &Server, headers: &str) -> crate::server::Answer {
    server.post("/api/token", headers, &credentials(EMAIL, PASSWORD))
}

#[test]
fn a_refresh_survives_kill_9_and_its_lost_response_can_be_repeated() {
    let mut app = TestApp::with_public_url();
    app.user();
    let first = log_in(&app, "").cookie();
    let lost = app.refresh(&first);
    assert_eq!(lost.status, 200);
    app.restart();
    let again = app.refresh(&first);
    assert_eq!((again.status, again.cookie()), (200, lost.cookie()));
    assert_eq!(app.me(&again.access_token()).status, 200);
    let audit_log = success(&app.operator().audit(&[]));
    assert_eq!(audit_log.matches("refresh_token_repeated").count(), 1, "{audit_log}");
}

#[test]
fn a_refresh_token_repeated_by_another_program_ends_the_session() {
    let app = TestApp::new();
    app.user();
    let copied = log_in(&app, "user-agent: Browser/1.0\r\n").cookie();
    let refresh_as = |user_agent: &str| {
        let headers = format!("cookie: {copied}\r\nuser-agent: {user_agent}\r\n");
        app.post("/api/token/refresh", &headers, "{}")
    };
    let refreshed = refresh_as("Browser/1.0");
    assert_eq!(refresh_as("curl/8.5.0").code(), "invalid_refresh_token");
    assert_eq!(app.me(&refreshed.access_token()).code(), "invalid_token");
    let audit_log = success(&app.operator().audit(&[]));
    assert!(audit_log.lines().last().unwrap().contains("refresh_token_reused"), "{audit_log}");
    assert!(audit_log.ends_with("\"curl/8.5.0\"  -\n"), "{audit_log}");
    let log = app.log();
    assert!(log.contains("another user agent has used it"), "{log}");
}

#[test]
fn reuse_is_detected_across_a_restart() {
    let mut app = TestApp::with_public_url();
    app.user();
    let first = log_in(&app, "").cookie();
    let second = app.refresh(&first).cookie();
    let third = app.refresh(&second);
    app.restart();
    assert_eq!(app.refresh(&first).code(), "invalid_refresh_token");
    assert_eq!(app.me(&third.access_token()).code(), "invalid_token");
    assert_eq!(app.refresh(&third.cookie()).code(), "invalid_refresh_token");
    assert!(app.log().contains("a refresh token was reused"));
}

#[test]
fn concurrent_refreshes_on_two_servers_get_the_same_successor() {
    let here = TestApp::with_public_url();
    let there = here.start_another();
    let first = here.user().log_in().cookie;
    let answers = std::thread::scope(|scope| {
        let refreshes: Vec<_> = (0..20)
            .map(|n| (if n % 2 == 0 { &*here } else { &there }, &first))
            .map(|(server, first)| scope.spawn(move || server.refresh(first)))
            .collect();
        refreshes.into_iter().map(|refresh| refresh.join().unwrap()).collect::<Vec<_>>()
    });
    for answer in &answers {
        assert_eq!((answer.status, answer.cookie()), (200, answers[0].cookie()));
        assert_eq!(here.me(&answer.access_token()).status, 200);
    }
}

#[test]
fn the_cookie_is_secure_with_an_https_public_url() {
    for (app, prefix, secure) in [
        (TestApp::with_public_url(), "__Host-latchkey_refresh=", true),
        (TestApp::new(), "latchkey_refresh=", false),
    ] {
        app.user();
        let cookie = log_in(&app, "").header("set-cookie").unwrap().to_owned();
        assert!(cookie.starts_with(prefix), "{cookie}");
        assert_eq!(cookie.contains("; Secure"), secure, "{cookie}");
    }
}

#[test]
fn a_session_is_listed_with_its_ip_address_and_user_agent() {
    let app = TestApp::new();
    app.user();
    // X-Forwarded-For is ignored, because no proxy is trusted.
    let issued = log_in(&app, "user-agent: Browser/1.0\r\nx-forwarded-for: 203.0.113.1\r\n");
    let listed = app.request("GET", "/api/sessions", &bearer(&issued.access_token())).json();
    let session = &listed["sessions"][0];
    assert_eq!(
        (&session["ip"], &session["user_agent"]),
        (&"127.0.0.1".into(), &"Browser/1.0".into())
    );
}

#[test]
fn an_access_token_does_not_outlive_its_session() {
    let limits = ["--session-idle-timeout", "1m", "--session-lifetime", "2m"];
    let app = TestApp::with_options(&limits);
    app.user();
    let issued = log_in(&app, "");
    assert_eq!(issued.json()["expires_in"], 60);
}

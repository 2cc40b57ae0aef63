//! `latchkey audit`, and the absence of secrets in the audit log and the server's log.

use serde_json::Value;
use tempfile::TempDir;

use crate::app::{EMAIL, PASSWORD, TestApp};
use crate::operator::{Operator, failure, json, success};
use crate::server::{Server, bearer, credentials};

const NEW_PASSWORD: &str = "a short swim in the river";

fn audit(folder: &TempDir, arguments: &[&str]) -> std::process::Output {
    Operator::new(folder).run("audit", arguments, "")
}

fn events(folder: &TempDir, arguments: &[&str]) -> Vec<Value> {
    let printed = success(&audit(folder, &[&["--json"], arguments].concat()));
    printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

fn user_id(folder: &TempDir) -> String {
    let shown = json(&Operator::new(folder).run("users", &["show", EMAIL, "--json"], ""));
    shown["id"].as_str().unwrap().to_owned()
}

#[test]
fn events_have_their_time_actor_account_and_client() {
    let app = TestApp::new();
    let ada = app.user();
    app.post("/api/token", "user-agent: guesser/1\r\n", &credentials(EMAIL, "wrong"));
    app.post("/api/token", "", &credentials("nobody@example.com", PASSWORD));
    let token = ada.log_in().token;
    app.post("/api/logout", &bearer(&token), "{}");
    let operator = app.operator();
    success(&operator.run("users", &["disable", EMAIL], ""));
    success(&operator.run("keys", &["rotate"], ""));
    let (all, id) = (events(&app.folder, &[]), user_id(&app.folder));
    assert_eq!(
        kinds(&all),
        [
            "account_created",
            "sign_in_failed",
            "sign_in_failed",
            "signed_in",
            "signed_out",
            "account_disabled",
            "signing_key_rotated",
        ]
    );
    assert_eq!((&all[1]["ip"], &all[1]["user_agent"]), (&"127.0.0.1".into(), &"guesser/1".into()));
    assert_eq!((&all[1]["user_id"], &all[2]["user_id"]), (&id.clone().into(), &Value::Null));
    assert_eq!(all[3]["session_id"], all[4]["session_id"]);
    let actors: Vec<_> = all.iter().map(|event| event["actor"].as_str().unwrap()).collect();
    assert_eq!(actors, [&["user"; 5][..], &["operator"; 2]].concat());
    assert_eq!(events(&app.folder, &["--user", EMAIL]).len(), 5);
    assert_eq!(events(&app.folder, &["--user", &id]).len(), 5);
    assert_eq!(events(&app.folder, &["--since", "1h"]).len(), 7);
    let text = success(&app.operator().audit(&[]));
    assert_eq!(text.lines().count(), 7);
    assert!(text.contains("127.0.0.1  \"guesser/1\""), "{text}");
    let line = failure(&app.operator().audit(&["--user", "nobody@example.com"]));
    assert!(line.contains("nobody@example.com"), "{line}");
}

#[test]
fn events_of_a_deleted_account_are_found_by_its_id() {
    let app = TestApp::new();
    let ada = app.user();
    let (token, id) = (ada.log_in().token, user_id(&app.folder));
    let body = format!(r#"{{"password":"{PASSWORD}"}}"#);
    assert_eq!(app.send_json("DELETE", "/api/me", &bearer(&token), &body).status, 204);
    let found = events(&app.folder, &["--user", &id]);
    assert_eq!((kinds(&found), events(&app.folder, &[]).len()), (vec!["account_deleted"], 1));
    assert_eq!((&found[0]["ip"], &found[0]["user_agent"]), (&Value::Null, &Value::Null));
}

/// Sends valid and invalid requests with secrets in all fields, and returns the secrets.
fn use_secrets(server: &Server, folder: &TempDir) -> Vec<String> {
    let mut secrets = vec![PASSWORD.to_owned(), NEW_PASSWORD.to_owned(), "canary".to_owned()];
    server.sign_up(EMAIL, PASSWORD);
    server.sign_up(EMAIL, "canary in a taken sign-up");
    server.sign_up("canary@", "canary");
    // A password in the email field.
    server.post("/api/token", "", &credentials("canary-typed-as-email", PASSWORD));
    server.post("/api/token", "", &credentials(EMAIL, "canary wrong password"));
    server.post("/api/token", "", r#"{"email":"ada@example.com","password":"canary","canary":1}"#);
    server.post("/api/token?password=canary", "", "{canary");
    let issued = server.post("/api/token", "", &credentials(EMAIL, PASSWORD));
    let device =
        issued.head.lines().find_map(|line| line.split_once("latchkey_device=")).unwrap().1;
    let device = format!("latchkey_device={}", device.split(';').next().unwrap());
    let (token, cookie) = (issued.access_token(), issued.cookie());
    let known = format!("cookie: {device}; {cookie}\r\n");
    server.post("/api/token", &known, &credentials(EMAIL, "canary from a known browser"));
    let refreshed = server.refresh(&cookie);
    server.refresh(&refreshed.cookie());
    server.refresh(&cookie);
    server.refresh("latchkey_refresh=canary");
    server.me("canary");
    server.me(&format!("{token}canary"));
    let again = server.log_in(EMAIL, PASSWORD);
    for (current, new) in [("canary", NEW_PASSWORD), (PASSWORD, "canary"), (PASSWORD, NEW_PASSWORD)]
    {
        let body = format!(r#"{{"current_password":"{current}","new_password":"{new}"}}"#);
        server.send_json("PUT", "/api/me/password", &bearer(&again), &body);
    }
    server.send_json("DELETE", "/api/me", &bearer(&again), r#"{"password":"canary"}"#);
    server.get(&format!("/login?next=/private&token={token}&canary"));
    server.request("GET", "/", "referer: http://x/?canary\r\nx-canary: canary\r\n");
    let operator = Operator::new(folder);
    operator.run("users", &["set-password", EMAIL], "canary\n");
    success(&operator.run("users", &["set-password", EMAIL], "canary of an operator\n"));
    let cookies = [&cookie, &refreshed.cookie(), &device];
    secrets.extend(cookies.map(|cookie| cookie.split_once('=').unwrap().1.to_owned()));
    let tokens = [token, again, refreshed.access_token()];
    secrets.extend(tokens.iter().flat_map(|token| token.split('.')).map(str::to_owned));
    secrets
}

#[test]
fn no_secret_is_in_the_log_the_audit_log_or_the_database() {
    let mut app = TestApp::new();
    let secrets = use_secrets(&app, &app.folder);
    let audit_log =
        success(&app.operator().audit(&["--json"])) + &success(&app.operator().audit(&[]));
    let log = app.log();
    assert!(audit_log.contains("refresh_token_reused") && log.contains("was reused"));
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} is in the log: {log}");
        assert!(!audit_log.contains(&secret), "{secret} is in the audit log: {audit_log}");
    }
    assert!(!audit_log.contains(EMAIL) && !log.contains(EMAIL));
    app.signal("TERM");
    app.wait();
    let file = std::fs::read(app.database()).unwrap();
    let file = String::from_utf8_lossy(&file);
    assert!(!file.contains("canary") && file.contains("sign_in_failed"));
}

#[test]
fn a_user_agent_cannot_forge_an_event() {
    let app = TestApp::new();
    let name = "a\u{9b}31m\u{202e}\tb  2026-01-01T00:00:00Z  signed_in \u{85}c";
    let headers = format!("user-agent: {name}\r\n");
    app.post("/api/token", &headers, &credentials(EMAIL, PASSWORD));
    let (printed, json) = (success(&app.operator().audit(&[])), events(&app.folder, &[]));
    assert_eq!((printed.lines().count(), json.len()), (1, 1));
    for text in [printed.trim_end(), &json[0].to_string()] {
        assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text:?}");
    }
    let log = app.log();
    assert!(log.chars().all(|c| c == '\n' || !c.is_control()), "{log}");
}

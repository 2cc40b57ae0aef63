//! `latchkey audit`, beside the server, and what neither it nor the log ever holds.

use serde_json::Value;
use tempfile::TempDir;

use crate::operator::{Operator, done, json, refused};
use crate::server::{Server, bearer, credentials};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "a long walk along the sea";
const NEW: &str = "a short swim in the river";

fn audit(folder: &TempDir, arguments: &[&str]) -> std::process::Output {
    Operator::on(folder).run("audit", arguments, "")
}

fn events(folder: &TempDir, arguments: &[&str]) -> Vec<Value> {
    let printed = done(&audit(folder, &[&["--json"], arguments].concat()));
    printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

fn user_id(folder: &TempDir) -> String {
    let shown = json(&Operator::on(folder).run("users", &["show", EMAIL, "--json"], ""));
    shown["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_operator_reads_who_did_what_when_and_from_where() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    server.sign_up(EMAIL, PASSWORD);
    server.post("/api/token", "user-agent: guesser/1\r\n", &credentials(EMAIL, "wrong"));
    server.post("/api/token", "", &credentials("nobody@example.com", PASSWORD));
    let token = server.log_in(EMAIL, PASSWORD);
    server.post("/api/logout", &bearer(&token), "{}");
    let operator = Operator::on(&folder);
    done(&operator.run("users", &["disable", EMAIL], ""));
    done(&operator.run("keys", &["rotate"], ""));
    let (all, id) = (events(&folder, &[]), user_id(&folder));
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
    assert_eq!(events(&folder, &["--user", EMAIL]).len(), 5);
    assert_eq!(events(&folder, &["--user", &id]).len(), 5);
    assert_eq!(events(&folder, &["--since", "1h"]).len(), 7);
    let text = done(&audit(&folder, &[]));
    assert_eq!(text.lines().count(), 7);
    assert!(text.contains("127.0.0.1  \"guesser/1\""), "{text}");
    let line = refused(&audit(&folder, &["--user", "nobody@example.com"]));
    assert!(line.contains("nobody@example.com"), "{line}");
}

#[test]
fn of_a_deleted_account_its_deletion_is_found_by_its_id() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    server.sign_up(EMAIL, PASSWORD);
    let (token, id) = (server.log_in(EMAIL, PASSWORD), user_id(&folder));
    let body = format!(r#"{{"password":"{PASSWORD}"}}"#);
    assert_eq!(server.send_json("DELETE", "/api/me", &bearer(&token), &body).status, 204);
    let left = events(&folder, &["--user", &id]);
    assert_eq!((kinds(&left), events(&folder, &[]).len()), (vec!["account_deleted"], 1));
    assert_eq!((&left[0]["ip"], &left[0]["user_agent"]), (&Value::Null, &Value::Null));
}

/// Does everything there is to do with secrets in it, right and wrong, and where none belong.
/// Answers them all.
fn with_secrets(server: &Server, folder: &TempDir) -> Vec<String> {
    let mut secrets = vec![PASSWORD.to_owned(), NEW.to_owned(), "canary".to_owned()];
    server.sign_up(EMAIL, PASSWORD);
    server.sign_up(EMAIL, "canary in a taken sign-up");
    server.sign_up("canary@", "canary");
    // A password typed where the e-mail belongs.
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
    let renewed = server.refresh(&cookie);
    server.refresh(&renewed.cookie());
    server.refresh(&cookie);
    server.refresh("latchkey_refresh=canary");
    server.me("canary");
    server.me(&format!("{token}canary"));
    let again = server.log_in(EMAIL, PASSWORD);
    for (current, new) in [("canary", NEW), (PASSWORD, "canary"), (PASSWORD, NEW)] {
        let body = format!(r#"{{"current_password":"{current}","new_password":"{new}"}}"#);
        server.send_json("PUT", "/api/me/password", &bearer(&again), &body);
    }
    server.send_json("DELETE", "/api/me", &bearer(&again), r#"{"password":"canary"}"#);
    server.get(&format!("/login?next=/private&token={token}&canary"));
    server.request("GET", "/", "referer: http://x/?canary\r\nx-canary: canary\r\n");
    let operator = Operator::on(folder);
    operator.run("users", &["set-password", EMAIL], "canary\n");
    done(&operator.run("users", &["set-password", EMAIL], "canary of an operator\n"));
    let cookies = [&cookie, &renewed.cookie(), &device];
    secrets.extend(cookies.map(|cookie| cookie.split_once('=').unwrap().1.to_owned()));
    let tokens = [token, again, renewed.access_token()];
    secrets.extend(tokens.iter().flat_map(|token| token.split('.')).map(str::to_owned));
    secrets
}

#[test]
fn no_secret_reaches_the_log_or_the_trail() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(&folder, &[]);
    let secrets = with_secrets(&server, &folder);
    let trail = done(&audit(&folder, &["--json"])) + &done(&audit(&folder, &[]));
    let log = server.log();
    assert!(trail.contains("refresh_token_reused") && log.contains("used again"));
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} is in the log: {log}");
        assert!(!trail.contains(&secret), "{secret} is in the trail: {trail}");
    }
    assert!(!trail.contains(EMAIL) && !log.contains(EMAIL));
    // Nor is what was typed kept anywhere else.
    server.signal("TERM");
    server.wait();
    let file = std::fs::read(folder.path().join("latchkey.db")).unwrap();
    let file = String::from_utf8_lossy(&file);
    assert!(!file.contains("canary") && file.contains("sign_in_failed"));
}

#[test]
fn what_a_client_calls_itself_forges_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    let name = "a\u{9b}31m\u{202e}\tb  2026-01-01T00:00:00Z  signed_in \u{85}c";
    let headers = format!("user-agent: {name}\r\n");
    server.post("/api/token", &headers, &credentials(EMAIL, PASSWORD));
    let (printed, json) = (done(&audit(&folder, &[])), events(&folder, &[]));
    assert_eq!((printed.lines().count(), json.len()), (1, 1));
    for text in [printed.trim_end(), &json[0].to_string()] {
        assert!(!text.chars().any(|c| c.is_control() || c == '\u{202e}'), "{text:?}");
    }
    let log = server.log();
    assert!(log.chars().all(|c| c == '\n' || !c.is_control()), "{log}");
}

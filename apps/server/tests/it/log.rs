//! What the log says, and what it never says.

use std::io::Write as _;

use crate::server::{Server, bearer, credentials};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "a long walk along the sea";
const NEW: &str = "a short swim in the river";

/// Does what leaves something in the log; answers the secrets that must not be in it.
fn busy(server: &Server) -> Vec<String> {
    server.sign_up(EMAIL, PASSWORD);
    let issued = server.post("/api/token", "", &credentials(EMAIL, PASSWORD));
    let (token, cookie) = (issued.access_token(), issued.cookie());
    server.me(&token);
    let renewed = server.refresh(&cookie);
    server.refresh(&renewed.cookie());
    // A copy: the session ends, and the log says so.
    assert_eq!(server.refresh(&cookie).code(), "invalid_refresh_token");
    let again = server.log_in(EMAIL, PASSWORD);
    let wrong = format!(r#"{{"current_password":"wrong {PASSWORD}","new_password":"{NEW}"}}"#);
    server.send_json("PUT", "/api/me/password", &bearer(&again), &wrong);
    let right = format!(r#"{{"current_password":"{PASSWORD}","new_password":"{NEW}"}}"#);
    server.send_json("PUT", "/api/me/password", &bearer(&again), &right);
    server.post(
        "/api/token",
        "",
        &format!(r#"{{"email":"{EMAIL}","password":"wrong {PASSWORD}"}}"#),
    );
    server.get(&format!("/login?next=/private&token={token}"));
    // Control characters as they are: U+009B is what terminals take for the start of a command.
    server.send(b"GET /\xc2\x9b31m\xc2\x85forged HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    server.post("/api/logout", &bearer(&again), "{}");
    let cookies = [cookie, renewed.cookie()].map(|cookie| cookie[17..].to_owned());
    let tokens = [token, again, renewed.access_token()];
    let parts = tokens.iter().flat_map(|token| token.split('.')).map(str::to_owned);
    parts.chain(cookies).collect()
}

#[test]
fn no_secret_no_address_and_no_query_string_is_logged() {
    for format in ["text", "json"] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&folder, &["--log-format", format]);
        let secrets = busy(&server);
        let log = server.log();
        let others = [PASSWORD, NEW, EMAIL, "next=", "pbkdf2-sha256$", "latchkey_refresh"];
        for secret in secrets.iter().map(String::as_str).chain(others) {
            assert!(!log.contains(secret), "{secret} in {log}");
        }
        for event in [
            "signed up",
            "signed in",
            "a wrong password was given",
            "signed out",
            "changed the password",
            "used again",
        ] {
            assert!(log.contains(event), "{event}: {log}");
        }
        let is_plain = |c: char| c == '\n' || !c.is_control();
        assert!(log.chars().all(is_plain) && log.contains("forged"), "{log}");
    }
}

#[test]
fn a_records_request_id_is_the_one_in_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    let answer = server.sign_up(EMAIL, PASSWORD);
    let id = answer.header("x-request-id").unwrap();
    let log = server.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains(id)).collect();
    assert!(lines.iter().any(|line| line.contains("signed up")), "{log}");
    assert!(lines.iter().any(|line| line.contains("status=201")), "{log}");
}

#[test]
fn a_request_whose_client_goes_away_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    server.sign_up(EMAIL, PASSWORD);
    let token = server.log_in(EMAIL, PASSWORD);
    let database = rusqlite::Connection::open(folder.path().join("latchkey.db")).unwrap();
    // Nobody else writes for as long as this is not committed.
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut stream = server.connect();
    let (head, bearer) = ("POST /api/logout HTTP/1.1\r\nhost: x\r\n", bearer(&token));
    let rest =
        "content-type: application/json\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n{}";
    stream.write_all(format!("{head}{bearer}{rest}").as_bytes()).unwrap();
    // Who closes a connection in which there is something unread breaks it off.
    stream.peek(&mut [0]).unwrap();
    drop(stream);
    server.wait_for("what was given up", |log| log.contains("given up"));
}

#[test]
fn json_is_one_object_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &["--log-format", "json"]);
    busy(&server);
    let log = server.log();
    assert!(log.lines().count() > 5);
    for line in log.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(record["level"].is_string(), "{line}");
        let time = record["timestamp"].as_str().unwrap();
        assert!(time.starts_with("20") && time.ends_with('Z'), "RFC 3339 in UTC: {line}");
    }
}

#[test]
fn a_log_that_nobody_reads_is_no_reason_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_unheard(&folder);
    assert_eq!(server.sign_up(EMAIL, PASSWORD).status, 201);
    server.log_in(EMAIL, PASSWORD);
}

#[test]
fn a_record_says_from_where_and_why_not() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &["--trusted-proxy", "127.0.0.1"]);
    let forwarded = "x-forwarded-for: 192.0.2.7\r\n";
    let answer = server.post("/api/token", forwarded, &credentials(EMAIL, PASSWORD));
    let (log, id) = (server.log(), answer.header("x-request-id").unwrap());
    let refused = log.lines().find(|line| line.contains(id) && line.contains("refused")).unwrap();
    assert!(refused.contains("ip=192.0.2.7") && refused.contains("InvalidCredentials"), "{log}");
}

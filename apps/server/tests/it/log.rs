//! What the log says, and what it never says.

use crate::server::Server;

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "a long walk along the sea";

fn busy(server: &Server) -> String {
    server.sign_up(EMAIL, PASSWORD);
    let token = server.log_in(EMAIL, PASSWORD);
    server.me(&token);
    server.post(
        "/api/token",
        "",
        &format!(r#"{{"email":"{EMAIL}","password":"wrong {PASSWORD}"}}"#),
    );
    server.get(&format!("/login?next=/private&token={token}"));
    // Control characters as they are: U+009B is what terminals take for the start of a command.
    server.send(b"GET /\xc2\x9b31m\xc2\x85forged HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    server.post("/api/logout", &format!("authorization: Bearer {token}\r\n"), "{}");
    token
}

#[test]
fn no_secret_no_address_and_no_query_string_is_logged() {
    for format in ["text", "json"] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&folder, &["--log-format", format]);
        let token = busy(&server);
        let log = server.log();
        for secret in [PASSWORD, EMAIL, "next=", "pbkdf2-sha256$"] {
            assert!(!log.contains(secret), "{secret} in {log}");
        }
        assert!(token.split('.').all(|part| !log.contains(part)), "{log}");
        assert!(log.contains("signed up") && log.contains("signed out"), "{log}");
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
fn json_is_one_object_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &["--log-format", "json"]);
    busy(&server);
    let log = server.log();
    assert!(log.lines().count() > 5);
    for line in log.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(record["timestamp"].is_string() && record["level"].is_string(), "{line}");
    }
}

#[test]
fn a_log_that_nobody_reads_is_no_reason_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_unheard(&folder);
    assert_eq!(server.sign_up(EMAIL, PASSWORD).status, 201);
    server.log_in(EMAIL, PASSWORD);
}

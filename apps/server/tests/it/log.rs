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
    server.get("/%0aforged%1b[31m");
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

//! The log on stderr.

use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read as _, Write as _};
use std::net::TcpListener;
use std::process::Stdio;

use crate::app::{EMAIL, PASSWORD, TestApp};
use crate::server::{Server, bearer, credentials};

const NEW_PASSWORD: &str = "a short swim in the river";

/// Sends requests that are logged, and returns the secrets in them.
fn use_secrets(server: &Server) -> Vec<String> {
    server.sign_up(EMAIL, PASSWORD);
    let issued = server.post("/api/token", "", &credentials(EMAIL, PASSWORD));
    let (token, cookie) = (issued.access_token(), issued.cookie());
    server.me(&token);
    let refreshed = server.refresh(&cookie);
    server.refresh(&refreshed.cookie());
    // Reuse ends the session and is logged.
    assert_eq!(server.refresh(&cookie).code(), "invalid_refresh_token");
    let again = server.log_in(EMAIL, PASSWORD);
    let wrong =
        format!(r#"{{"current_password":"wrong {PASSWORD}","new_password":"{NEW_PASSWORD}"}}"#);
    server.send_json("PUT", "/api/me/password", &bearer(&again), &wrong);
    let right = format!(r#"{{"current_password":"{PASSWORD}","new_password":"{NEW_PASSWORD}"}}"#);
    server.send_json("PUT", "/api/me/password", &bearer(&again), &right);
    server.post(
        "/api/token",
        "",
        &format!(r#"{{"email":"{EMAIL}","password":"wrong {PASSWORD}"}}"#),
    );
    server.get(&format!("/login?next=/private&token={token}"));
    // Control characters. Terminals interpret U+009B as the start of a command.
    server.send(b"GET /\xc2\x9b31m\xc2\x85forged HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    server.post("/api/logout", &bearer(&again), "{}");
    let cookies = [cookie, refreshed.cookie()].map(|cookie| cookie[17..].to_owned());
    let tokens = [token, again, refreshed.access_token()];
    let parts = tokens.iter().flat_map(|token| token.split('.')).map(str::to_owned);
    parts.chain(cookies).collect()
}

#[test]
fn secrets_email_addresses_and_query_strings_are_not_logged() {
    for format in ["text", "json"] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&folder, &["--log-format", format]);
        let secrets = use_secrets(&server);
        let log = server.log();
        let others = [PASSWORD, NEW_PASSWORD, EMAIL, "next=", "pbkdf2-sha256$", "latchkey_refresh"];
        for secret in secrets.iter().map(String::as_str).chain(others) {
            assert!(!log.contains(secret), "{secret} in {log}");
        }
        for message in [
            "account created",
            "signed in",
            "wrong password, or unknown or disabled account",
            "signed out",
            "changed the password",
            "was reused",
        ] {
            assert!(log.contains(message), "{message}: {log}");
        }
        let is_plain = |c: char| c == '\n' || !c.is_control();
        assert!(log.chars().all(is_plain) && log.contains("forged"), "{log}");
    }
}

#[test]
fn records_have_the_request_id_of_the_response() {
    let app = TestApp::new();
    let answer = app.sign_up(EMAIL, PASSWORD);
    let id = answer.header("x-request-id").unwrap();
    let log = app.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains(id)).collect();
    assert!(lines.iter().any(|line| line.contains("account created")), "{log}");
    assert!(lines.iter().any(|line| line.contains("status=201")), "{log}");
}

#[test]
fn a_request_whose_client_disconnects_is_logged() {
    let app = TestApp::new();
    let ada = app.user();
    let token = ada.log_in().token;
    let database = rusqlite::Connection::open(app.database()).unwrap();
    // The log-out waits for this transaction.
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut stream = app.connect();
    let (head, bearer) = ("POST /api/logout HTTP/1.1\r\nhost: x\r\n", bearer(&token));
    let rest =
        "content-type: application/json\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n{}";
    stream.write_all(format!("{head}{bearer}{rest}").as_bytes()).unwrap();
    // Closing a socket with unread data resets the connection.
    stream.peek(&mut [0]).unwrap();
    drop(stream);
    app.wait_for("the disconnect", |log| log.contains("client disconnected"));
}

#[test]
fn a_json_log_has_one_object_per_line() {
    let app = TestApp::with_options(&["--log-format", "json"]);
    use_secrets(&app);
    let log = app.log();
    assert!(log.lines().count() > 5);
    for line in log.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(record["level"].is_string(), "{line}");
        let time = record["timestamp"].as_str().unwrap();
        assert!(time.starts_with("20") && time.ends_with('Z'), "RFC 3339 in UTC: {line}");
    }
}

#[test]
fn a_closed_log_does_not_stop_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let (server, log) = Server::start_with_log_pipe(&folder);
    drop(log);
    assert_eq!(server.sign_up(EMAIL, PASSWORD).status, 201);
    server.log_in(EMAIL, PASSWORD);
}

/// A pipe holds 64 KiB, and the server's buffer 1 MiB.
#[test]
fn an_unread_log_delays_neither_requests_nor_shutdown() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, mut log) = Server::start_with_log_pipe(&folder);
    let path = format!("/{}", "x".repeat(500));
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
    let last_request = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let requests = format!("{}{last_request}", request.repeat(100));
    for _ in 0..40 {
        assert!(server.send(requests.as_bytes()).closed);
    }
    // Read the log up to the report of the dropped lines.
    let mut text = vec![0; 2 * 1024 * 1024];
    let mut length = 0;
    while !String::from_utf8_lossy(&text[..length]).contains("log lines were dropped") {
        let read = log.read(&mut text[length..]).unwrap();
        assert!(read > 0, "the report is in the log");
        length += read;
        if length == read {
            // Log another line, now that the buffer has space.
            server.get("/healthz");
        }
    }
    for _ in 0..40 {
        server.send(requests.as_bytes());
    }
    server.signal("TERM");
    assert_eq!(server.wait(), Some(0));
}

/// Returns a pipe that is full: a write to it blocks until somebody reads.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    while writer.write(&[b'x'; 4_096]).is_ok() {}
    while writer.write(b"x").is_ok() {}
    rustix::io::ioctl_fionbio(&writer, false).unwrap();
    (reader, writer)
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// As in a terminal that was stopped with Ctrl-S before the server started.
#[test]
fn a_server_whose_output_blocks_from_the_start_serves_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let (_reader, writer) = full_pipe();
    let output = [writer.try_clone().unwrap(), writer].map(Stdio::from);
    let mut server = Server::start_with_output(&free_address(), &folder, output);
    server.wait_until_ready();
    assert_eq!(server.sign_up(EMAIL, PASSWORD).status, 201);
    server.signal("TERM");
    assert_eq!(server.wait_for_exit(), Some(0));
}

#[test]
fn a_server_whose_output_is_closed_serves_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let closed = || Stdio::from(std::io::pipe().unwrap().1);
    let mut server = Server::start_with_output(&free_address(), &folder, [closed(), closed()]);
    server.wait_until_ready();
    assert_eq!(server.sign_up(EMAIL, PASSWORD).status, 201);
    server.signal("TERM");
    assert_eq!(server.wait_for_exit(), Some(0));
}

#[test]
fn an_address_that_cannot_be_printed_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let log = File::create(folder.path().join("log")).unwrap();
    let stdout = File::options().write(true).open("/dev/full").unwrap();
    let output = [Stdio::from(stdout), Stdio::from(log)];
    let server = Server::start_with_output(&free_address(), &folder, output);
    server.wait_for("the warning", |log| log.contains("could not print the address"));
    assert_eq!(server.get("/healthz").status, 200);
}

#[test]
fn an_error_that_cannot_be_printed_does_not_prevent_the_exit() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("latchkey.db")).unwrap();
    let (_reader, writer) = full_pipe();
    let output = [Stdio::null(), Stdio::from(writer)];
    let mut server = Server::start_with_output(&free_address(), &folder, output);
    assert_eq!(server.wait_for_exit(), Some(1));
}

#[test]
fn the_origins_of_a_rejected_request_are_logged_escaped_and_truncated() {
    let app = TestApp::new();
    let send = |headers: &str| {
        let answer = app.post("/api/token", headers, &credentials(EMAIL, PASSWORD));
        assert_eq!(answer.code(), "forbidden_origin");
        answer
    };
    let answer = send("origin: http://evil.example\r\n");
    let port = app.address.rsplit_once(':').unwrap().1;
    let own = format!("http://localhost:{port}");
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains(&own) && detail.contains("set its public URL"), "{detail}");
    let id = answer.header("x-request-id").unwrap();
    let log = app.log();
    let mut records = log.lines().filter(|line| line.contains(id));
    assert!(
        records.any(|line| line.contains(&own) && line.contains("http://evil.example")),
        "{log}"
    );
    send(&format!("origin: \u{9b}31m{}\r\n", "x".repeat(10_000)));
    send("sec-fetch-site: cross-site\r\n");
    let log = app.log();
    assert!(log.contains("31mxxx") && !log.contains(&"x".repeat(300)), "{log}");
    assert!(log.chars().all(|c| c == '\n' || !c.is_control()), "{log}");
    assert!(log.contains("cross-site"), "{log}");
}

#[test]
fn long_paths_and_methods_are_truncated() {
    let app = TestApp::new();
    app.get(&format!("/{}", "x".repeat(10_000)));
    let method = "M".repeat(10_000);
    app.request(&method, "/", "");
    let log = app.log();
    assert!(log.contains(&"M".repeat(32)) && !log.contains(&"M".repeat(33)), "{log}");
    assert!(log.contains(&"x".repeat(500)) && !log.contains(&"x".repeat(1_000)), "{log}");
}

#[test]
fn the_record_of_a_rejected_request_has_the_ip_address_and_the_reason() {
    let app = TestApp::with_options(&["--trusted-proxy", "127.0.0.1"]);
    let forwarded = "x-forwarded-for: 192.0.2.7\r\n";
    let answer = app.post("/api/token", forwarded, &credentials(EMAIL, PASSWORD));
    let (log, id) = (app.log(), answer.header("x-request-id").unwrap());
    let record = log.lines().find(|line| line.contains(id) && line.contains("rejected")).unwrap();
    assert!(record.contains("ip=192.0.2.7") && record.contains("invalid_credentials"), "{log}");
}

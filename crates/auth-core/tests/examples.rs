//! Tests of the examples.

#![cfg(all(feature = "foreign", feature = "system", feature = "token"))]
#![expect(clippy::unwrap_used, reason = "a failed test panics")]

#[expect(dead_code, reason = "each test needs some parts of it")]
#[path = "../../accounts/tests/support/example.rs"]
mod example;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use auth_core::{
    AccessTokens, Amr, Clock as _, NewAccessToken, OpenSession, Roles, Session, SessionPolicy,
    SigningKey, SystemClock, SystemRandom, UserId,
};
use example::{Example, binary};
use serde_json::{Value, json};

/// Responds to every request with this document until the test ends.
fn serve(listener: TcpListener, document: String) {
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4_096]);
            let length = document.len();
            let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}");
            let _ = write!(stream, "{head}\r\n\r\n{document}");
        }
    });
}

fn issuer(url: &str) -> AccessTokens {
    let keys = vec![SigningKey::generate(&SystemRandom)];
    AccessTokens::new(url, Duration::from_mins(5), keys).unwrap()
}

fn issue(tokens: &AccessTokens, user: UserId) -> String {
    let now = SystemClock.now();
    let policy = SessionPolicy::default();
    let session =
        OpenSession { user_id: user, remember: false, amr: Amr::PASSWORD, policy: &policy };
    let session = Session::open(session, now, &SystemRandom);
    let roles = Roles::from_text("admin");
    tokens
        .issue(&NewAccessToken { roles, ..NewAccessToken::new(&session) }, now, &SystemRandom)
        .unwrap()
        .token
        .as_str()
        .to_owned()
}

#[test]
fn the_service_accepts_only_tokens_of_the_issuer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tokens, forged) = (issuer(&url), issuer(&url));
    serve(listener, serde_json::to_string(tokens.jwks()).unwrap());
    let ada = UserId::generate(SystemClock.now(), &SystemRandom);
    let service = Example::start("check_tokens", &[("ISSUER", &url)]);
    let get = |token: &str| service.send("GET", "/private", token, "");
    let (status, body) = get(&issue(&tokens, ada));
    let user: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, user), (200, json!({ "user": ada.to_string(), "roles": ["admin"] })));
    assert_eq!(get(&issue(&forged, ada)).0, 401);
    assert_eq!(get("").0, 401);
    let answer = service.exchange("GET", "/private", "", "");
    assert_eq!(
        (answer.status, answer.header("www-authenticate")),
        (401, Some("Bearer realm=\"app\""))
    );
}

#[test]
fn the_service_does_not_start_with_an_issuer_that_no_token_has() {
    let mut command = Command::new(binary("check_tokens"));
    let output = command.env("ISSUER", "https://auth.example.com/").output().unwrap();
    let line = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && line.contains("without a slash at the end"), "{line}");
}

#[test]
fn without_keys_the_service_responds_with_503() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{closed}");
    let ada = UserId::generate(SystemClock.now(), &SystemRandom);
    let service = Example::start("check_tokens", &[("ISSUER", &url)]);
    assert_eq!(service.send("GET", "/private", &issue(&issuer(&url), ada), "").0, 503);
    assert_eq!(service.send("GET", "/private", "nonsense", "").0, 401);
}

fn hash(lines: &[&str]) -> Output {
    let mut command = Command::new(binary("hash"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    writeln!(process.stdin.take().unwrap(), "{}", lines.join("\n")).unwrap();
    process.wait_with_output().unwrap()
}

#[test]
fn the_command_hashes_and_verifies_a_password() {
    let text = |output: &Output| String::from_utf8(output.stdout.clone()).unwrap();
    let password = "a long walk along the sea";
    let stored = text(&hash(&[password]));
    let stored = stored.trim();
    assert!(stored.starts_with("$pbkdf2-sha256$i=600000,l=32$"), "{stored}");
    let result = |output: Output| (output.status.code(), text(&output));
    assert_eq!(result(hash(&[password, stored])), (Some(0), "the password matches\n".into()));
    let other = hash(&["a swim in the river", stored]);
    assert_eq!(result(other), (Some(1), "the password does not match\n".into()));
    let damaged = hash(&[password, &stored[..stored.len() - 1]]);
    let reason = String::from_utf8(damaged.stderr.clone()).unwrap();
    assert!(reason.contains("cannot be used: a damaged password hash"), "{reason}");
    assert_eq!(result(damaged), (Some(2), String::new()));
    let old = "$2b$04$.zt/aW/I8MvAXHyeT0QhaeBqYjMX.RP8C1qyQp450X3RDlzYTOAky";
    let rehashed = text(&hash(&[password, old]));
    assert!(rehashed.contains("replace the stored hash with: $pbkdf2-sha256$"), "{rehashed}");
}

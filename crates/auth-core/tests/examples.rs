//! The examples run, and do what they say.

#![cfg(all(feature = "foreign", feature = "system", feature = "token"))]
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on says where, and stops"
)]

#[path = "../../accounts/tests/support/example.rs"]
mod example;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use auth_core::{
    AccessTokens, Clock as _, SessionId, SigningKey, SystemClock, SystemRandom, UserId,
};
use example::{Example, binary};

/// Answers every request with this, for as long as the test runs.
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

#[test]
fn the_service_lets_in_whom_the_issuer_has_given_a_token() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let tokens = |service: &str| {
        let keys = vec![SigningKey::generate(&SystemRandom)];
        AccessTokens::new(service, Duration::from_mins(5), keys).unwrap()
    };
    let (ours, others) = (tokens(&issuer), tokens(&issuer));
    serve(listener, serde_json::to_string(ours.jwks()).unwrap());
    let now = SystemClock.now();
    let user = UserId::generate(now, &SystemRandom);
    let token = |tokens: &AccessTokens| {
        let session = SessionId::generate(now, &SystemRandom);
        let end = now + Duration::from_hours(1);
        let issued = tokens.issue(user, session, now, end, &SystemRandom).unwrap();
        issued.token.as_str().to_owned()
    };
    let service = Example::start("check_tokens", &[("ISSUER", &issuer)]);
    assert_eq!(service.send("GET", "/private", &token(&ours), ""), (200, format!("hello {user}")));
    assert_eq!(service.send("GET", "/private", &token(&others), "").0, 401);
    assert_eq!(service.send("GET", "/private", "", "").0, 401);
}

#[test]
fn a_service_without_keys_says_that_it_cannot_tell() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let issuer = format!("http://{nobody}");
    let keys = vec![SigningKey::generate(&SystemRandom)];
    let tokens = AccessTokens::new(&*issuer, Duration::from_mins(5), keys).unwrap();
    let now = SystemClock.now();
    let (user, session) =
        (UserId::generate(now, &SystemRandom), SessionId::generate(now, &SystemRandom));
    let end = now + Duration::from_hours(1);
    let issued = tokens.issue(user, session, now, end, &SystemRandom).unwrap();
    let service = Example::start("check_tokens", &[("ISSUER", &issuer)]);
    assert_eq!(service.send("GET", "/private", issued.token.as_str(), "").0, 503);
    assert_eq!(service.send("GET", "/private", "nonsense", "").0, 401);
}

fn hash(password: &str, stored: &[&str]) -> Output {
    let mut command = Command::new(binary("hash"));
    command.args(stored).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    writeln!(process.stdin.take().unwrap(), "{password}").unwrap();
    process.wait_with_output().unwrap()
}

#[test]
fn the_command_hashes_a_password_and_knows_it_again() {
    let text = |output: &Output| String::from_utf8(output.stdout.clone()).unwrap();
    let stored = text(&hash("a long walk along the sea", &[]));
    assert!(stored.starts_with("$pbkdf2-sha256$i=600000,l=32$"), "{stored}");
    let right = hash("a long walk along the sea", &[stored.trim()]);
    assert_eq!((right.status.success(), text(&right)), (true, "it is the password\n".to_owned()));
    assert!(!hash("a swim in the river", &[stored.trim()]).status.success());
    let old = "$2b$04$.zt/aW/I8MvAXHyeT0QhaeBqYjMX.RP8C1qyQp450X3RDlzYTOAky";
    let renewed = text(&hash("a long walk along the sea", &[old]));
    assert!(renewed.contains("store this from now on: $pbkdf2-sha256$"), "{renewed}");
}

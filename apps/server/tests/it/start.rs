//! The command line, the environment, and errors and warnings at startup.

use std::process::{Output, Stdio};

use crate::app::{PASSWORD, TestApp};
use crate::server::{Server, bearer, command, credentials};

fn run(arguments: &[&str]) -> Output {
    command().args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// Returns the error line of a program that exited with `code` and printed nothing else.
#[track_caller]
fn error_line(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code));
    assert!(output.stdout.is_empty());
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr
}

#[test]
fn a_usage_error_is_one_line_and_exit_2() {
    for (arguments, expected) in [
        (&["--lisen", "127.0.0.1:0"][..], "--listen"),
        (&["serve", "--listen", "here"], "--listen"),
        (&["serve", "--public-url", "https://a.example/path"], "--public-url"),
        (&["serve", "--password-min-length", "65"], "1 to 64"),
        (&["serve", "--pbkdf2-iterations", "10"], "1000"),
        (&["serve", "--access-token-lifetime", "5"], "90s"),
        (&["serve", "--session-lifetime", "10m"], "--session-idle-timeout"),
        (&["serve", "--remember-idle-timeout", "31d"], "--remember-lifetime"),
        (&["doctor", "--session-lifetime", "29m"], "--session-idle-timeout"),
        (&["serve", "--log-format", "xml"], "json"),
        (&["users"], "set-password"),
        (&["users", "show"], "<USER>"),
        (&["serve", "--listen"], "--listen"),
        (&["serve", "extra"], "extra"),
        (&["sever"], "sever"),
    ] {
        let line = error_line(&run(arguments), 2);
        assert!(line.contains(expected), "{line}");
    }
}

#[test]
fn browsers_can_sign_up_at_the_printed_address_and_at_localhost() {
    for (listen, ip) in [
        ("127.0.0.1:0", "127.0.0.1"),
        ("127.0.0.2:0", "127.0.0.2"),
        ("0.0.0.0:0", "127.0.0.1"),
        ("[::1]:0", "[::1]"),
        ("[::]:0", "[::1]"),
        ("[::ffff:127.0.0.1]:0", "127.0.0.1"),
        ("[::ffff:0.0.0.0]:0", "127.0.0.1"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start_at(listen, &folder, &[]);
        let (printed, port) = server.address.rsplit_once(':').unwrap();
        assert_eq!(printed, ip, "{listen}");
        for (n, host) in [printed, "localhost", "127.0.0.1", "[::1]"].iter().enumerate() {
            let origin = format!("origin: http://{host}:{port}\r\nsec-fetch-site: same-origin\r\n");
            let body = credentials(&format!("user{n}@example.com"), PASSWORD);
            assert_eq!(server.post("/api/signup", &origin, &body).status, 201, "{listen} {host}");
        }
        let is_warned = server.log().contains("accepts connections from other machines");
        assert_eq!(
            is_warned,
            ["0.0.0.0:0", "[::]:0", "[::ffff:0.0.0.0]:0"].contains(&listen),
            "{listen}"
        );
    }
}

#[test]
fn a_port_in_use_is_an_error_and_creates_no_database() {
    let app = TestApp::new();
    let database = app.folder.path().join("other.db");
    let arguments = ["--listen", &app.address, "--database", database.to_str().unwrap()];
    let line = error_line(&run(&arguments), 1);
    assert!(line.contains("in use") && line.contains("--listen"), "{line}");
    assert!(!database.exists());
}

#[test]
fn an_unusable_database_is_an_error_and_stays_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let diary = folder.path().join("diary.txt");
    let text = "Dear diary, this is no database.\n".repeat(100);
    std::fs::write(&diary, &text).unwrap();
    let absent = folder.path().join("absent/latchkey.db");
    for (path, expected) in [
        (diary.to_str().unwrap(), "not a database"),
        (absent.to_str().unwrap(), "folder"),
        (folder.path().to_str().unwrap(), "not a database"),
    ] {
        let line = error_line(&run(&["--listen", "127.0.0.1:0", "--database", path]), 1);
        assert!(line.contains(expected) && line.contains(path), "{line}");
    }
    assert_eq!(std::fs::read_to_string(&diary).unwrap(), text);
}

#[test]
fn every_option_is_also_an_environment_variable() {
    let app = TestApp::new();
    let in_use = command().env("LATCHKEY_LISTEN", &app.address).arg("serve").output().unwrap();
    assert!(error_line(&in_use, 1).contains(&app.address));
    let invalid = command().env("LATCHKEY_PBKDF2_ITERATIONS", "few").output().unwrap();
    assert!(error_line(&invalid, 2).contains("--pbkdf2-iterations"));
    let help = String::from_utf8(run(&["serve", "--help"]).stdout).unwrap();
    for option in help.lines().filter_map(|line| line.trim().strip_prefix("--")) {
        let name = option.split_whitespace().next().unwrap();
        let variable = format!("LATCHKEY_{}", name.to_uppercase().replace('-', "_"));
        assert!(help.contains(&variable), "{variable}");
    }
}

#[test]
fn a_command_ignores_the_variables_of_options_that_it_does_not_have() {
    let app = TestApp::new();
    let database = app.database();
    let list = |name, value| {
        let mut command = command();
        command.env("LATCHKEY_DATABASE", &database).env(name, value);
        command.args(["users", "list"]).output().unwrap()
    };
    for (name, value) in [("LATCHKEY_LISTEN", "nowhere"), ("LATCHKEY_SESSION_LIFETIME", "1m")] {
        let listed = list(name, value);
        assert_eq!((listed.status.code(), listed.stderr), (Some(0), Vec::new()), "{name}");
    }
    // The command line overrides the environment.
    let mut serve = command();
    serve.env("LATCHKEY_SESSION_LIFETIME", "20m").args(["serve", "--listen", &app.address]);
    assert!(error_line(&serve.output().unwrap(), 2).contains("--session-idle-timeout"));
    let in_use = serve.args(["--session-idle-timeout", "10m"]).output().unwrap();
    assert!(error_line(&in_use, 1).contains("in use"));
    let help = command().env("LATCHKEY_LISTEN", "nowhere").arg("help").output().unwrap();
    assert_eq!(help.status.code(), Some(0));
}

#[test]
fn a_variable_that_is_not_utf_8_is_named() {
    use std::os::unix::ffi::OsStringExt as _;
    let value = std::ffi::OsString::from_vec(b"\xff".to_vec());
    let output = command().env("LATCHKEY_PUBLIC_URL", &value).arg("serve").output().unwrap();
    assert!(error_line(&output, 2).contains("LATCHKEY_PUBLIC_URL"));
}

#[test]
fn fewer_iterations_than_the_default_are_a_warning() {
    let app = TestApp::new();
    assert!(app.log().contains("WARN") && app.log().contains("--pbkdf2-iterations"));
    assert!(!app.log().contains("idle"), "{}", app.log());
}

/// OWASP ASVS 5.0, 6.2.1.
#[test]
fn a_lower_minimum_password_length_is_a_warning() {
    for (min_length, warned) in [("7", true), ("8", false), ("15", false)] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&folder, &["--password-min-length", min_length]);
        assert_eq!(server.log().contains("--password-min-length"), warned, "{}", server.log());
    }
}

#[test]
fn an_idle_timeout_below_two_access_token_lifetimes_is_a_warning() {
    for option in ["--session-idle-timeout", "--remember-idle-timeout"] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&folder, &[option, "9m"]);
        assert!(server.log().contains("twice --access-token-lifetime"), "{}", server.log());
    }
}

#[test]
fn an_unknown_variable_is_a_warning_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = command();
    process.env("LATCHKEY_LISEN", "127.0.0.1:1");
    let server = Server::attempt(process, &folder, &["--listen", "127.0.0.1:0"]).ok().unwrap();
    let log = server.log();
    assert!(
        log.lines().any(|line| line.contains("WARN") && line.contains("LATCHKEY_LISEN")),
        "{log}"
    );
}

#[test]
fn a_second_factor_is_required_of_all_users_or_of_none() {
    let mut process = command();
    let invalid = process.env("LATCHKEY_REQUIRE_SECOND_FACTOR", "some").arg("serve").output();
    let line = error_line(&invalid.unwrap(), 2);
    assert!(line.contains("--require-second-factor"), "{line}");
    let app = TestApp::with_options(&["--require-second-factor", "all"]);
    let session = app.user().log_in();
    let answer = app.request("GET", "/api/sessions", &bearer(&session.token));
    assert_eq!(answer.status, 403, "{}", answer.body);
    assert_eq!(answer.code(), "second_factor_enrolment_required");
    assert_eq!(session.me().status, 200);
}

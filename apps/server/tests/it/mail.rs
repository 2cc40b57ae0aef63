//! Mails: the options of `serve`, the folder, and `latchkey mail`.

mod delivery;
mod doctor;
mod flows;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::{EMAIL, PASSWORD, TestApp};
use crate::operator::{failure, json as json_output, success};
use crate::relay::FROM;
use crate::server::{Server, command, credentials};

/// Starts a server that writes mails to a folder.
fn with_mail_folder(folder: &Path) -> TestApp {
    TestApp::with_options(&["--mail-dir", folder.to_str().unwrap(), "--mail-from", FROM])
}

/// Starts a server whose relay cannot be reached: nothing listens on port 1.
fn with_relay_that_is_down() -> TestApp {
    TestApp::with_options(&["--smtp-url", "smtp://127.0.0.1:1", "--mail-from", FROM])
}

/// Waits for a mail, and returns its path.
fn wait_for_mail(folder: &Path) -> PathBuf {
    wait_for_mails(folder, 1).remove(0)
}

/// Waits for this number of mails, and returns their paths, oldest first.
fn wait_for_mails(folder: &Path, count: usize) -> Vec<PathBuf> {
    for _ in 0..3_000 {
        let files = fs::read_dir(folder).into_iter().flatten().map(|file| file.unwrap().path());
        let is_mail = |path: &PathBuf| path.extension().is_some_and(|ext| ext == "eml");
        let mut mails: Vec<_> = files.filter(is_mail).collect();
        if mails.len() == count {
            mails.sort();
            return mails;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    unreachable!("not {count} mails in {}", folder.display());
}

#[test]
fn a_sign_up_writes_a_mail_with_a_code_that_is_not_in_the_log() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("mails");
    let app = with_mail_folder(&folder);
    app.user();
    let path = wait_for_mail(&folder);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&path)), (0o700, 0o600));
    let mail = fs::read_to_string(&path).unwrap();
    for expected in [&format!("To: {EMAIL}"), FROM, "Auto-Submitted: auto-generated"] {
        assert!(mail.contains(expected), "{mail}");
    }
    let code = mail.split("/verify#code=").nth(1).unwrap();
    let code = code.split_whitespace().next().unwrap();
    app.wait_for("the mail", |log| log.contains("mail sent"));
    let log = app.log();
    for secret in [EMAIL, code] {
        assert!(!log.contains(secret), "{log}");
    }
    assert!(log.contains("mails are written to the folder"), "{log}");
}

/// A link to another host would send the secret in it there.
#[test]
fn a_forged_host_does_not_change_the_links_in_mails() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("mails");
    let mail = ["--mail-dir", folder.to_str().unwrap(), "--mail-from", FROM];
    let public = ["--public-url", "https://auth.example.com", "--trusted-proxy", "127.0.0.1"];
    let app = TestApp::with_options(&[mail, public].concat());
    let requests = [
        ("/api/signup", credentials(EMAIL, PASSWORD), 201, "/verify#code="),
        ("/api/password-reset", json!({"email": EMAIL}).to_string(), 202, "/reset#token="),
    ];
    for (sent, (path, body, status, link)) in requests.into_iter().enumerate() {
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: evil.example\r\nx-forwarded-host: evil.example\r\n\
             x-forwarded-proto: http\r\nforwarded: host=evil.example;proto=http\r\n\
             connection: close\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        assert_eq!(app.send(request.as_bytes()).status, status, "{path}");
        let mails = wait_for_mails(&folder, sent + 1);
        let mail = fs::read_to_string(&mails[sent]).unwrap();
        assert!(mail.contains(&format!("https://auth.example.com{link}")), "{mail}");
        assert!(!mail.contains("evil.example"), "{mail}");
    }
}

#[test]
fn the_pages_that_need_mail_are_routes_only_if_mail_is_on() {
    let parent = tempfile::tempdir().unwrap();
    let mail = ["--mail-dir", parent.path().to_str().unwrap(), "--mail-from", FROM];
    for (options, status) in [(&[][..], 404), (&mail, 200)] {
        let app = TestApp::with_options(options);
        for path in ["/forgot", "/reset", "/verify"] {
            let answer = app.request("GET", path, "accept: text/html\r\n");
            // 503 if the pages are not built. Unit tests cover this case.
            assert!(answer.status == 503 || answer.status == status, "{path}");
            assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        }
        let answer = app.request("GET", "/login/email", "accept: text/html\r\n");
        assert_ne!(answer.status, 200);
    }
}

#[test]
fn mail_is_off_without_a_transport() {
    let app = TestApp::new();
    assert_eq!(app.sign_up(EMAIL, PASSWORD).status, 201);
    assert!(app.log().contains("mail is off"), "{}", app.log());
    assert_eq!(
        json_output(&app.operator().run("mail", &["list", "--json"], "")),
        Value::Array(vec![])
    );
}

#[test]
fn invalid_options_are_usage_errors_without_passwords() {
    let folder = tempfile::tempdir().unwrap();
    for (options, expected) in [
        (&["--smtp-url", "smtps://ada:hunter2@mail.example", "--mail-from", FROM][..], "password"),
        (&["--smtp-url", "smtps://mail.example"], "--mail-from"),
        (&["--email-log-in", "on"], "--smtp-url"),
        (&["--mail-from", "latchkey"], "--mail-from"),
        (&["--mail-dir", "x", "--smtp-url", "smtps://mail.example"], "remove one"),
    ] {
        let output = serve(&folder, options);
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), line.lines().count()), (Some(2), 1), "{line}");
        assert!(line.contains(expected) && !line.contains("hunter2"), "{line}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "no database is created");
}

fn serve(folder: &TempDir, options: &[&str]) -> std::process::Output {
    let serve = ["serve", "--listen", "127.0.0.1:0", "--database"];
    command().args(serve).arg(folder.path().join("x.db")).args(options).output().unwrap()
}

#[test]
fn a_mail_stays_in_the_outbox_while_the_relay_is_down_and_is_sent_after_a_restart() {
    let app = with_relay_that_is_down();
    app.user();
    let list = || json_output(&app.operator().run("mail", &["list", "--json"], ""));
    app.wait_for("the failed attempt", |log| log.contains("a mail could not be sent"));
    app.wait_for("the warning", |log| log.contains("the relay cannot be used"));
    assert!(!app.log().contains(EMAIL), "{}", app.log());
    let mails = list();
    let mail = &mails[0];
    assert_eq!((&mail["kind"], &mail["recipient"]), (&"verify_email".into(), &EMAIL.into()));
    assert_eq!((&mail["attempts"], &mail["failed_at"]), (&1.into(), &Value::Null));
    assert!(mail["reason"].is_string() && mail["next_attempt_at"].is_string(), "{mail}");
    let text = success(&app.operator().run("mail", &["list"], ""));
    assert!(text.contains(EMAIL) && text.contains("next attempt"), "{text}");

    // Another server on the same database sends it once it is due.
    let mails = app.folder.path().join("mails");
    let id = mail["id"].as_str().unwrap();
    app.signal("KILL");
    let due = json_output(&app.operator().run("mail", &["retry", id, "--json"], ""));
    assert_eq!(due["due"], 1);
    let options = ["--mail-dir", mails.to_str().unwrap(), "--mail-from", FROM];
    let _server = Server::start(&app.folder, &options);
    let path = wait_for_mail(&mails);
    assert!(path.to_str().unwrap().contains(id), "{path:?}");
}

#[test]
fn an_unknown_mail_cannot_be_retried() {
    let app = TestApp::new();
    for id in ["x", "019b0000-0000-7000-8000-000000000000"] {
        let line = failure(&app.operator().run("mail", &["retry", id], ""));
        assert!(line.contains("latchkey mail list"), "{line}");
    }
}

#[test]
fn a_test_mail_is_sent_directly_and_a_failure_is_reported() {
    let app = TestApp::new();
    let mails = app.folder.path().join("mails");
    let operator = app.operator();
    let options = ["test", EMAIL, "--mail-from", FROM];
    let folder = [&options[..], &["--mail-dir", mails.to_str().unwrap()]].concat();
    success(&operator.run("mail", &folder, ""));
    wait_for_mail(&mails);
    let down = [&options[..], &["--smtp-url", "smtp://127.0.0.1:1"]].concat();
    let line = failure(&operator.run("mail", &down, ""));
    assert!(line.contains("the test mail was not sent"), "{line}");
    assert_eq!(operator.run("mail", &["test", EMAIL], "").status.code(), Some(2));
}

#[test]
fn an_operator_verifies_an_email_address() {
    let app = TestApp::new();
    app.user();
    let operator = app.operator();
    let shown = || json_output(&operator.users(&["show", EMAIL, "--json"]));
    assert_eq!(shown()["email_verified_at"], Value::Null);
    let verified = json_output(&operator.users(&["verify-email", EMAIL, "--json"]));
    assert!(verified["email_verified_at"].is_string());
    assert_eq!(shown(), {
        let mut shown = verified.clone();
        shown["throttled_until"] = shown_throttle();
        shown["totp"] = Value::Null;
        shown["passkeys"] = json!([]);
        shown["recovery_codes"] = Value::Null;
        shown
    });
    assert!(success(&operator.audit(&[])).contains("email_verified"));
    // An export and an import keep it.
    let file = app.folder.path().join("users.csv");
    let path = file.to_str().unwrap();
    success(&operator.users(&["export", "--format", "csv", "--output", path]));
    success(&operator.users(&["delete", EMAIL, "--yes"]));
    operator.users(&["import", path]);
    assert_eq!(shown()["email_verified_at"], verified["email_verified_at"]);
}

fn shown_throttle() -> Value {
    json!({
        "unknown_browsers": null, "single_clients": null, "app_codes": null, "recovery_codes": null,
    })
}

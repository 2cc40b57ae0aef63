//! Mails: the options of `serve`, the folder, and `latchkey mail`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::{EMAIL, PASSWORD, TestApp};
use crate::operator::{failure, json, success};
use crate::server::{Server, bearer, command, credentials};

const FROM: &str = "latchkey@example.com";
const NEW_EMAIL: &str = "ada.new@example.com";
const GRACE: &str = "grace@example.com";
const UNKNOWN: &str = "nobody@example.com";
const NEW_PASSWORD: &str = "a short swim in the river";

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
    wait_for_mail_with(folder, "").0
}

/// Waits for a mail that contains a text, and returns its path and its content.
fn wait_for_mail_with(folder: &Path, text: &str) -> (PathBuf, String) {
    for _ in 0..3_000 {
        let files = fs::read_dir(folder).into_iter().flatten().map(|file| file.unwrap().path());
        let paths = files.filter(|path| path.extension().is_some_and(|ext| ext == "eml"));
        let mut mails = paths.map(|path| (fs::read_to_string(&path).unwrap(), path));
        if let Some((mail, path)) = mails.find(|(mail, _)| mail.contains(text)) {
            return (path, mail);
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    unreachable!("no mail with {text:?} in {}", folder.display());
}

/// Returns the line of a mail that consists of groups of this many characters in all.
fn secret(mail: &str, length: usize) -> String {
    let is_secret = |line: &&str| {
        line.len() == length
            && line.split('-').all(|group| {
                group.len() == 4 && group.bytes().all(|byte| byte.is_ascii_alphanumeric())
            })
    };
    mail.lines().find(is_secret).unwrap().to_owned()
}

/// Returns the code in a mail.
fn code(mail: &str) -> String {
    secret(mail, "K7QM-2XRD".len())
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

/// Uses every flow with a mail, and returns the secrets.
fn use_mails(app: &TestApp, folder: &Path) -> Vec<String> {
    assert_eq!(app.sign_up(EMAIL, PASSWORD).status, 201);
    assert_eq!(app.sign_up(GRACE, PASSWORD).status, 201);
    let token = app.log_in(EMAIL, PASSWORD);
    let send = |method: &str, path: &str, body: Value| {
        app.send_json(method, path, &bearer(&token), &body.to_string())
    };
    let (path, (_, mail)) = ("/api/me/email/verification", wait_for_mail_with(folder, EMAIL));
    let verification = code(&mail);
    assert_eq!(send("PUT", path, json!({"code": "0000-0000"})).status, 422);
    assert_eq!(send("PUT", path, json!({"code": verification})).status, 200);

    let path = "/api/me/email";
    for email in [GRACE, NEW_EMAIL] {
        assert_eq!(send("POST", path, json!({"email": email, "password": PASSWORD})).status, 202);
    }
    let change = code(&wait_for_mail_with(folder, NEW_EMAIL).1);
    assert_eq!(send("PUT", path, json!({"code": "0000-0000"})).status, 422);
    assert_eq!(send("PUT", path, json!({"code": change})).status, 200);

    let path = "/api/token/email";
    let requested = app.post(path, "", &json!({"email": NEW_EMAIL}).to_string());
    let cookie = requested.cookie();
    let log_in = code(&wait_for_mail_with(folder, "Subject: Your code to log in").1);
    let headers = format!("cookie: {cookie}\r\n");
    for (code, status) in [("0000-0000", 422), (&log_in, 200)] {
        let body = json!({"code": code}).to_string();
        assert_eq!(app.send_json("PUT", path, &headers, &body).status, status);
    }

    let path = "/api/password-reset";
    for email in [NEW_EMAIL, UNKNOWN] {
        assert_eq!(app.post(path, "", &json!({"email": email}).to_string()).status, 202);
    }
    let mail = wait_for_mail_with(folder, "Subject: Reset your password").1;
    let reset = secret(&mail, "0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV-WXYZ".len());
    for (password, status) in [("short", 422), (NEW_PASSWORD, 200), (NEW_PASSWORD, 422)] {
        let body = json!({"token": reset, "new_password": password}).to_string();
        assert_eq!(app.send_json("PUT", path, "", &body).status, status);
    }
    wait_for_mail_with(folder, "Subject: Your password was reset");
    assert_eq!(app.post("/api/token", "", &credentials(NEW_EMAIL, NEW_PASSWORD)).status, 200);
    let cookie = cookie.split_once('=').unwrap().1.to_owned();
    let secrets = [verification, change, log_in, reset];
    let joined = secrets.clone().map(|secret| secret.replace('-', ""));
    [cookie].into_iter().chain(secrets).chain(joined).collect()
}

#[test]
fn no_secret_and_no_email_address_of_a_flow_with_mails_is_logged() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("mails");
    let options = ["--mail-dir", folder.to_str().unwrap(), "--mail-from", FROM];
    let app = TestApp::with_options(&[&options[..], &["--email-log-in", "on"]].concat());
    let secrets = use_mails(&app, &folder);
    app.wait_for("the last mail", |log| log.contains("kind=\"password_reset\""));
    let log = app.log();
    let others = [PASSWORD, NEW_PASSWORD, "@example.com", "ada%40"];
    for secret in secrets.iter().map(String::as_str).chain(others) {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
    for message in [
        "verified the email address",
        "requested a change of the email address",
        "changed the email address",
        "a code for signing in was requested",
        "signed in with a code",
        "a password reset was requested",
        "reset the password",
    ] {
        assert!(log.contains(message), "{message}: {log}");
    }
}

#[test]
fn a_server_sends_the_notices_of_operator_commands() {
    let app = TestApp::new();
    app.user();
    app.sign_up(GRACE, PASSWORD);
    let operator = app.operator();
    let set_password = |email| {
        success(&operator.users_with_input(&["set-password", email], NEW_PASSWORD));
    };
    // Email addresses that are not verified get no notice.
    set_password(GRACE);
    success(&operator.users(&["verify-email", EMAIL]));
    set_password(EMAIL);
    success(&operator.users(&["delete", EMAIL, "--yes"]));
    let mails = json(&operator.run("mail", &["list", "--json"], ""));
    let mails: Vec<_> =
        mails.as_array().unwrap().iter().map(|mail| (&mail["kind"], &mail["recipient"])).collect();
    let email = Value::from(EMAIL);
    assert_eq!(mails, [(&"password_changed".into(), &email), (&"account_deleted".into(), &email)]);

    let folder = app.folder.path().join("mails");
    let options = ["--mail-dir", folder.to_str().unwrap(), "--mail-from", FROM];
    let _server = Server::start(&app.folder, &options);
    for text in ["An administrator changed the password", "An administrator deleted your account"] {
        let (_, mail) = wait_for_mail_with(&folder, text);
        assert!(mail.contains(&format!("To: {EMAIL}")), "{mail}");
        assert!(!mail.contains("IP address"), "{mail}");
    }
}

#[test]
fn the_pages_that_need_mail_are_routes_only_if_mail_is_on() {
    let parent = tempfile::tempdir().unwrap();
    for (app, status) in [(TestApp::new(), 404), (with_mail_folder(parent.path()), 200)] {
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
    assert_eq!(json(&app.operator().run("mail", &["list", "--json"], "")), Value::Array(vec![]));
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
    let list = || json(&app.operator().run("mail", &["list", "--json"], ""));
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
    let due = json(&app.operator().run("mail", &["retry", id, "--json"], ""));
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
    let shown = || json(&operator.users(&["show", EMAIL, "--json"]));
    assert_eq!(shown()["email_verified_at"], Value::Null);
    let verified = json(&operator.users(&["verify-email", EMAIL, "--json"]));
    assert!(verified["email_verified_at"].is_string());
    assert_eq!(shown(), {
        let mut shown = verified.clone();
        shown["throttled_until"] = shown_throttle();
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
    serde_json::json!({"unknown_browsers": null, "single_clients": null})
}

#[test]
fn doctor_reports_how_mails_are_sent_and_the_outbox() {
    let app = with_relay_that_is_down();
    app.user();
    let operator = app.operator();
    let checks = |options: &[&str]| {
        let output = operator.run("doctor", &[options, &["--json"]].concat(), "");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let checks = report["checks"].as_array().unwrap().clone();
        ["mail", "outbox"].map(|name| {
            let check = checks.iter().find(|check| check["check"] == name).unwrap();
            [&check["level"], &check["text"]].map(|text| text.as_str().unwrap().to_owned())
        })
    };
    let [mail, outbox] = checks(&[]);
    assert_eq!(mail[0], "ok", "{mail:?}");
    assert_eq!(outbox, ["ok", "1 mail not sent yet"]);
    let [mail, _] = checks(&["--smtp-url", "smtp://127.0.0.1:1", "--mail-from", FROM]);
    assert_eq!(mail[0], "fail", "{mail:?}");
}

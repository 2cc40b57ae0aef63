//! All flows with mails, and notices of operator commands.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::app::{EMAIL, PASSWORD, TestApp};
use crate::operator::{json as json_output, success};
use crate::relay::FROM;
use crate::second_factors::set_up_app_at;
use crate::server::{Server, bearer, credentials};

const NEW_EMAIL: &str = "ada.new@example.com";
const GRACE: &str = "grace@example.com";
const UNKNOWN: &str = "nobody@example.com";
const NEW_PASSWORD: &str = "a short swim in the river";

/// Waits for a mail that contains a text, and returns it.
fn wait_for_mail_with(folder: &Path, text: &str) -> String {
    for _ in 0..3_000 {
        let files = fs::read_dir(folder).into_iter().flatten().map(|file| file.unwrap().path());
        let paths = files.filter(|path| path.extension().is_some_and(|ext| ext == "eml"));
        let mut mails = paths.map(|path| fs::read_to_string(path).unwrap());
        if let Some(mail) = mails.find(|mail| mail.contains(text)) {
            return mail;
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

/// Uses every flow with a mail, and returns the secrets.
fn use_mails(app: &TestApp, folder: &Path) -> Vec<String> {
    assert_eq!(app.sign_up(EMAIL, PASSWORD).status, 201);
    assert_eq!(app.sign_up(GRACE, PASSWORD).status, 201);
    let token = app.log_in(EMAIL, PASSWORD);
    let send = |method: &str, path: &str, body: Value| {
        app.send_json(method, path, &bearer(&token), &body.to_string())
    };
    let (path, mail) = ("/api/me/email/verification", wait_for_mail_with(folder, EMAIL));
    let verification = code(&mail);
    assert_eq!(send("PUT", path, json!({"code": "0000-0000"})).status, 422);
    assert_eq!(send("PUT", path, json!({"code": verification})).status, 200);

    let path = "/api/me/email";
    for email in [GRACE, NEW_EMAIL] {
        assert_eq!(send("POST", path, json!({"email": email, "password": PASSWORD})).status, 202);
    }
    let change = code(&wait_for_mail_with(folder, NEW_EMAIL));
    assert_eq!(send("PUT", path, json!({"code": "0000-0000"})).status, 422);
    assert_eq!(send("PUT", path, json!({"code": change})).status, 200);

    let path = "/api/token/email";
    let requested = app.post(path, "", &json!({"email": NEW_EMAIL}).to_string());
    let cookie = requested.cookie();
    let log_in = code(&wait_for_mail_with(folder, "Subject: Your code to log in"));
    let headers = format!("cookie: {cookie}\r\n");
    for (code, status) in [("0000-0000", 422), (&log_in, 200)] {
        let body = json!({"code": code}).to_string();
        assert_eq!(app.send_json("PUT", path, &headers, &body).status, status);
    }

    let path = "/api/password-reset";
    for email in [NEW_EMAIL, UNKNOWN] {
        assert_eq!(app.post(path, "", &json!({"email": email}).to_string()).status, 202);
    }
    let mail = wait_for_mail_with(folder, "Subject: Reset your password");
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
        "amr=otp",
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
    let _ = set_up_app_at(&app, &app.log_in(EMAIL, NEW_PASSWORD));
    success(&operator.users(&["reset-second-factor", EMAIL]));
    success(&operator.users(&["delete", EMAIL, "--yes"]));
    let mails = json_output(&operator.run("mail", &["list", "--json"], ""));
    let mails: Vec<_> =
        mails.as_array().unwrap().iter().map(|mail| (&mail["kind"], &mail["recipient"])).collect();
    let email = Value::from(EMAIL);
    let kinds = ["password_changed", "second_factor_reset", "account_deleted"].map(Value::from);
    assert_eq!(mails, kinds.each_ref().map(|kind| (kind, &email)));

    let folder = app.folder.path().join("mails");
    let options = ["--mail-dir", folder.to_str().unwrap(), "--mail-from", FROM];
    let _server = Server::start(&app.folder, &options);
    for text in [
        "An administrator changed the password",
        "An administrator turned two-step log-in off",
        "An administrator deleted your account",
    ] {
        let mail = wait_for_mail_with(&folder, text);
        assert!(mail.contains(&format!("To: {EMAIL}")), "{mail}");
        assert!(!mail.contains("IP address"), "{mail}");
    }
}

//! `--sign-up off`: only operators create accounts.

use serde_json::json;

use crate::app::{EMAIL, PASSWORD, TestApp};
use crate::operator::{self, failure, success};

#[test]
fn without_sign_up_only_operators_create_accounts() {
    let app = TestApp::with_options(&["--sign-up", "off"]);
    let rejected = app.sign_up(EMAIL, PASSWORD);
    assert_eq!((rejected.status, rejected.code().as_str()), (403, "sign_up_disabled"));
    success(&app.operator().users_with_input(&["create", EMAIL], PASSWORD));
    app.log_in(EMAIL, PASSWORD);
}

#[test]
fn an_invited_person_signs_up_with_the_printed_link() {
    let app = TestApp::with_options(&["--sign-up", "off"]);
    let operator = app.operator();
    let invite = ["invite", EMAIL, "--public-url", "https://auth.example.com", "--expires", "1d"];
    let link = success(&operator.users(&invite));
    let token = link.trim().strip_prefix("https://auth.example.com/signup#invitation=").unwrap();
    let body = json!({"email": EMAIL, "password": PASSWORD, "invitation": token}).to_string();
    assert_eq!(app.post("/api/signup", "", &body).status, 201);
    app.log_in(EMAIL, PASSWORD);
    assert!(failure(&operator.users(&invite)).contains("already exists"));
    let too_long = operator.users(&["invite", "b@example.com", "--expires", "31d"]);
    assert_eq!(too_long.status.code(), Some(2));
    let printed = operator::json(&operator.users(&["invite", "b@example.com", "--json"]));
    assert_eq!(printed["email"], "b@example.com");
    let link = printed["link"].as_str().unwrap();
    assert!(link.starts_with("http://localhost:8080/signup#invitation="), "{link}");
    let audit = success(&operator.audit(&[]));
    assert_eq!(audit.matches("invitation_created").count(), 2, "{audit}");
    assert!(!audit.contains(token), "{audit}");
}

/// The link is stored nowhere, and it has replaced an earlier one.
#[test]
fn an_invitation_whose_link_cannot_be_printed_is_an_error_even_if_stdout_was_closed() {
    let app = TestApp::new();
    for arguments in [&["invite", "ada@example.com"][..], &["invite", "ada@example.com", "--json"]]
    {
        let output = app.operator().run_without_reader("users", arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains("done, but the link could not be printed"), "{error}");
        assert!(error.contains("run the command again") && error.ends_with("\n1\n"), "{error}");
        assert!(!error.contains("http"), "{error}");
    }
}

#[test]
fn a_sent_invitation_is_in_the_outbox_and_not_printed() {
    let app = TestApp::with_options(&["--sign-up", "off"]);
    let operator = app.operator();
    let printed = success(&operator.users(&["invite", EMAIL, "--send"]));
    assert!(printed.contains(EMAIL) && !printed.contains("invitation="), "{printed}");
    let mails = success(&operator.run("mail", &["list"], ""));
    assert!(mails.contains("invitation") && mails.contains(EMAIL), "{mails}");
}

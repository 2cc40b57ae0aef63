//! The forms that reset a password and verify an email address.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum_accounts::accounts::{MailTransport, OutgoingMail, SendMailError};

use crate::app::{ADA, Browser, TestApp};

const NEW: &str = "a+short+swim+in+the+river";

/// A transport that keeps the mails.
#[derive(Clone, Default)]
struct Mailbox(Arc<Mutex<Vec<OutgoingMail>>>);

#[async_trait]
impl MailTransport for Mailbox {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), SendMailError> {
        self.0.lock().unwrap().push(mail.clone());
        Ok(())
    }
}

impl Mailbox {
    async fn app(&self) -> TestApp {
        TestApp::with(|builder| builder.mail(self.clone()).without_maintenance()).await
    }

    /// Sends the mails that are due. Returns their texts.
    async fn texts(&self, app: &TestApp) -> Vec<String> {
        app.accounts().send_due_mails().await.unwrap();
        std::mem::take(&mut *self.0.lock().unwrap()).into_iter().map(|mail| mail.text).collect()
    }

    /// Returns the line after `before` in the only mail that is due.
    async fn line(&self, app: &TestApp, before: &str) -> String {
        let texts = self.texts(app).await;
        assert_eq!(texts.len(), 1, "{texts:?}");
        let (_, rest) = texts[0].split_once(before).unwrap();
        rest.lines().next().unwrap().to_owned()
    }

    /// Returns the code that a user pastes into the form to reset the password.
    async fn reset_code(&self, app: &TestApp) -> String {
        self.line(app, "https://app.example/reset\n\n").await
    }

    /// Returns the code that a user enters into the form to verify the email address.
    async fn verification_code(&self, app: &TestApp) -> String {
        self.line(app, "on the page that asks for it:\n\n").await
    }
}

async fn log_in(app: &TestApp, password: &str) -> (Browser, u16) {
    let mut browser = app.browser();
    let body = format!("email=ada%40example.com&password={password}");
    let status = browser.submit("/login", &body).await.status;
    (browser, status)
}

#[tokio::test]
async fn without_mail_there_is_no_form_for_it() {
    let app = TestApp::new().await;
    let mut ada = app.ada().await;
    for path in ["/forgot", "/reset", "/verify"] {
        assert_eq!(ada.open(path).await.status, 404, "{path}");
        assert_eq!(ada.submit(path, "").await.status, 404, "{path}");
    }
    assert!(!app.browser().open("/login").await.body.contains("/forgot"));
}

#[tokio::test]
async fn a_forgotten_password_is_reset_with_the_code_from_a_mail() {
    let mailbox = Mailbox::default();
    let app = mailbox.app().await;
    let mut ada = app.ada().await;
    mailbox.texts(&app).await;

    let mut browser = app.browser();
    let log_in_form = browser.open("/login?next=%2Fprivate").await.body;
    let link = "<a href=\"/forgot?next=%2Fprivate\">Forgot your password?</a>";
    assert!(log_in_form.contains(link), "{log_in_form}");
    browser.open("/forgot?next=%2Fprivate").await.assert_page(200, "Reset your password");
    let sent = browser.submit("/forgot", "email=ada%40example.com&next=%2Fprivate").await;
    sent.assert_redirect("/reset?next=%2Fprivate&notice=code-sent");
    let form = browser.open("/reset?next=%2Fprivate&notice=code-sent").await;
    form.assert_page(200, "Choose a new password");
    for part in [
        "<p id=\"form-notice\" role=\"status\">If there is an account with this email address, we have sent a code to it.</p>",
        "<label for=\"code\">Code from the email</label>",
        "autocomplete=\"new-password\"",
        "<input type=\"hidden\" name=\"next\" value=\"/private\">",
    ] {
        assert!(form.body.contains(part), "{part}: {}", form.body);
    }
    assert_eq!(ada.open("/private").await.status, 200, "nothing has changed yet");

    let code = mailbox.reset_code(&app).await;
    let wrong = browser.submit("/reset", &format!("code=%22%3Ex&password={NEW}")).await;
    assert!(wrong.body.contains("value=\"&quot;&gt;x\""), "{}", wrong.body);
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("<p id=\"code-error\" role=\"alert\">"), "{}", wrong.body);
    let short = browser.submit("/reset", &format!("code={code}&password=short")).await;
    assert_eq!(short.status, 422);
    assert!(short.body.contains("<p id=\"password-error\" role=\"alert\">"), "{}", short.body);
    assert!(short.body.contains(&format!("value=\"{code}\"")), "{}", short.body);

    // Also pasted with spaces around it, and in the browser with the session.
    let reset = format!("code=+{code}+&password={NEW}&next=%2Fprivate");
    let done = ada.submit("/reset", &reset).await;
    done.assert_redirect("/login?next=%2Fprivate&notice=password-reset");
    assert_eq!(ada.session_cookie(), None);
    assert!(ada.cookies.contains_key("__Host-latchkey_device"));
    let form = ada.open("/login?next=%2Fprivate&notice=password-reset").await;
    let notice = "<p id=\"form-notice\" role=\"status\">Your password has been changed. Log in with the new one.</p>";
    assert!(form.body.contains(notice), "{}", form.body);
    assert!(form.body.contains("aria-describedby=\"form-notice\" autofocus>"), "{}", form.body);
    assert_eq!(browser.submit("/reset", &reset).await.status, 422, "a code works once");
    assert_eq!(log_in(&app, "a+long+walk+along+the+sea").await.1, 401);
    assert_eq!(log_in(&app, NEW).await.1, 303);
}

#[tokio::test]
async fn a_reset_keeps_the_session_of_another_user() {
    let mailbox = Mailbox::default();
    let app = mailbox.app().await;
    app.ada().await;
    let mut bob = app.browser();
    bob.submit("/signup", &ADA.replace("ada%40", "bob%40")).await.assert_redirect("/");
    mailbox.texts(&app).await;
    bob.submit("/forgot", "email=ada%40example.com")
        .await
        .assert_redirect("/reset?notice=code-sent");
    let code = mailbox.reset_code(&app).await;
    let reset = format!("code={code}&password={NEW}");
    bob.submit("/reset", &reset).await.assert_redirect("/login?notice=password-reset");
    assert_eq!(bob.open("/private").await.body, "hello bob@example.com");
}

#[tokio::test]
async fn a_request_for_a_reset_does_not_reveal_whether_there_is_an_account() {
    let mailbox = Mailbox::default();
    let app = mailbox.app().await;
    app.ada().await;
    mailbox.texts(&app).await;
    let request = async |email: &str| {
        let response = app.browser().submit("/forgot", &format!("email={email}")).await;
        let retry_after = response.header("retry-after").map(str::to_owned);
        let location = response.header("location").map(str::to_owned);
        (response.status, location, retry_after, response.set_cookies().len())
    };
    for _ in 0..5 {
        let known = request("ada%40example.com").await;
        assert_eq!(known.0, 303);
        assert_eq!(request("nobody%40example.com").await, known);
    }
    let limited = request("ada%40example.com").await;
    assert_eq!(limited.0, 429);
    assert_eq!(request("nobody%40example.com").await, limited);
    assert_eq!(mailbox.texts(&app).await.len(), 1, "a new code replaces those before");
    let invalid = app.browser().submit("/forgot", "email=ada").await;
    assert_eq!(invalid.status, 422);
    assert!(invalid.body.contains("<p id=\"email-error\" role=\"alert\">"), "{}", invalid.body);
}

#[tokio::test]
async fn a_user_verifies_the_email_address_with_the_code_from_the_sign_up() {
    let mailbox = Mailbox::default();
    let app = mailbox.app().await;
    let mut ada = app.ada().await;
    let first = mailbox.verification_code(&app).await;
    let form = ada.open("/verify?next=%2Fverified").await;
    form.assert_page(200, "Confirm your email address");
    for part in [
        "<p>Enter the code that we have sent to ada@example.com.</p>",
        "<button name=\"send\" value=\"on\">Send a new code</button>",
    ] {
        assert!(form.body.contains(part), "{part}: {}", form.body);
    }
    let again = ada.submit("/verify", "code=&send=on&next=%2Fverified").await;
    again.assert_redirect("/verify?next=%2Fverified&notice=code-sent");
    let form = ada.open("/verify?next=%2Fverified&notice=code-sent").await;
    let notice = "<p id=\"form-notice\" role=\"status\">We have sent a new code.</p>";
    assert!(form.body.contains(notice), "{}", form.body);
    let code = mailbox.verification_code(&app).await;
    for wrong in [&*first, "", "x"] {
        let response = ada.submit("/verify", &format!("code={wrong}")).await;
        assert_eq!(response.status, 422);
        assert!(response.body.contains("<p id=\"code-error\" role=\"alert\">"));
        assert!(response.body.contains("sent to ada@example.com"), "{}", response.body);
    }
    app.advance_to_rotation();
    let verified = ada.submit("/verify", &format!("code={code}&next=%2Fverified")).await;
    verified.assert_redirect("/verified");
    assert!(verified.set_cookies().concat().contains("latchkey_refresh="), "it is rotated");
    assert_eq!(ada.open("/verified").await.body, "verified");
    // Afterwards, the form redirects at once.
    ada.open("/verify").await.assert_redirect("/");
    ada.submit("/verify", "send=on").await.assert_redirect("/");
}

#[tokio::test]
async fn only_the_user_can_verify_the_email_address() {
    let mailbox = Mailbox::default();
    let app = mailbox.app().await;
    let mut ada = app.ada().await;
    let code = format!("code={}", mailbox.verification_code(&app).await);
    app.browser().open("/verify").await.assert_redirect("/login?next=%2Fverify");
    let page = "https://app.example/verify";
    app.browser().navigate("/verify", page).await.assert_redirect("/login?next=%2Fverify");
    app.browser().submit("/verify", &code).await.assert_problem(401, "missing_token");
    let mut bob = app.browser();
    bob.submit("/signup", &ADA.replace("ada%40", "bob%40")).await.assert_redirect("/");
    assert_eq!(bob.submit("/verify", &code).await.status, 422);
    for path in ["/forgot", "/reset", "/verify"] {
        let evil = [("origin", "https://evil.example")];
        let rejected = ada.send("POST", path, &evil, &format!("{code}&send=on")).await;
        assert_eq!(rejected.status, 403, "{path}");
    }
    ada.submit("/verify", &code).await.assert_redirect("/");
}

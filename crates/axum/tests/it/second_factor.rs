//! The second step of a log-in.

use std::time::Duration;

use auth_core::Clock as _;
use axum_accounts::accounts::{Caller, SignIn, TotpSecret};

use crate::app::{ADA, TestApp};

/// Turns on an authenticator app for Ada. Returns its secret and the recovery codes.
async fn enrol(app: &TestApp) -> (TotpSecret, Vec<String>) {
    let accounts = app.accounts();
    let caller = Caller::default();
    let sign_in = SignIn::new("ada@example.com", "a long walk along the sea", &caller);
    let tokens = accounts.sign_in(sign_in).await.unwrap().into_tokens().unwrap();
    let ada = accounts.authenticate(tokens.access.token.as_str()).await.unwrap();
    let pending = accounts.begin_totp(&ada, &caller).await.unwrap();
    let code = pending.secret.code_at(app.clock.now());
    let codes = accounts.confirm_totp(&ada, &code.to_text(), &caller).await.unwrap();
    (pending.secret, codes.iter().map(|code| code.to_text().to_string()).collect())
}

#[tokio::test]
async fn a_log_in_with_a_second_factor_takes_two_steps() {
    let app = TestApp::new().await;
    app.ada().await;
    let (secret, recovery_codes) = enrol(&app).await;
    app.advance(Duration::from_mins(1));
    for code in [secret.code_at(app.clock.now()).to_text().to_string(), recovery_codes[0].clone()] {
        let mut browser = app.browser();
        let first = browser.submit("/login", &format!("{ADA}&next=%2Fprivate")).await;
        first.assert_redirect("/login/second-factor?next=%2Fprivate");
        assert_eq!(browser.session_cookie(), None);
        let ticket = first.set_cookies().concat();
        assert!(ticket.starts_with("__Host-latchkey_ticket="), "{ticket}");
        assert!(ticket.contains("HttpOnly; SameSite=Strict; Secure; Max-Age="), "{ticket}");
        browser.open("/private").await.assert_redirect("/login?next=%2Fprivate");

        let form = browser.open("/login/second-factor?next=%2Fprivate").await;
        assert!(form.body.contains("autocomplete=\"one-time-code\""), "{}", form.body);
        let wrong = browser.submit("/login/second-factor", "code=000000&next=%2Fprivate").await;
        assert_eq!((wrong.status, browser.session_cookie()), (422, None));
        assert!(wrong.body.contains("<p id=\"code-error\" role=\"alert\">"), "{}", wrong.body);

        let body = format!("code={code}&next=%2Fprivate");
        browser.submit("/login/second-factor", &body).await.assert_redirect("/private");
        assert!(!browser.cookies.contains_key("__Host-latchkey_ticket"));
        assert_eq!(browser.open("/private").await.body, "hello ada@example.com");
        // A code works once.
        assert_eq!(browser.submit("/login/second-factor", &body).await.status, 401);
    }
}

#[tokio::test]
async fn without_a_valid_ticket_the_log_in_starts_again() {
    let app = TestApp::new().await;
    app.ada().await;
    let (secret, _) = enrol(&app).await;
    let mut browser = app.browser();
    let code = |app: &TestApp| format!("code={}", *secret.code_at(app.clock.now()).to_text());
    let missing = browser.submit("/login/second-factor", &code(&app)).await;
    assert_eq!((missing.status, browser.session_cookie()), (401, None));
    assert!(missing.body.contains("action=\"/login\""), "{}", missing.body);
    browser.submit("/login", ADA).await.assert_redirect("/login/second-factor");
    app.advance(Duration::from_hours(1));
    let expired = browser.submit("/login/second-factor", &code(&app)).await;
    assert_eq!((expired.status, browser.session_cookie()), (401, None));
    assert!(!browser.cookies.contains_key("__Host-latchkey_ticket"));
}

use std::time::Duration;

use accounts::{
    Accounts, Caller, ChangePassword, DeleteAccountOutcome, KnownBrowsers, SignInError,
};

use crate::app::{EMAIL, NEW_PASSWORD, PASSWORD, TestApp};
use crate::throttle::{WRONG, assert_retry_after, at, fail, sign_in};

const MINUTE: Duration = Duration::from_mins(1);

/// Returns a browser that Ada's account knows.
pub(crate) async fn known_browser(server: &Accounts) -> Caller {
    known_browser_with(server, PASSWORD).await
}

async fn known_browser_with(server: &Accounts, password: &str) -> Caller {
    let issued = sign_in(server, EMAIL, password, &at([192, 0, 2, 9])).await.unwrap();
    Caller { device: issued.device, ..at([192, 0, 2, 10]) }
}

/// Uses up the limit of the account for the IP address of a browser, and returns whether the
/// account knows the browser and therefore lets it in.
async fn is_known(server: &Accounts, email: &str, password: &str, browser: &Caller) -> bool {
    let stranger = Caller { device: None, ..browser.clone() };
    while let Err(SignInError::InvalidCredentials) = sign_in(server, email, WRONG, &stranger).await
    {
    }
    sign_in(server, email, password, browser).await.is_ok()
}

#[tokio::test]
async fn a_browser_is_known_only_to_the_accounts_that_it_has_signed_in_to() {
    let app = TestApp::new().await;
    let grace = "grace@example.com";
    app.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    app.sign_up(grace, PASSWORD, &Caller::default()).await.unwrap();
    let browser = known_browser(&app).await;
    let of_grace = sign_in(&app, grace, PASSWORD, &browser).await.unwrap().device.unwrap();
    assert_ne!(*of_grace.to_text(), *browser.device.as_ref().unwrap().to_text());
    let stranger = Caller { device: None, ..browser.clone() };
    for _ in 0..10 {
        fail(&app, grace, &stranger).await;
    }
    assert_retry_after(sign_in(&app, grace, PASSWORD, &browser).await, MINUTE);
    let known = Caller { device: Some(of_grace), ..stranger };
    sign_in(&app, grace, PASSWORD, &known).await.unwrap();
    // The browser is known on every server and keeps its token.
    let other_server = app.another_server().await;
    let again = sign_in(&other_server, EMAIL, PASSWORD, &browser).await.unwrap();
    let text = |caller: &Caller| caller.device.as_ref().unwrap().to_text();
    assert_eq!(*again.device.unwrap().to_text(), *text(&browser));
}

#[tokio::test]
async fn a_browser_is_known_for_a_year_after_each_sign_in() {
    let app = TestApp::new().await;
    app.account().await;
    let browser = known_browser(&app).await;
    let almost_a_year = Duration::from_hours(364 * 24);
    app.advance(almost_a_year);
    let renewed = sign_in(&app, EMAIL, PASSWORD, &browser).await.unwrap().device;
    let renewed = Caller { device: renewed, ..at([192, 0, 2, 11]) };
    assert!(is_known(&app, EMAIL, PASSWORD, &browser).await);
    app.advance(almost_a_year);
    assert!(!is_known(&app, EMAIL, PASSWORD, &browser).await, "the first token has expired");
    assert!(is_known(&app, EMAIL, PASSWORD, &renewed).await);
}

#[tokio::test]
async fn a_renewed_device_token_has_the_counter_of_the_first_one() {
    let app = TestApp::new().await;
    app.account().await;
    let first = known_browser(&app).await;
    app.advance(MINUTE);
    let renewed = sign_in(&app, EMAIL, PASSWORD, &first).await.unwrap().device;
    let renewed = Caller { device: renewed, ..first.clone() };
    for _ in 0..5 {
        fail(&app, EMAIL, &first).await;
        fail(&app, EMAIL, &renewed).await;
    }
    assert_retry_after(sign_in(&app, EMAIL, PASSWORD, &first).await, MINUTE);
}

#[tokio::test]
async fn a_browser_that_an_account_has_forgotten_counts_as_unknown() {
    let app = TestApp::new().await;
    let ada = app.account().await;
    let browser = known_browser(&app).await;
    let operator = app.operator();
    operator.set_password(&ada, NEW_PASSWORD, KnownBrowsers::Keep).await.unwrap();
    assert!(is_known(&app, EMAIL, NEW_PASSWORD, &browser).await);
    operator.set_password(&ada, NEW_PASSWORD, KnownBrowsers::Forget).await.unwrap();
    assert!(!is_known(&app, EMAIL, NEW_PASSWORD, &browser).await);
    // The same email address belongs to another account now.
    let browser = known_browser_with(&app, NEW_PASSWORD).await;
    assert!(is_known(&app, EMAIL, NEW_PASSWORD, &browser).await);
    operator.delete(ada.id).await.unwrap();
    app.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    assert!(!is_known(&app, EMAIL, PASSWORD, &browser).await);
}

#[tokio::test]
async fn a_password_change_gives_a_known_browser_a_new_device_token() {
    let app = TestApp::new().await;
    app.account().await;
    let browser = known_browser(&app).await;
    let ada = app.session().await;
    let change = ChangePassword {
        signed_in: &ada,
        current_password: PASSWORD,
        new_password: NEW_PASSWORD,
        caller: &browser,
    };
    let device = app.change_password(change).await.unwrap();
    assert!(device.is_some());
    let deleted = app.delete_account(&ada, NEW_PASSWORD, &browser).await.unwrap();
    assert_eq!(deleted, DeleteAccountOutcome::UnknownBrowser, "the old token is useless");
}

#[tokio::test]
async fn deleting_an_account_returns_whether_the_browser_was_known() {
    let app = TestApp::new().await;
    app.account().await;
    let browser = known_browser(&app).await;
    let ada = app.session().await;
    let deleted = app.delete_account(&ada, PASSWORD, &browser).await.unwrap();
    assert_eq!(deleted, DeleteAccountOutcome::KnownBrowser);
}

use accounts::{Caller, ClientInfo, SignIn, SignInError};
use futures_util::future::join_all;

use crate::app::{EMAIL, PASSWORD, TestApp, authenticate, issue, session_on};

#[tokio::test]
async fn any_spelling_of_the_email_address_and_of_the_password_works() {
    let app = TestApp::new().await;
    let caller = Caller::default();
    app.sign_up("Ada@Bücher.example", "cafe\u{301} au lait", &caller).await.unwrap();
    let other_spelling = SignIn::new(" ADA@xn--bcher-kva.example", "caf\u{e9} au lait", &caller);
    let _ = app.sign_in(other_spelling).await.unwrap();
}

#[tokio::test]
async fn all_wrong_credentials_get_the_same_error() {
    let app = TestApp::new().await;
    app.account().await;
    let long = "x".repeat(10_000);
    let padded = format!("{PASSWORD}\0");
    let spaced = format!("{PASSWORD} ");
    for (email, password) in [
        (EMAIL, "another long walk"),
        (EMAIL, ""),
        (EMAIL, &long),
        (EMAIL, &padded),
        (EMAIL, &spaced),
        ("grace@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("", ""),
    ] {
        let rejected = app.sign_in(SignIn::new(email, password, &Caller::default())).await;
        assert!(matches!(rejected, Err(SignInError::InvalidCredentials)), "{email} {password}");
    }
}

#[tokio::test]
async fn every_sign_in_opens_a_separate_session() {
    let app = TestApp::new().await;
    let (first, second) = (app.user().await, app.session().await);
    app.sign_out(&first, &ClientInfo::default()).await.unwrap();
    authenticate(&app, &second.tokens).await.unwrap();
}

/// Returns the start of the stored hash, as read from the database files.
fn stored_hash(app: &TestApp) -> String {
    let bytes = std::fs::read(app.database()).unwrap();
    let wal = std::fs::read(app.database().with_extension("db-wal")).unwrap();
    let all = String::from_utf8_lossy(&[bytes, wal].concat()).into_owned();
    let (_, last) = all.rsplit_once("$pbkdf2-sha256$").unwrap();
    last.chars().take(6).collect()
}

#[tokio::test]
async fn an_outdated_hash_is_replaced_at_sign_in() {
    let app = TestApp::new().await;
    app.account().await;
    assert_eq!(stored_hash(&app), "i=1000");
    let stronger = app.another_server_with(|config| config.pbkdf2_iterations = 2_000).await;
    session_on(&stronger).await;
    assert_eq!(stored_hash(&app), "i=2000");
    session_on(&stronger).await;
    // A server with fewer iterations accepts the stronger hash and keeps it.
    app.session().await;
    assert_eq!(stored_hash(&app), "i=2000");
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_sign_ins_that_replace_the_hash_all_succeed() {
    let app = TestApp::new().await;
    app.account().await;
    let stronger = app.another_server_with(|config| config.pbkdf2_iterations = 2_000).await;
    for tokens in join_all((0..20).map(|_| issue(&stronger, false))).await {
        authenticate(&stronger, &tokens).await.unwrap();
    }
}

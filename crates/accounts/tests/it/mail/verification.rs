use accounts::{Accounts, Caller, CodeError, EventKind, MailMode, SendVerificationError};

use super::app::{HOUR, MINUTE, MailApp, OTHER, caller, code, subjects, wrong};
use crate::app::{EMAIL, PASSWORD, TestApp};

#[tokio::test]
async fn the_code_of_the_sign_up_verifies_the_email_address() {
    let app = MailApp::new().await;
    app.sign_up(EMAIL, PASSWORD, &caller()).await.unwrap();
    let mail = app.deliver_one().await;
    assert_eq!(mail.to, EMAIL);
    assert_eq!(mail.from_name, "auth.example.com");
    assert_eq!(mail.subject, "Confirm your e-mail address for auth.example.com");
    let ada = app.signed_in(EMAIL).await;
    assert_eq!(ada.email_verified_at(), None);
    app.take_events().await;

    let user = app.verify_email(&ada, &code(&mail), &caller()).await.unwrap();
    assert_eq!(user.email_verified_at, Some(app.now()));
    let again = app.signed_in(EMAIL).await;
    assert_eq!(again.email_verified_at(), Some(app.now()));
    assert_eq!(app.take_events().await, [EventKind::EmailVerified, EventKind::SignedIn]);
    let kinds: Vec<_> =
        app.activity(&ada).await.unwrap().into_iter().map(|event| event.kind).collect();
    assert!(kinds.contains(&EventKind::EmailVerified));

    let reused = app.verify_email(&ada, &code(&mail), &caller()).await;
    assert!(matches!(reused, Err(CodeError::Expired)));
    let again = app.send_verification_code(&again, &caller()).await;
    assert!(matches!(again, Err(SendVerificationError::AlreadyVerified)));
    assert!(app.deliver().await.is_empty());
}

#[tokio::test]
async fn a_new_code_replaces_the_previous_one() {
    let app = MailApp::new().await;
    app.sign_up(EMAIL, PASSWORD, &caller()).await.unwrap();
    let first = app.deliver_one().await;
    let ada = app.signed_in(EMAIL).await;
    assert_eq!(app.send_verification_code(&ada, &caller()).await.unwrap(), 24 * HOUR);
    let second = app.deliver_one().await;
    let outdated = app.verify_email(&ada, &code(&first), &caller()).await;
    assert!(matches!(outdated, Err(CodeError::Wrong)));
    app.verify_email(&ada, &code(&second), &caller()).await.unwrap();
}

#[tokio::test]
async fn a_new_code_deletes_the_unsent_mail_with_the_previous_one() {
    let app = MailApp::new().await;
    app.sign_up(EMAIL, PASSWORD, &caller()).await.unwrap();
    let ada = app.signed_in(EMAIL).await;
    app.send_verification_code(&ada, &caller()).await.unwrap();
    let mail = app.deliver_one().await;
    app.verify_email(&ada, &code(&mail), &caller()).await.unwrap();
}

#[tokio::test]
async fn a_code_expires_after_a_day() {
    let app = MailApp::new().await;
    app.sign_up(EMAIL, PASSWORD, &caller()).await.unwrap();
    let mail = app.deliver_one().await;
    app.advance(24 * HOUR - MINUTE);
    let ada = app.signed_in(EMAIL).await;
    let wrong = app.verify_email(&ada, &wrong(&code(&mail)), &caller()).await;
    assert!(matches!(wrong, Err(CodeError::Wrong)));
    app.advance(MINUTE);
    let expired = app.verify_email(&ada, &code(&mail), &caller()).await;
    assert!(matches!(expired, Err(CodeError::Expired)));
}

#[tokio::test]
async fn five_wrong_tries_end_a_code_and_other_texts_are_no_tries() {
    let app = MailApp::new().await;
    app.sign_up(EMAIL, PASSWORD, &caller()).await.unwrap();
    let code = code(&app.deliver_one().await);
    let ada = app.signed_in(EMAIL).await;
    for n in 1..=6 {
        for text in ["", "K7QM", "no code at all"] {
            let result = app.verify_email(&ada, text, &caller()).await;
            assert!(matches!(result, Err(CodeError::Wrong)));
        }
        let result = app.verify_email(&ada, &wrong(&code), &caller()).await;
        match n {
            1..=4 => assert!(matches!(result, Err(CodeError::Wrong)), "{n}"),
            _ => assert!(matches!(result, Err(CodeError::Expired)), "{n}"),
        }
    }
    let result = app.verify_email(&ada, &code, &caller()).await;
    assert!(matches!(result, Err(CodeError::Expired)));
}

#[tokio::test]
async fn a_code_can_be_used_only_by_its_user_and_in_an_active_session() {
    let app = MailApp::new().await;
    app.sign_up(EMAIL, PASSWORD, &caller()).await.unwrap();
    let code = code(&app.deliver_one().await);
    app.account(OTHER).await;
    let (ada, grace) = (app.signed_in(EMAIL).await, app.signed_in(OTHER).await);
    let result = app.verify_email(&grace, &code, &caller()).await;
    assert!(matches!(result, Err(CodeError::Wrong)));
    app.sign_out(&ada, &caller().client).await.unwrap();
    let result = app.verify_email(&ada, &code, &caller()).await;
    assert!(matches!(result, Err(CodeError::SessionEnded)));
    let result = app.send_verification_code(&ada, &caller()).await;
    assert!(matches!(result, Err(SendVerificationError::SessionEnded)));
}

#[tokio::test]
async fn an_account_that_an_operator_creates_gets_no_mail_and_an_operator_can_verify_it() {
    let app = MailApp::new().await;
    let user = app.operator().create(EMAIL, PASSWORD).await.unwrap();
    assert_eq!(subjects(&app.deliver().await), Vec::<String>::new());
    app.operator().verify_email(user.id).await.unwrap();
    assert!(app.signed_in(EMAIL).await.email_verified_at().is_some());
}

#[tokio::test]
async fn without_a_transport_no_mail_can_be_requested() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    assert_eq!(app.mail(), MailMode::Off);
    let result = app.send_verification_code(&ada, &Caller::default()).await;
    assert!(matches!(result, Err(SendVerificationError::MailDisabled)));
    assert_eq!(app.send_due_mails().await.unwrap(), 0);
}

#[tokio::test]
async fn sign_in_by_email_requires_mail() {
    let built = Accounts::builder().public_url("https://app.example").email_sign_in().build().await;
    let error = built.err().unwrap().to_string();
    assert!(error.contains("call `mail(TRANSPORT)`"), "{error}");
}

use accounts::{
    Caller, ChangePassword, CodeError, EventKind, PasswordError, RequestEmailChange,
    RequestMailError, RequestSignInCode, ResetPasswordError, SignIn, SignInError,
};

use super::app::{HOUR, MailApp, OTHER, caller, caller_at, code, subjects, token};
use crate::app::{EMAIL, NEW_PASSWORD, PASSWORD, TestApp};

#[tokio::test]
async fn a_token_sets_a_new_password_and_ends_all_sessions() {
    let app = MailApp::new().await;
    app.account(EMAIL).await;
    let ada = app.signed_in(EMAIL).await;
    let expires_in = app.request_password_reset(" ADA@example.com ", &caller()).await.unwrap();
    assert_eq!(expires_in, HOUR);
    let mail = app.deliver_one().await;
    // The recipient is the stored email address.
    assert_eq!(mail.to, EMAIL);
    app.take_events().await;

    let token = token(&mail);
    let reset = app.reset_password(&token, NEW_PASSWORD, &caller_at(1)).await.unwrap();
    assert_eq!(reset.email.as_str(), EMAIL);
    assert!(!app.is_active(&ada).await);
    assert_eq!(app.take_events().await, [EventKind::PasswordReset, EventKind::EmailVerified]);
    let caller = Caller { device: reset.device.clone(), ..caller_at(1) };
    let old = app.sign_in(SignIn::new(EMAIL, PASSWORD, &caller)).await;
    assert!(matches!(old, Err(SignInError::InvalidCredentials)));
    let tokens = app
        .sign_in(SignIn::new(EMAIL, NEW_PASSWORD, &caller))
        .await
        .unwrap()
        .into_tokens()
        .unwrap();
    // The browser is known: it keeps its token.
    assert_eq!(*tokens.device.as_ref().unwrap().to_text(), *reset.device.unwrap().to_text());
    assert!(app.session_of(&tokens).await.email_verified_at().is_some());

    let again = app.reset_password(&token, PASSWORD, &caller).await;
    assert!(matches!(again, Err(ResetPasswordError::TokenInvalid)));
}

#[tokio::test]
async fn a_password_that_breaks_a_rule_consumes_nothing() {
    let app = MailApp::new().await;
    app.account(EMAIL).await;
    app.request_password_reset(EMAIL, &caller()).await.unwrap();
    let token = token(&app.deliver_one().await);
    for (password, is_expected) in [
        ("short", (|error| matches!(error, PasswordError::TooShort { .. })) as fn(_) -> bool),
        (EMAIL, |error| !matches!(error, PasswordError::TooShort { .. })),
    ] {
        match app.reset_password(&token, password, &caller()).await {
            Err(ResetPasswordError::Invalid(error)) => assert!(is_expected(error), "{password}"),
            other => panic!("{other:?}"),
        }
    }
    app.reset_password(&token, NEW_PASSWORD, &caller()).await.unwrap();
}

#[tokio::test]
async fn invalid_tokens_have_one_answer() {
    let app = MailApp::new().await;
    let ada = app.account(EMAIL).await;
    app.request_password_reset(EMAIL, &caller()).await.unwrap();
    let replaced = token(&app.deliver_one().await);
    app.request_password_reset(EMAIL, &caller()).await.unwrap();
    let newest = token(&app.deliver_one().await);
    let unknown = "0000-0000-0000-0000-0000-0000-0000-0000";
    for invalid in ["", "garbage", "K7QM-2XRD", unknown, &replaced] {
        let result = app.reset_password(invalid, NEW_PASSWORD, &caller()).await;
        assert!(matches!(result, Err(ResetPasswordError::TokenInvalid)), "{invalid}");
    }
    app.operator().disable(ada.id).await.unwrap();
    let result = app.reset_password(&newest, NEW_PASSWORD, &caller()).await;
    assert!(matches!(result, Err(ResetPasswordError::TokenInvalid)));
    app.operator().enable(ada.id).await.unwrap();

    app.request_password_reset(EMAIL, &caller()).await.unwrap();
    let expired = token(&app.deliver_one().await);
    app.advance(HOUR);
    let result = app.reset_password(&expired, NEW_PASSWORD, &caller()).await;
    assert!(matches!(result, Err(ResetPasswordError::TokenInvalid)));
}

#[tokio::test]
async fn unknown_and_disabled_accounts_get_no_mail_and_the_same_answer() {
    let app = MailApp::new().await;
    let grace = app.account(OTHER).await;
    app.operator().disable(grace.id).await.unwrap();
    for email in ["nobody@example.com", OTHER] {
        assert_eq!(app.request_password_reset(email, &caller()).await.unwrap(), HOUR);
        let request = RequestSignInCode { email, remember: false, caller: &caller() };
        app.request_sign_in_code(request).await.unwrap();
    }
    assert_eq!(subjects(&app.deliver().await), Vec::<String>::new());
    assert!(app.operator().mails(None, 10).await.unwrap().is_empty());
    let invalid = app.request_password_reset("nobody", &caller()).await;
    assert!(matches!(invalid, Err(RequestMailError::InvalidEmail(_))));
}

/// A stranger signs up with Ada's email address before she does.
#[tokio::test]
async fn the_owner_of_a_mailbox_takes_the_account_of_a_stranger_over() {
    let app = MailApp::new().await;
    app.sign_up(EMAIL, PASSWORD, &caller()).await.unwrap();
    let sign_up_code = code(&app.deliver_one().await);
    let stranger = app.signed_in(EMAIL).await;
    let change = RequestEmailChange {
        signed_in: &stranger,
        new_email: "stranger@example.com",
        password: PASSWORD,
        caller: &caller(),
    };
    app.request_email_change(change).await.unwrap();
    let change_code = code(&app.deliver_one().await);

    let owner = caller_at(1);
    app.request_password_reset(EMAIL, &owner).await.unwrap();
    let token = token(&app.deliver_one().await);
    app.reset_password(&token, NEW_PASSWORD, &owner).await.unwrap();

    let signed_in = app.sign_in(SignIn::new(EMAIL, PASSWORD, &caller())).await;
    assert!(matches!(signed_in, Err(SignInError::InvalidCredentials)));
    assert!(!app.is_active(&stranger).await);
    assert!(app.change_email(&stranger, &change_code, &caller()).await.is_err());
    let tokens =
        app.sign_in(SignIn::new(EMAIL, NEW_PASSWORD, &owner)).await.unwrap().into_tokens().unwrap();
    let ada = app.session_of(&tokens).await;
    assert!(ada.email_verified_at().is_some());
    // The pending codes are not valid in the owner's session either.
    assert!(app.change_email(&ada, &change_code, &owner).await.is_err());
    let verified = app.verify_email(&ada, &sign_up_code, &owner).await;
    assert!(matches!(verified, Err(CodeError::Expired)));
}

#[tokio::test]
async fn a_change_of_the_password_ends_a_reset() {
    let app = MailApp::new().await;
    let ada = app.ada().await;
    app.request_password_reset(EMAIL, &caller()).await.unwrap();
    let sent = token(&app.deliver_one().await);
    app.request_password_reset(EMAIL, &caller()).await.unwrap();
    let change = ChangePassword {
        signed_in: &ada,
        current_password: PASSWORD,
        new_password: NEW_PASSWORD,
        caller: &caller(),
    };
    app.change_password(change).await.unwrap();
    let result = app.reset_password(&sent, PASSWORD, &caller()).await;
    assert!(matches!(result, Err(ResetPasswordError::TokenInvalid)));
    // The unsent mail with the second token is deleted too.
    assert_eq!(
        subjects(&app.deliver().await),
        ["Ada@example.com: Your password was changed at auth.example.com"]
    );
}

#[tokio::test]
async fn without_a_transport_no_password_can_be_reset() {
    let app = TestApp::new().await;
    let result = app.request_password_reset(EMAIL, &Caller::default()).await;
    assert!(matches!(result, Err(RequestMailError::MailDisabled)));
    let result = app.reset_password("", "", &Caller::default()).await;
    assert!(matches!(result, Err(ResetPasswordError::MailDisabled)));
}

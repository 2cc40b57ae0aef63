use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use accounts::{
    Caller, CodeSignInError, EmailSignInToken, EventKind, IssuedTokens, KnownBrowsers,
    RequestMailError, RequestSignInCode, ServiceError, SignIn, SignInCodeRequested, SignInWithCode,
};

use super::app::{MINUTE, MailApp, caller, code, find_code, wrong};
use crate::app::{EMAIL, PASSWORD, TestApp};
use crate::throttle::fail;

async fn request(app: &MailApp, email: &str) -> SignInCodeRequested {
    let request = RequestSignInCode { email, remember: false, caller: &caller() };
    app.request_sign_in_code(request).await.unwrap()
}

async fn sign_in(
    app: &MailApp,
    token: &EmailSignInToken,
    code: &str,
) -> Result<IssuedTokens, CodeSignInError> {
    let token = Some(token);
    let request = SignInWithCode { token, code, caller: &caller(), replaces: None };
    app.sign_in_with_code(request).await.map(|outcome| outcome.into_tokens().unwrap())
}

#[tokio::test]
async fn a_code_opens_one_session_in_the_browser_that_requested_it() {
    let app = MailApp::new().await;
    let user = app.verified_account(EMAIL).await;
    let requested = request(&app, EMAIL).await;
    assert_eq!(requested.expires_in, 10 * MINUTE);
    let code = code(&app.deliver_one().await);
    app.take_events().await;

    let other_browser = request(&app, "nobody@example.com").await.token;
    let foreign = sign_in(&app, &other_browser, &code).await;
    assert!(matches!(foreign, Err(CodeSignInError::Wrong)));
    let none = SignInWithCode { token: None, code: &code, caller: &caller(), replaces: None };
    let none = app.sign_in_with_code(none).await;
    assert!(matches!(none, Err(CodeSignInError::Expired)));

    let tokens = sign_in(&app, &requested.token, &code.to_lowercase()).await.unwrap();
    assert_eq!(app.session_of(&tokens).await.id(), user.id);
    assert!(tokens.refresh.max_age.is_none());
    assert!(tokens.device.is_some());
    let sessions = app.operator().sessions(user.id).await.unwrap();
    assert_eq!(sessions.iter().map(|it| &it.client).collect::<Vec<_>>(), [&caller().client]);
    assert_eq!(app.take_events().await, [EventKind::SignedIn]);
    let again = sign_in(&app, &requested.token, &code).await;
    assert!(matches!(again, Err(CodeSignInError::Expired)));
}

#[tokio::test]
async fn the_session_replaces_that_of_the_browser_and_can_be_remembered() {
    let app = MailApp::new().await;
    app.verified_account(EMAIL).await;
    let first = request(&app, EMAIL).await;
    let first_code = code(&app.deliver_one().await);
    let first = sign_in(&app, &first.token, &first_code).await.unwrap();
    let ada = app.session_of(&first).await;

    let caller = Caller { device: first.device.clone(), ..caller() };
    let second = RequestSignInCode { email: EMAIL, remember: true, caller: &caller };
    let second = app.request_sign_in_code(second).await.unwrap();
    let code = code(&app.deliver_one().await);
    let (token, replaces) = (Some(&second.token), Some(&first.refresh.token));
    let request = SignInWithCode { token, code: &code, caller: &caller, replaces };
    let second = app.sign_in_with_code(request).await.unwrap().into_tokens().unwrap();
    assert!(second.refresh.max_age.is_some());
    assert!(!app.is_active(&ada).await);
    assert_eq!(*second.device.unwrap().to_text(), *first.device.unwrap().to_text());
}

#[tokio::test]
async fn a_code_makes_a_browser_known_that_the_account_has_forgotten() {
    let app = MailApp::new().await;
    let user = app.verified_account(EMAIL).await;
    let tokens =
        app.sign_in(SignIn::new(EMAIL, PASSWORD, &caller())).await.unwrap().into_tokens().unwrap();
    let forgotten = Caller { device: tokens.device, ..caller() };
    app.operator().set_password(&user, PASSWORD, KnownBrowsers::Forget).await.unwrap();
    app.deliver_one().await;
    let requested = request(&app, EMAIL).await;
    let code = code(&app.deliver_one().await);
    let token = Some(&requested.token);
    let request = SignInWithCode { token, code: &code, caller: &forgotten, replaces: None };
    let device = app.sign_in_with_code(request).await.unwrap().into_tokens().unwrap().device;
    let known = Caller { device, ..caller() };
    for _ in 0..10 {
        fail(&app, EMAIL, &caller()).await;
    }
    assert!(app.sign_in(SignIn::new(EMAIL, PASSWORD, &forgotten)).await.is_err());
    let _ = app.sign_in(SignIn::new(EMAIL, PASSWORD, &known)).await.unwrap();
}

/// Otherwise, its errors and its time would tell a stranger whether there is an account.
#[tokio::test]
async fn a_wrong_code_does_not_call_the_hook_for_claims() {
    let calls = Arc::<AtomicU32>::default();
    let counter = Arc::clone(&calls);
    let app = MailApp::with_builder(|builder| {
        builder.token_claims(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
            ready(Err("no claims for anyone".into()))
        })
    })
    .await;
    app.verified_account(EMAIL).await;
    let known = request(&app, EMAIL).await.token;
    let code = code(&app.deliver_one().await);
    let unknown = request(&app, "nobody@example.com").await.token;
    for token in [&known, &unknown] {
        let result = sign_in(&app, token, &wrong(&code)).await;
        assert!(matches!(result, Err(CodeSignInError::Wrong)), "{result:?}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    let result = sign_in(&app, &known, &code).await;
    assert!(matches!(result, Err(CodeSignInError::Service(ServiceError::TokenClaims))));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_code_expires_after_ten_minutes_and_after_five_wrong_tries() {
    let app = MailApp::new().await;
    app.verified_account(EMAIL).await;
    let first = request(&app, EMAIL).await.token;
    let first_code = code(&app.deliver_one().await);
    app.advance(10 * MINUTE);
    let result = sign_in(&app, &first, &first_code).await;
    assert!(matches!(result, Err(CodeSignInError::Expired)));

    let second = request(&app, EMAIL).await.token;
    let code = code(&app.deliver_one().await);
    for n in 1..=5 {
        let result = sign_in(&app, &second, "no code at all").await;
        assert!(matches!(result, Err(CodeSignInError::Wrong)));
        let result = sign_in(&app, &second, &wrong(&code)).await;
        match n {
            5 => assert!(matches!(result, Err(CodeSignInError::Expired))),
            _ => assert!(matches!(result, Err(CodeSignInError::Wrong)), "{n}"),
        }
    }
    let result = sign_in(&app, &second, &code).await;
    assert!(matches!(result, Err(CodeSignInError::Expired)));
}

/// Otherwise, the owner of the mailbox would sign in to an account whose password a stranger knows.
#[tokio::test]
async fn an_email_address_that_is_not_verified_gets_no_code() {
    let app = MailApp::new().await;
    app.account(EMAIL).await;
    request(&app, EMAIL).await;
    let mail = app.deliver_one().await;
    assert_eq!(find_code(&mail), None);
    assert!(mail.text.contains("https://auth.example.com/forgot\n"));
}

#[tokio::test]
async fn tries_without_an_account_are_answered_like_others() {
    let app = MailApp::new().await;
    let token = request(&app, "nobody@example.com").await.token;
    for n in 1..=6 {
        let result = sign_in(&app, &token, "K7QM-2XRD").await;
        match n {
            1..=4 => assert!(matches!(result, Err(CodeSignInError::Wrong)), "{n}"),
            _ => assert!(matches!(result, Err(CodeSignInError::Expired)), "{n}"),
        }
    }
}

#[tokio::test]
async fn sign_in_by_email_is_off_by_default() {
    let app = TestApp::new().await;
    let caller = Caller::default();
    let request = RequestSignInCode { email: EMAIL, remember: false, caller: &caller };
    let result = app.request_sign_in_code(request).await;
    assert!(matches!(result, Err(RequestMailError::MailDisabled)));
    let request = SignInWithCode { token: None, code: "", caller: &caller, replaces: None };
    let result = app.sign_in_with_code(request).await;
    assert!(matches!(result, Err(CodeSignInError::SignInDisabled)));
}

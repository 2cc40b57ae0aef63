use accounts::{
    Caller, ChangeEmailError, CodeError, EventKind, KnownBrowsers, OutgoingMail,
    RequestEmailChange, RequestEmailChangeError, SignIn, SignInError, SignedIn,
};

use super::app::{HOUR, MailApp, OTHER, caller, code, find_code, subjects, wrong};
use crate::app::{EMAIL, PASSWORD, TestApp};

const NEW: &str = "ada@new.example";

async fn request(
    app: &MailApp,
    signed_in: &SignedIn,
    new_email: &str,
) -> Result<std::time::Duration, RequestEmailChangeError> {
    let caller = &caller();
    app.request_email_change(RequestEmailChange {
        signed_in,
        new_email,
        password: PASSWORD,
        caller,
    })
    .await
}

fn to(mails: &[OutgoingMail], recipient: &str) -> OutgoingMail {
    mails.iter().find(|mail| mail.to == recipient).unwrap().clone()
}

#[tokio::test]
async fn a_code_from_the_new_mailbox_changes_the_email_address() {
    let app = MailApp::new().await;
    let ada = app.ada().await;
    let caller = &caller();
    let tokens =
        app.sign_in(SignIn::new(EMAIL, PASSWORD, caller)).await.unwrap().into_tokens().unwrap();
    let browser = Caller { device: tokens.device.clone(), ..caller.clone() };
    let other_session = app.session_of(&tokens).await;

    assert_eq!(request(&app, &ada, NEW).await.unwrap(), HOUR);
    let mails = app.deliver().await;
    assert_eq!(
        subjects(&mails),
        [
            "Ada@example.com: A change of your e-mail address was requested at auth.example.com",
            "ada@new.example: Confirm your new e-mail address for auth.example.com",
        ]
    );
    let code = code(&to(&mails, NEW));
    app.take_events().await;
    let changed = app.change_email(&ada, &code, &browser).await.unwrap();
    assert_eq!(changed.user.email.as_str(), NEW);
    assert!(changed.user.email_verified_at.is_some());
    assert_eq!(
        subjects(&app.deliver().await),
        ["Ada@example.com: Your e-mail address was changed at auth.example.com"]
    );
    assert_eq!(app.take_events().await, [EventKind::EmailChanged]);

    assert!(app.is_active(&ada).await);
    assert!(!app.is_active(&other_session).await);
    let with_old = app.sign_in(SignIn::new(EMAIL, PASSWORD, caller)).await;
    assert!(matches!(with_old, Err(SignInError::InvalidCredentials)));
    // The browser stays known, with its new token.
    let device = changed.device.unwrap();
    let browser = Caller { device: Some(device.clone()), ..caller.clone() };
    let tokens =
        app.sign_in(SignIn::new(NEW, PASSWORD, &browser)).await.unwrap().into_tokens().unwrap();
    assert_eq!(*tokens.device.unwrap().to_text(), *device.to_text());

    let reused = app.change_email(&ada, &code, caller).await;
    assert!(matches!(reused, Err(ChangeEmailError::Code(CodeError::Expired))));
}

#[tokio::test]
async fn an_unknown_browser_stays_unknown() {
    let app = MailApp::new().await;
    let ada = app.ada().await;
    request(&app, &ada, NEW).await.unwrap();
    let code = code(&to(&app.deliver().await, NEW));
    assert!(app.change_email(&ada, &code, &caller()).await.unwrap().device.is_none());
}

#[tokio::test]
async fn a_browser_that_the_account_has_forgotten_stays_unknown() {
    let app = MailApp::new().await;
    let user = app.verified_account(EMAIL).await;
    let tokens =
        app.sign_in(SignIn::new(EMAIL, PASSWORD, &caller())).await.unwrap().into_tokens().unwrap();
    let forgotten = Caller { device: tokens.device, ..caller() };
    app.operator().set_password(&user, PASSWORD, KnownBrowsers::Forget).await.unwrap();
    let ada = app.signed_in(EMAIL).await;
    request(&app, &ada, NEW).await.unwrap();
    let code = code(&to(&app.deliver().await, NEW));
    assert!(app.change_email(&ada, &code, &forgotten).await.unwrap().device.is_none());
}

#[tokio::test]
async fn a_taken_email_address_gets_a_mail_without_a_code() {
    let app = MailApp::new().await;
    let ada = app.ada().await;
    app.account(OTHER).await;
    assert_eq!(request(&app, &ada, OTHER).await.unwrap(), HOUR);
    let mail = to(&app.deliver().await, OTHER);
    assert_eq!(mail.subject, "Your e-mail address already has an account at auth.example.com");
    assert_eq!(find_code(&mail), None);
}

#[tokio::test]
async fn an_email_address_that_is_taken_in_the_meantime_uses_the_code_up() {
    let app = MailApp::new().await;
    let ada = app.ada().await;
    request(&app, &ada, NEW).await.unwrap();
    let code = code(&to(&app.deliver().await, NEW));
    app.account(NEW).await;
    let taken = app.change_email(&ada, &code, &caller()).await;
    assert!(matches!(taken, Err(ChangeEmailError::EmailTaken)));
    let again = app.change_email(&ada, &code, &caller()).await;
    assert!(matches!(again, Err(ChangeEmailError::Code(CodeError::Expired))));
}

#[tokio::test]
async fn invalid_requests_send_nothing() {
    let app = MailApp::new().await;
    let ada = app.ada().await;
    for same in [EMAIL, "ada@EXAMPLE.com", " ADA@example.com "] {
        let result = request(&app, &ada, same).await;
        assert!(matches!(result, Err(RequestEmailChangeError::Unchanged)), "{same}");
    }
    let result = request(&app, &ada, "ada").await;
    assert!(matches!(result, Err(RequestEmailChangeError::InvalidEmail(_))));
    let caller = &caller();
    let wrong = RequestEmailChange { signed_in: &ada, new_email: NEW, password: "wrong", caller };
    let result = app.request_email_change(wrong).await;
    assert!(matches!(result, Err(RequestEmailChangeError::WrongPassword)));
    for _ in 0..9 {
        let _ = app.request_email_change(wrong).await;
    }
    let result = app.request_email_change(wrong).await;
    assert!(matches!(result, Err(RequestEmailChangeError::TooManyAttempts { .. })));
    assert_eq!(subjects(&app.deliver().await), Vec::<String>::new());
}

#[tokio::test]
async fn a_code_expires_after_an_hour_and_after_five_wrong_tries() {
    let app = MailApp::new().await;
    let ada = app.ada().await;
    request(&app, &ada, NEW).await.unwrap();
    let first = code(&to(&app.deliver().await, NEW));
    app.advance(HOUR);
    let ada = app.signed_in(EMAIL).await;
    let result = app.change_email(&ada, &first, &caller()).await;
    assert!(matches!(result, Err(ChangeEmailError::Code(CodeError::Expired))));
    request(&app, &ada, NEW).await.unwrap();
    let second = code(&to(&app.deliver().await, NEW));
    for n in 1..=5 {
        let result = app.change_email(&ada, &wrong(&second), &caller()).await;
        match n {
            5 => assert!(matches!(result, Err(ChangeEmailError::Code(CodeError::Expired)))),
            _ => assert!(matches!(result, Err(ChangeEmailError::Code(CodeError::Wrong)))),
        }
    }
    let result = app.change_email(&ada, &second, &caller()).await;
    assert!(matches!(result, Err(ChangeEmailError::Code(CodeError::Expired))));
}

#[tokio::test]
async fn an_ended_session_can_neither_request_nor_make_a_change() {
    let app = MailApp::new().await;
    let ada = app.ada().await;
    request(&app, &ada, NEW).await.unwrap();
    let code = code(&to(&app.deliver().await, NEW));
    app.sign_out(&ada, &caller().client).await.unwrap();
    let result = request(&app, &ada, NEW).await;
    assert!(matches!(result, Err(RequestEmailChangeError::SessionEnded)));
    let result = app.change_email(&ada, &code, &caller()).await;
    assert!(matches!(result, Err(ChangeEmailError::Code(CodeError::SessionEnded))));
}

#[tokio::test]
async fn without_a_transport_no_change_can_be_requested() {
    let app = TestApp::new().await;
    let (signed_in, caller) = (&*app.user().await, &caller());
    for password in [PASSWORD, "wrong"] {
        let change = RequestEmailChange { signed_in, new_email: NEW, password, caller };
        let result = app.request_email_change(change).await;
        assert!(matches!(result, Err(RequestEmailChangeError::MailDisabled)));
    }
}

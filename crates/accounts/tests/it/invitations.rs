//! Invitations to create an account while sign-up is off.

use std::time::Duration;

use accounts::{Caller, ClientInfo, Email, Invitation, InviteError, SignUpError, User};

use crate::app::{EMAIL, PASSWORD, TestApp};

const WEEK: Duration = Invitation::DEFAULT_LIFETIME;

async fn closed() -> TestApp {
    TestApp::with_config(|config| config.sign_up = false).await
}

async fn invite(app: &TestApp, email: &str) -> Invitation {
    app.operator().invite(&Email::parse(email).unwrap(), WEEK).await.unwrap()
}

async fn accept(app: &TestApp, email: &str, token: &str) -> Result<User, SignUpError> {
    app.sign_up_with_invitation(email, PASSWORD, token, &Caller::default()).await
}

#[tokio::test]
async fn an_invited_visitor_signs_up_once_although_sign_up_is_off() {
    let app = closed().await;
    let invitation = invite(&app, EMAIL).await;
    let token = invitation.token.to_text();
    assert_eq!(*invitation.link, format!("https://auth.example.com/signup#invitation={}", *token));
    assert_eq!(invitation.expires_at, app.now() + WEEK);
    let closed = app.sign_up(EMAIL, PASSWORD, &Caller::default()).await;
    assert!(matches!(closed, Err(SignUpError::Disabled)), "{closed:?}");
    let typed = token.to_lowercase().replace('-', " ");
    let user = accept(&app, "ADA@example.com", &typed).await.unwrap();
    assert_eq!(user.email_verified_at, None);
    app.session().await;
    let again = accept(&app, EMAIL, &token).await;
    assert!(matches!(again, Err(SignUpError::InvitationInvalid)), "{again:?}");
    let taken = app.operator().invite(&user.email, WEEK).await;
    assert!(matches!(taken, Err(InviteError::EmailTaken)), "{taken:?}");
}

#[tokio::test]
async fn every_other_text_is_answered_alike_whether_or_not_the_account_exists() {
    let app = closed().await;
    let grace = invite(&app, "grace@example.com").await;
    let expired = invite(&app, "eve@example.com").await;
    app.operator().create(EMAIL, PASSWORD).await.unwrap();
    app.advance(WEEK);
    let unknown = invite(&app, "other@example.com").await.token.to_text();
    for (email, token) in [
        (EMAIL, unknown.as_str()),
        ("nobody@example.com", unknown.as_str()),
        ("grace@example.com", unknown.as_str()),
        ("eve@example.com", expired.token.to_text().as_str()),
        (EMAIL, grace.token.to_text().as_str()),
        (EMAIL, ""),
        ("nobody@example.com", "K7QM-2XRD"),
    ] {
        let rejected = accept(&app, email, token).await;
        assert!(matches!(rejected, Err(SignUpError::InvitationInvalid)), "{email} {rejected:?}");
    }
    accept(&app, "other@example.com", &unknown).await.unwrap();
}

/// An invalid field does not use the invitation.
#[tokio::test]
async fn an_invitation_is_valid_until_an_account_is_created_or_it_is_replaced() {
    let app = TestApp::new().await;
    let former = invite(&app, EMAIL).await.token.to_text();
    let newest = invite(&app, EMAIL).await.token.to_text();
    let replaced = accept(&app, EMAIL, &former).await;
    assert!(matches!(replaced, Err(SignUpError::InvitationInvalid)), "{replaced:?}");
    let short = app.sign_up_with_invitation(EMAIL, "short", &newest, &Caller::default()).await;
    assert!(matches!(short, Err(SignUpError::Invalid { .. })), "{short:?}");
    app.advance(WEEK - Duration::from_secs(1));
    let ada = accept(&app, EMAIL, &newest).await.unwrap();
    app.operator().delete(ada.id).await.unwrap();
    let used = accept(&app, EMAIL, &newest).await;
    assert!(matches!(used, Err(SignUpError::InvitationInvalid)), "also where sign-up is on");
}

#[tokio::test]
async fn sign_ups_with_invitations_are_throttled_like_others() {
    let app = closed().await;
    let token = invite(&app, EMAIL).await.token.to_text();
    let wrong = invite(&app, "grace@example.com").await.token.to_text();
    let caller: Caller = ClientInfo::new(Some([192, 0, 2, 1].into()), None).into();
    for _ in 0..20 {
        let rejected = app.sign_up_with_invitation(EMAIL, PASSWORD, &wrong, &caller).await;
        assert!(matches!(rejected, Err(SignUpError::InvitationInvalid)), "{rejected:?}");
    }
    let throttled = app.sign_up_with_invitation(EMAIL, PASSWORD, &token, &caller).await;
    assert!(matches!(throttled, Err(SignUpError::TooManyAttempts { .. })), "{throttled:?}");
    accept(&app, EMAIL, &token).await.unwrap();
}

#[tokio::test]
async fn the_lifetime_is_at_most_30_days() {
    let app = closed().await;
    let email = Email::parse(EMAIL).unwrap();
    for lifetime in [Duration::ZERO, Invitation::MAX_LIFETIME + Duration::from_secs(1)] {
        let rejected = app.operator().invite(&email, lifetime).await;
        assert!(matches!(rejected, Err(InviteError::InvalidLifetime)), "{rejected:?}");
    }
    let invitation = app.operator().invite(&email, Invitation::MAX_LIFETIME).await.unwrap();
    let printed = format!("{invitation:?}");
    assert!(!printed.contains(&**invitation.token.to_text()), "{printed}");
    assert!(!printed.contains("link"), "{printed}");
}

#[tokio::test]
async fn without_mail_no_invitation_is_sent() {
    let app = closed().await;
    let sent = app.operator().send_invitation(&Email::parse(EMAIL).unwrap(), WEEK).await;
    assert!(matches!(sent, Err(InviteError::MailDisabled)), "{sent:?}");
}

use std::net::Ipv6Addr;
use std::time::Duration;

use accounts::{
    Caller, ClientInfo, RequestEmailChange, RequestEmailChangeError, RequestMailError,
    RequestSignInCode, SendVerificationError, SignIn, SignedIn,
};

use super::app::{HOUR, MINUTE, MailApp, OTHER, caller, caller_at};
use crate::app::{EMAIL, PASSWORD};

async fn reset(app: &MailApp, email: &str, caller: &Caller) -> Result<(), Duration> {
    match app.request_password_reset(email, caller).await {
        Ok(_) => Ok(()),
        Err(RequestMailError::TooManyAttempts { retry_after }) => Err(retry_after),
        Err(error) => unreachable!("{error}"),
    }
}

#[tokio::test]
async fn an_email_address_gets_five_mails_an_hour_whether_or_not_it_has_an_account() {
    let app = MailApp::new().await;
    app.verified_account(EMAIL).await;
    for email in [EMAIL, "nobody@example.com"] {
        for n in 0..4 {
            assert_eq!(reset(&app, email, &caller_at(n)).await, Ok(()));
            app.advance(MINUTE);
        }
        // Codes for signing in share the limit.
        let caller = caller_at(4);
        let request = RequestSignInCode { email, remember: false, caller: &caller };
        app.request_sign_in_code(request).await.unwrap();
        let rejected = app.request_sign_in_code(request).await;
        assert!(matches!(rejected, Err(RequestMailError::TooManyAttempts { .. })));
        assert_eq!(reset(&app, email, &caller_at(5)).await, Err(56 * MINUTE));
        app.advance(56 * MINUTE);
        assert_eq!(reset(&app, email, &caller_at(5)).await, Ok(()));
        assert_eq!(reset(&app, email, &caller_at(5)).await, Err(MINUTE));
        app.advance(HOUR);
    }
}

#[tokio::test]
async fn a_known_browser_has_five_mails_of_its_own() {
    let app = MailApp::new().await;
    app.verified_account(EMAIL).await;
    let tokens = app.sign_in(SignIn::new(EMAIL, PASSWORD, &caller())).await.unwrap();
    let browser = Caller { device: tokens.device, ..caller() };
    for n in 0..5 {
        assert_eq!(reset(&app, EMAIL, &caller_at(n)).await, Ok(()));
    }
    assert!(reset(&app, EMAIL, &caller()).await.is_err());
    for _ in 0..5 {
        assert_eq!(reset(&app, EMAIL, &browser).await, Ok(()));
    }
    assert_eq!(reset(&app, EMAIL, &browser).await, Err(HOUR));
}

#[tokio::test]
async fn all_known_browsers_of_an_account_request_twenty_mails_an_hour() {
    let app = MailApp::new().await;
    app.verified_account(EMAIL).await;
    for n in 0..5 {
        let tokens = app.sign_in(SignIn::new(EMAIL, PASSWORD, &caller_at(n))).await.unwrap();
        let browser = Caller { device: tokens.device, ..caller_at(n) };
        let expected = if n < 4 { Ok(()) } else { Err(HOUR) };
        for _ in 0..5 {
            assert_eq!(reset(&app, EMAIL, &browser).await, expected);
        }
    }
    // Other browsers have the limit of the email address.
    assert_eq!(reset(&app, EMAIL, &caller_at(5)).await, Ok(()));
}

#[tokio::test]
async fn an_ipv6_site_requests_eighty_mails_an_hour_in_known_browsers_too() {
    let app = MailApp::new().await;
    app.verified_account(EMAIL).await;
    let at = |subnet| -> Caller {
        let ip = Ipv6Addr::new(0x2001, 0xdb8, 1, subnet, 0, 0, 0, 1);
        ClientInfo::new(Some(ip.into()), None).into()
    };
    let tokens = app.sign_in(SignIn::new(EMAIL, PASSWORD, &at(0))).await.unwrap();
    for n in 0..80 {
        let email = format!("user{n}@example.com");
        assert_eq!(reset(&app, &email, &at(n / 20)).await, Ok(()));
    }
    let browser = Caller { device: tokens.device.clone(), ..at(4) };
    assert_eq!(reset(&app, EMAIL, &browser).await, Err(HOUR));
    let elsewhere = Caller { device: tokens.device, ..caller() };
    assert_eq!(reset(&app, EMAIL, &elsewhere).await, Ok(()));
}

#[tokio::test]
async fn an_ip_address_requests_twenty_mails_an_hour() {
    let app = MailApp::new().await;
    for n in 0..20 {
        assert_eq!(reset(&app, &format!("user{n}@example.com"), &caller()).await, Ok(()));
    }
    assert_eq!(reset(&app, EMAIL, &caller()).await, Err(HOUR));
    assert_eq!(reset(&app, EMAIL, &caller_at(1)).await, Ok(()));
}

async fn change(
    app: &MailApp,
    signed_in: &SignedIn,
    new_email: &str,
) -> Result<Duration, RequestEmailChangeError> {
    let caller = &caller();
    app.request_email_change(RequestEmailChange {
        signed_in,
        new_email,
        password: PASSWORD,
        caller,
    })
    .await
}

#[tokio::test]
async fn a_user_requests_five_mails_an_hour_not_counting_the_sign_up() {
    let app = MailApp::new().await;
    app.account(EMAIL).await;
    let ada = app.signed_in(EMAIL).await;
    for _ in 0..5 {
        app.send_verification_code(&ada, &caller()).await.unwrap();
    }
    let result = app.send_verification_code(&ada, &caller()).await;
    assert!(
        matches!(result, Err(SendVerificationError::TooManyAttempts { retry_after }) if retry_after == HOUR)
    );
    let result = change(&app, &ada, "ada@new.example").await;
    assert!(
        matches!(result, Err(RequestEmailChangeError::TooManyAttempts { retry_after }) if retry_after == HOUR)
    );
    // The limit of the email address is another one.
    assert_eq!(reset(&app, EMAIL, &caller()).await, Ok(()));
}

#[tokio::test]
async fn an_email_address_gets_six_verifications_an_hour_from_all_its_accounts() {
    let app = MailApp::new().await;
    let mut mails = 0;
    for _ in 0..8 {
        app.sign_up(EMAIL, PASSWORD, &caller()).await.unwrap();
        mails += 1;
        let squatter = app.signed_in(EMAIL).await;
        while app.send_verification_code(&squatter, &caller()).await.is_ok() {
            mails += 1;
        }
        let _ = app.delete_account(&squatter, PASSWORD, &caller()).await.unwrap();
    }
    // After six mails, the address gets only those of sign-ups.
    assert_eq!(mails, 6 + 7);
    // They do not use up the resets.
    assert_eq!(reset(&app, EMAIL, &caller()).await, Ok(()));
    app.sign_up(OTHER, PASSWORD, &caller()).await.unwrap();
    let grace = app.signed_in(OTHER).await;
    app.send_verification_code(&grace, &caller()).await.unwrap();
}

#[tokio::test]
async fn a_change_counts_for_the_new_email_address() {
    let app = MailApp::new().await;
    let ada = app.ada().await;
    for n in 0..5 {
        assert_eq!(reset(&app, "victim@example.com", &caller_at(n)).await, Ok(()));
    }
    let result = change(&app, &ada, "victim@example.com").await;
    assert!(matches!(result, Err(RequestEmailChangeError::TooManyAttempts { .. })));
    // A rejected request counts for nobody, and the password was correct.
    for n in 0..5 {
        change(&app, &ada, &format!("ada{n}@example.com")).await.unwrap();
    }
}

#[tokio::test]
async fn without_a_throttle_any_number_of_mails_can_be_requested() {
    let app = MailApp::with_config(|config| config.throttle = false).await;
    for _ in 0..30 {
        assert_eq!(reset(&app, EMAIL, &caller()).await, Ok(()));
    }
}

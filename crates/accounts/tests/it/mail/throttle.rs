use std::net::Ipv6Addr;
use std::time::Duration;

use accounts::{
    Accounts, Caller, ChangePassword, ClientInfo, OwnAccountError, RequestEmailChange,
    RequestEmailChangeError, RequestMailError, RequestSignInCode, SendVerificationError, SignIn,
    SignedIn,
};
use futures_util::future::join_all;

use super::app::{HOUR, MINUTE, MailApp, OTHER, caller, caller_at, token};
use crate::app::{EMAIL, NEW_PASSWORD, PASSWORD};
use crate::throttle::WRONG;

const UNKNOWN: &str = "nobody@example.com";

async fn reset(server: &Accounts, email: &str, caller: &Caller) -> Result<(), Duration> {
    admitted(server.request_password_reset(email, caller).await)
}

async fn sign_in_code(server: &Accounts, email: &str, caller: &Caller) -> Result<(), Duration> {
    let request = RequestSignInCode { email, remember: false, caller };
    admitted(server.request_sign_in_code(request).await)
}

fn admitted<T>(requested: Result<T, RequestMailError>) -> Result<(), Duration> {
    match requested {
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
    let tokens =
        app.sign_in(SignIn::new(EMAIL, PASSWORD, &caller())).await.unwrap().into_tokens().unwrap();
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
        let tokens = app
            .sign_in(SignIn::new(EMAIL, PASSWORD, &caller_at(n)))
            .await
            .unwrap()
            .into_tokens()
            .unwrap();
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
    let tokens =
        app.sign_in(SignIn::new(EMAIL, PASSWORD, &at(0))).await.unwrap().into_tokens().unwrap();
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

#[track_caller]
fn assert_rejected(change: Result<Duration, RequestEmailChangeError>, wait: Duration) {
    match change {
        Err(RequestEmailChangeError::TooManyAttempts { retry_after }) => {
            assert_eq!(retry_after, wait);
        }
        other => unreachable!("{other:?}"),
    }
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
    assert_rejected(change(&app, &ada, "ada@new.example").await, HOUR);
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
    assert_rejected(change(&app, &ada, "victim@example.com").await, HOUR);
    // A rejected request counts for nobody, and the password was correct.
    for n in 0..5 {
        change(&app, &ada, &format!("ada{n}@example.com")).await.unwrap();
    }
}

#[tokio::test]
async fn changes_and_codes_use_up_the_mails_of_the_email_address() {
    let app = MailApp::new().await;
    let ada = app.ada().await;
    app.account(OTHER).await;
    for email in [OTHER, UNKNOWN] {
        for n in 0..2 {
            change(&app, &ada, email).await.unwrap();
            assert_eq!(sign_in_code(&app, email, &caller_at(n)).await, Ok(()));
        }
        assert_eq!(reset(&app, email, &caller_at(2)).await, Ok(()));
        assert_eq!(reset(&app, email, &caller_at(3)).await, Err(HOUR));
        assert_eq!(sign_in_code(&app, email, &caller_at(3)).await, Err(HOUR));
        assert_rejected(change(&app, &ada, email).await, HOUR);
    }
}

#[tokio::test]
async fn changes_and_codes_use_up_the_mails_of_the_ip_address() {
    let app = MailApp::new().await;
    let ada = app.ada().await;
    app.account(OTHER).await;
    let grace = app.signed_in(OTHER).await;
    for n in 0..5 {
        change(&app, &ada, &format!("ada{n}@example.com")).await.unwrap();
    }
    for n in 0..15 {
        let email = format!("user{n}@example.com");
        assert_eq!(sign_in_code(&app, &email, &caller()).await, Ok(()));
    }
    assert_eq!(reset(&app, UNKNOWN, &caller()).await, Err(HOUR));
    assert_eq!(sign_in_code(&app, UNKNOWN, &caller()).await, Err(HOUR));
    assert_rejected(change(&app, &grace, UNKNOWN).await, HOUR);
    assert_eq!(reset(&app, UNKNOWN, &caller_at(1)).await, Ok(()));
}

#[tokio::test]
async fn changes_use_up_the_mails_of_the_user() {
    let app = MailApp::new().await;
    app.account(EMAIL).await;
    let ada = app.signed_in(EMAIL).await;
    for n in 0..5 {
        change(&app, &ada, &format!("ada{n}@example.com")).await.unwrap();
    }
    assert_rejected(change(&app, &ada, "ada@new.example").await, HOUR);
    let result = app.send_verification_code(&ada, &caller()).await;
    assert!(
        matches!(result, Err(SendVerificationError::TooManyAttempts { retry_after }) if retry_after == HOUR)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_on_two_servers_send_five_mails() {
    let app = MailApp::new().await;
    let other_server = app.another_server().await;
    app.verified_account(EMAIL).await;
    let callers: Vec<_> = (0..12).map(caller_at).collect();
    for email in [EMAIL, UNKNOWN] {
        let results = join_all(callers.iter().enumerate().map(|(n, caller)| {
            let server = if n % 2 == 0 { &*app } else { &other_server };
            reset(server, email, caller)
        }))
        .await;
        let admitted = results.iter().filter(|result| result.is_ok()).count();
        let rejected = results.iter().filter(|result| **result == Err(HOUR)).count();
        assert_eq!((admitted, rejected), (5, 7), "{email}: {results:?}");
    }
}

/// Otherwise, a browser could request more mails after each reset.
#[tokio::test]
async fn a_browser_that_resets_the_password_keeps_its_limit() {
    let app = MailApp::new().await;
    app.verified_account(EMAIL).await;
    let tokens =
        app.sign_in(SignIn::new(EMAIL, PASSWORD, &caller())).await.unwrap().into_tokens().unwrap();
    let browser = Caller { device: tokens.device, ..caller() };
    for _ in 0..5 {
        assert_eq!(reset(&app, EMAIL, &browser).await, Ok(()));
    }
    let token = token(&app.deliver_one().await);
    let done = app.reset_password(&token, NEW_PASSWORD, &browser).await.unwrap();
    let browser = Caller { device: done.device, ..caller() };
    assert_eq!(reset(&app, EMAIL, &browser).await, Err(HOUR));
}

#[tokio::test]
async fn wrong_passwords_count_together_with_those_of_password_changes() {
    let app = MailApp::new().await;
    let (signed_in, caller) = (&app.ada().await, &caller());
    let change_password = async |current_password| {
        let new_password = NEW_PASSWORD;
        let change = ChangePassword { signed_in, current_password, new_password, caller };
        app.change_password(change).await
    };
    let wrong = RequestEmailChange { signed_in, new_email: OTHER, password: WRONG, caller };
    for _ in 0..5 {
        let changed = app.request_email_change(wrong).await;
        assert!(matches!(changed, Err(RequestEmailChangeError::WrongPassword)));
        let changed = change_password(WRONG).await;
        assert!(matches!(changed, Err(OwnAccountError::WrongPassword)));
    }
    assert_rejected(change(&app, signed_in, OTHER).await, MINUTE);
    let changed = change_password(PASSWORD).await;
    assert!(
        matches!(changed, Err(OwnAccountError::TooManyAttempts { retry_after }) if retry_after == MINUTE)
    );
}

#[tokio::test]
async fn the_correct_password_resets_the_counter_of_wrong_ones() {
    let app = MailApp::new().await;
    let (signed_in, caller) = (&app.ada().await, &caller());
    let wrong = RequestEmailChange { signed_in, new_email: OTHER, password: WRONG, caller };
    for n in 0..2 {
        for _ in 0..9 {
            let changed = app.request_email_change(wrong).await;
            assert!(matches!(changed, Err(RequestEmailChangeError::WrongPassword)));
        }
        change(&app, signed_in, &format!("ada{n}@example.com")).await.unwrap();
    }
}

#[tokio::test]
async fn without_a_throttle_any_number_of_mails_can_be_requested() {
    let app = MailApp::with_config(|config| config.throttle = false).await;
    app.account(EMAIL).await;
    let ada = app.signed_in(EMAIL).await;
    for _ in 0..21 {
        assert_eq!(reset(&app, EMAIL, &caller()).await, Ok(()));
        assert_eq!(sign_in_code(&app, EMAIL, &caller()).await, Ok(()));
        app.send_verification_code(&ada, &caller()).await.unwrap();
        change(&app, &ada, OTHER).await.unwrap();
    }
}

use std::time::Duration;

use accounts::{
    Accounts, Caller, ChangePassword, ClientInfo, DeleteAccountOutcome, IssuedTokens,
    OwnAccountError, SignIn, SignInError, SignUpError,
};
use futures_util::future::join_all;

use crate::app::{EMAIL, NEW_PASSWORD, PASSWORD, TestApp};

const WRONG: &str = "a short walk along the sea";
const MINUTE: Duration = Duration::from_mins(1);

/// Returns a caller without a device token at this IP address.
fn at(ip: [u8; 4]) -> Caller {
    ClientInfo::new(Some(ip.into()), None).into()
}

async fn sign_in(
    server: &Accounts,
    email: &str,
    password: &str,
    caller: &Caller,
) -> Result<IssuedTokens, SignInError> {
    server.sign_in(SignIn::new(email, password, caller)).await
}

async fn fail(server: &Accounts, email: &str, caller: &Caller) {
    let failed = sign_in(server, email, WRONG, caller).await;
    assert!(matches!(failed, Err(SignInError::InvalidCredentials)), "{failed:?}");
}

#[track_caller]
fn assert_retry_after(rejected: Result<IssuedTokens, SignInError>, wait: Duration) {
    match rejected {
        Err(SignInError::TooManyAttempts { retry_after }) => assert_eq!(retry_after, wait),
        other => unreachable!("{other:?}"),
    }
}

/// Returns a browser that Ada's account knows.
async fn known_browser(server: &Accounts) -> Caller {
    let issued = sign_in(server, EMAIL, PASSWORD, &at([192, 0, 2, 9])).await.unwrap();
    Caller { device: issued.device, ..at([192, 0, 2, 10]) }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_wrong_passwords_on_two_servers_are_checked_ten_times() {
    let app = TestApp::new().await;
    let other_server = app.another_server().await;
    app.account().await;
    for email in [EMAIL, "nobody@example.com", "no address"] {
        let callers: Vec<_> = (0..40).map(|n| at([198, 51, 100, n])).collect();
        let results = join_all(callers.iter().enumerate().map(|(n, caller)| {
            let server = if n % 2 == 0 { &*app } else { &other_server };
            sign_in(server, email, WRONG, caller)
        }))
        .await;
        let checked =
            |result: &&Result<_, _>| matches!(result, Err(SignInError::InvalidCredentials));
        assert_eq!(results.iter().filter(checked).count(), 10, "{email}");
        for result in results.into_iter().filter(|result| !checked(&result)) {
            assert_retry_after(result, MINUTE);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_correct_passwords_on_two_servers_are_not_rejected() {
    let app = TestApp::new().await;
    let other_server = app.another_server().await;
    app.account().await;
    let caller = at([192, 0, 2, 1]);
    let results = join_all((0..40).map(|n| {
        let server = if n % 2 == 0 { &*app } else { &other_server };
        sign_in(server, EMAIL, PASSWORD, &caller)
    }))
    .await;
    assert!(results.iter().all(Result::is_ok));
}

#[tokio::test]
async fn a_throttled_sign_in_reveals_nothing_about_the_password_or_the_account() {
    let app = TestApp::new().await;
    app.account().await;
    for email in [EMAIL, "nobody@example.com"] {
        for n in 0..10 {
            fail(&app, email, &at([198, 51, 100, n])).await;
        }
        for password in [WRONG, PASSWORD] {
            assert_retry_after(sign_in(&app, email, password, &at([192, 0, 2, 1])).await, MINUTE);
        }
    }
}

#[tokio::test]
async fn an_attacker_cannot_lock_the_owner_out_and_the_owner_does_not_reset_the_attackers_lockout()
{
    let app = TestApp::new().await;
    app.account().await;
    let (owner, attacker) = (known_browser(&app).await, at([198, 51, 100, 1]));
    for _ in 0..10 {
        fail(&app, EMAIL, &attacker).await;
    }
    sign_in(&app, EMAIL, PASSWORD, &owner).await.unwrap();
    assert_retry_after(sign_in(&app, EMAIL, PASSWORD, &attacker).await, MINUTE);
    // The known browser has its own limit, whatever its IP address is.
    let roaming = Caller { client: attacker.client.clone(), ..owner };
    for _ in 0..10 {
        fail(&app, EMAIL, &roaming).await;
    }
    assert_retry_after(sign_in(&app, EMAIL, PASSWORD, &roaming).await, MINUTE);
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
    for n in 0..10 {
        fail(&app, grace, &at([198, 51, 100, n])).await;
    }
    assert_retry_after(sign_in(&app, grace, PASSWORD, &browser).await, MINUTE);
    // The browser is known on every server and keeps its token.
    let other_server = app.another_server().await;
    let again = sign_in(&other_server, EMAIL, PASSWORD, &browser).await.unwrap();
    let text = |caller: &Caller| caller.device.as_ref().unwrap().to_text();
    assert_eq!(*again.device.unwrap().to_text(), *text(&browser));
}

#[tokio::test]
async fn a_success_resets_the_counter_of_the_account_but_not_that_of_the_ip_address() {
    let app = TestApp::new().await;
    app.account().await;
    let caller = at([192, 0, 2, 1]);
    for _ in 0..3 {
        for _ in 0..9 {
            fail(&app, EMAIL, &caller).await;
        }
        sign_in(&app, EMAIL, PASSWORD, &caller).await.unwrap();
    }
    for _ in 0..3 {
        fail(&app, "nobody@example.com", &caller).await;
    }
    app.advance(5 * MINUTE);
    assert_retry_after(sign_in(&app, EMAIL, PASSWORD, &caller).await, 10 * MINUTE);
    let neighbour = at([192, 0, 2, 2]);
    sign_in(&app, EMAIL, PASSWORD, &neighbour).await.unwrap();
    app.advance(10 * MINUTE);
    sign_in(&app, EMAIL, PASSWORD, &caller).await.unwrap();
}

#[tokio::test]
async fn wrong_passwords_of_signed_in_users_are_counted_too() {
    let app = TestApp::new().await;
    let (ada, caller) = (app.user().await, at([192, 0, 2, 1]));
    let change_password = async |current_password, new_password| {
        let (signed_in, caller) = (&*ada, &caller);
        let change = ChangePassword { signed_in, current_password, new_password, caller };
        app.change_password(change).await
    };
    for _ in 0..5 {
        let changed = change_password(WRONG, NEW_PASSWORD).await;
        assert!(matches!(changed, Err(OwnAccountError::WrongPassword)));
        let deleted = app.delete_account(&ada, WRONG, &caller).await;
        assert!(matches!(deleted, Err(OwnAccountError::WrongPassword)));
    }
    for password in [WRONG, PASSWORD] {
        let deleted = app.delete_account(&ada, password, &caller).await;
        assert!(matches!(deleted, Err(OwnAccountError::TooManyAttempts { .. })));
    }
    assert_retry_after(sign_in(&app, EMAIL, PASSWORD, &caller).await, MINUTE);
    // A new password that breaks a rule is reported despite the lockout.
    let changed = change_password(PASSWORD, "short").await;
    assert!(matches!(changed, Err(OwnAccountError::Invalid(_))));
    app.advance(MINUTE);
    let deleted = app.delete_account(&ada, PASSWORD, &caller).await.unwrap();
    assert_eq!(deleted, DeleteAccountOutcome::UnknownBrowser);
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

#[tokio::test]
async fn sign_ups_from_one_ip_address_are_limited_per_hour() {
    let app = TestApp::new().await;
    let caller = at([192, 0, 2, 1]);
    let sign_up = async |email: &str, caller: &Caller| app.sign_up(email, PASSWORD, caller).await;
    for n in 0..10 {
        let email = format!("user{n}@example.com");
        sign_up(&email, &caller).await.unwrap();
        assert!(matches!(sign_up(&email, &caller).await, Err(SignUpError::EmailTaken)));
        // A sign-up that breaks a rule is not counted.
        assert!(matches!(sign_up("", &caller).await, Err(SignUpError::Invalid { .. })));
    }
    for email in ["user1@example.com", "new@example.com"] {
        let rejected = sign_up(email, &caller).await;
        let hour = 60 * MINUTE;
        assert!(
            matches!(rejected, Err(SignUpError::TooManyAttempts { retry_after }) if retry_after == hour)
        );
    }
    sign_up("neighbour@example.com", &at([192, 0, 2, 2])).await.unwrap();
    sign_up("operator@example.com", &Caller::default()).await.unwrap();
    app.advance(60 * MINUTE);
    sign_up("new@example.com", &caller).await.unwrap();
}

#[tokio::test]
async fn no_attempt_is_rejected_without_the_throttle() {
    let app = TestApp::with_config(|config| config.throttle = false).await;
    let caller = at([192, 0, 2, 1]);
    for n in 0..21 {
        app.sign_up(&format!("user{n}@example.com"), PASSWORD, &caller).await.unwrap();
    }
    for _ in 0..31 {
        fail(&app, EMAIL, &caller).await;
    }
}

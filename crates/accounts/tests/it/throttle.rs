use std::net::IpAddr;
use std::time::Duration;

use accounts::{
    Accounts, Caller, ChangePassword, ClientInfo, DeleteAccountOutcome, IssuedTokens,
    OwnAccountError, SignIn, SignInError, SignUpError,
};
use futures_util::future::join_all;

use crate::app::{EMAIL, NEW_PASSWORD, PASSWORD, TestApp};
use crate::known_browsers::known_browser;

pub(crate) const WRONG: &str = "a short walk along the sea";
const MINUTE: Duration = Duration::from_mins(1);

/// Returns a caller without a device token at this IP address.
pub(crate) fn at(ip: impl Into<IpAddr>) -> Caller {
    ClientInfo::new(Some(ip.into()), None).into()
}

/// Returns the first caller in the `n`th /64 of the IPv6 site `2001:db8:SITE::/48`.
fn in_subnet(site: u16, n: u16) -> Caller {
    at([0x2001, 0xdb8, site, n, 0, 0, 0, 1])
}

pub(crate) async fn sign_in(
    server: &Accounts,
    email: &str,
    password: &str,
    caller: &Caller,
) -> Result<IssuedTokens, SignInError> {
    let outcome = server.sign_in(SignIn::new(email, password, caller)).await;
    outcome.map(|outcome| outcome.into_tokens().unwrap())
}

pub(crate) async fn fail(server: &Accounts, email: &str, caller: &Caller) {
    let failed = sign_in(server, email, WRONG, caller).await;
    assert!(matches!(failed, Err(SignInError::InvalidCredentials)), "{failed:?}");
}

#[track_caller]
pub(crate) fn assert_retry_after(rejected: Result<IssuedTokens, SignInError>, wait: Duration) {
    match rejected {
        Err(SignInError::TooManyAttempts { retry_after }) => assert_eq!(retry_after, wait),
        other => unreachable!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_wrong_passwords_on_two_servers_are_checked_ten_times() {
    let app = TestApp::new().await;
    let other_server = app.another_server().await;
    app.account().await;
    for (ip, email) in [(1, EMAIL), (2, "nobody@example.com"), (3, "no address")] {
        let caller = at([198, 51, 100, ip]);
        let results = join_all((0..40).map(|n| {
            let server = if n % 2 == 0 { &*app } else { &other_server };
            sign_in(server, email, WRONG, &caller)
        }));
        assert_eq!(checked_passwords(results.await), 10, "{email}");
    }
}

/// Returns how many of the passwords were checked and wrong. Asserts that the other attempts were
/// rejected for a minute.
fn checked_passwords(results: Vec<Result<IssuedTokens, SignInError>>) -> usize {
    let checked = |result: &&Result<_, _>| matches!(result, Err(SignInError::InvalidCredentials));
    let count = results.iter().filter(checked).count();
    for result in results.into_iter().filter(|result| !checked(&result)) {
        assert_retry_after(result, MINUTE);
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_at_many_ip_addresses_have_a_hundred_attempts_a_day_together() {
    let app = TestApp::new().await;
    let other_server = app.another_server().await;
    app.account().await;
    let owner = known_browser(&app).await;
    for (network, email) in [(100, EMAIL), (101, "nobody@example.com")] {
        let callers: Vec<_> = (0..120).map(|n| at([198, 51, network, n])).collect();
        let results = join_all(callers.iter().enumerate().map(|(n, caller)| {
            let server = if n % 2 == 0 { &*app } else { &other_server };
            sign_in(server, email, WRONG, caller)
        }));
        assert_eq!(checked_passwords(results.await), 100, "{email}");
        let rejected = sign_in(&app, email, PASSWORD, &at([192, 0, 2, 1])).await;
        assert_retry_after(rejected, MINUTE);
    }
    // The owner's known browser is exempt, and its success does not let strangers in.
    sign_in(&app, EMAIL, PASSWORD, &owner).await.unwrap();
    assert_retry_after(sign_in(&app, EMAIL, PASSWORD, &at([192, 0, 2, 1])).await, MINUTE);
    // A correct password from an unknown browser does not reset the counter of all strangers.
    app.advance(MINUTE);
    sign_in(&app, EMAIL, PASSWORD, &at([192, 0, 2, 1])).await.unwrap();
    fail(&app, EMAIL, &at([192, 0, 2, 1])).await;
    assert_retry_after(sign_in(&app, EMAIL, PASSWORD, &at([192, 0, 2, 1])).await, 2 * MINUTE);
    app.advance(24 * 60 * MINUTE);
    for _ in 0..2 {
        fail(&app, EMAIL, &at([192, 0, 2, 1])).await;
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
    for (ip, email) in [(1, EMAIL), (2, "nobody@example.com")] {
        let caller = at([192, 0, 2, ip]);
        for _ in 0..10 {
            fail(&app, email, &caller).await;
        }
        for password in [WRONG, PASSWORD] {
            assert_retry_after(sign_in(&app, email, password, &caller).await, MINUTE);
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
    // The owner can also use a new browser at another IP address.
    sign_in(&app, EMAIL, PASSWORD, &at([192, 0, 2, 1])).await.unwrap();
    assert_retry_after(sign_in(&app, EMAIL, PASSWORD, &attacker).await, MINUTE);
    // The known browser has its own limit, whatever its IP address is.
    let roaming = Caller { client: attacker.client.clone(), ..owner };
    for _ in 0..10 {
        fail(&app, EMAIL, &roaming).await;
    }
    assert_retry_after(sign_in(&app, EMAIL, PASSWORD, &roaming).await, MINUTE);
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
    assert_retry_after(sign_in(&app, EMAIL, PASSWORD, &caller).await, MINUTE);
    let neighbour = at([192, 0, 2, 2]);
    sign_in(&app, EMAIL, PASSWORD, &neighbour).await.unwrap();
    app.advance(MINUTE);
    sign_in(&app, EMAIL, PASSWORD, &caller).await.unwrap();
    fail(&app, EMAIL, &caller).await;
    assert_retry_after(sign_in(&app, EMAIL, PASSWORD, &caller).await, 2 * MINUTE);
    // The first failures have left the window of 15 minutes.
    app.advance(15 * MINUTE);
    for _ in 0..2 {
        fail(&app, "nobody@example.com", &caller).await;
    }
}

#[tokio::test]
async fn failures_of_a_known_browser_count_for_its_ip_address() {
    let app = TestApp::new().await;
    app.account().await;
    let owner = known_browser(&app).await;
    let stranger = Caller { device: None, ..owner.clone() };
    for n in 0..20 {
        fail(&app, &format!("user{n}@example.com"), &stranger).await;
    }
    for _ in 0..9 {
        fail(&app, EMAIL, &owner).await;
    }
    fail(&app, "nobody@example.com", &stranger).await;
    // A stranger behind the same NAT can use up the limit of the IP address. The known browser is
    // not exempt from it, but its user can log in from elsewhere.
    assert_retry_after(sign_in(&app, EMAIL, PASSWORD, &owner).await, MINUTE);
    let elsewhere = Caller { device: owner.device.clone(), ..at([203, 0, 113, 1]) };
    sign_in(&app, EMAIL, PASSWORD, &elsewhere).await.unwrap();
    // One failure per lockout does not keep the users of the IP address out.
    for minutes in [1, 2, 4, 8] {
        app.advance(minutes * MINUTE);
        fail(&app, "nobody@example.com", &stranger).await;
    }
    sign_in(&app, EMAIL, PASSWORD, &owner).await.unwrap();
}

#[tokio::test]
async fn thirty_slow_failures_at_one_ip_address_begin_lockouts() {
    let app = TestApp::new().await;
    app.account().await;
    let attacker = at([198, 51, 100, 1]);
    for _ in 0..30 {
        fail(&app, EMAIL, &attacker).await;
        app.advance(2 * MINUTE);
    }
    fail(&app, EMAIL, &attacker).await;
    assert_retry_after(sign_in(&app, EMAIL, PASSWORD, &attacker).await, 2 * MINUTE);
    sign_in(&app, EMAIL, PASSWORD, &at([192, 0, 2, 1])).await.unwrap();
}

#[tokio::test]
async fn an_ipv6_site_has_four_times_the_limits_of_an_ip_address() {
    let app = TestApp::new().await;
    app.account().await;
    // To one account.
    for subnet in 0..4 {
        for _ in 0..10 {
            fail(&app, EMAIL, &in_subnet(1, subnet)).await;
        }
        let rejected = sign_in(&app, EMAIL, PASSWORD, &in_subnet(1, subnet)).await;
        assert_retry_after(rejected, MINUTE);
    }
    assert_retry_after(sign_in(&app, EMAIL, PASSWORD, &in_subnet(1, 4)).await, MINUTE);
    sign_in(&app, EMAIL, PASSWORD, &in_subnet(2, 0)).await.unwrap();
    // To any account: 40 of 120 attempts of the site are used.
    for n in 0..80 {
        fail(&app, &format!("user{n}@example.com"), &in_subnet(1, 4 + n / 20)).await;
    }
    let rejected = sign_in(&app, "nobody@example.com", PASSWORD, &in_subnet(1, 9)).await;
    assert_retry_after(rejected, MINUTE);
    fail(&app, "nobody@example.com", &in_subnet(2, 1)).await;
    // Sign-ups.
    for n in 0..80 {
        let email = format!("user{n}@example.com");
        app.sign_up(&email, PASSWORD, &in_subnet(3, n / 20)).await.unwrap();
    }
    let sign_up = async |caller| app.sign_up("new@example.com", PASSWORD, &caller).await;
    assert!(matches!(sign_up(in_subnet(3, 9)).await, Err(SignUpError::TooManyAttempts { .. })));
    sign_up(in_subnet(4, 0)).await.unwrap();
}

#[tokio::test]
async fn neighbours_in_an_ipv6_site_do_not_lock_out_known_browsers() {
    let app = TestApp::new().await;
    app.account().await;
    let owner = Caller { device: known_browser(&app).await.device, ..in_subnet(1, 9) };
    for n in 0..120 {
        fail(&app, &format!("user{n}@example.com"), &in_subnet(1, n / 30)).await;
    }
    let stranger = Caller { device: None, ..owner.clone() };
    assert_retry_after(sign_in(&app, EMAIL, PASSWORD, &stranger).await, MINUTE);
    sign_in(&app, EMAIL, PASSWORD, &owner).await.unwrap();
    // A neighbour in the same /64 shares the IP address with the owner.
    let neighbour = in_subnet(2, 9);
    for n in 0..30 {
        fail(&app, &format!("user{n}@example.com"), &neighbour).await;
    }
    let beside_neighbour = Caller { client: neighbour.client, ..owner };
    assert_retry_after(sign_in(&app, EMAIL, PASSWORD, &beside_neighbour).await, MINUTE);
}

#[tokio::test]
async fn callers_without_an_ip_address_share_the_limits_of_one() {
    let app = TestApp::new().await;
    let nowhere = Caller::default();
    for n in 0..20 {
        app.sign_up(&format!("user{n}@example.com"), PASSWORD, &nowhere).await.unwrap();
    }
    let rejected = app.sign_up(EMAIL, PASSWORD, &nowhere).await;
    assert!(matches!(rejected, Err(SignUpError::TooManyAttempts { .. })));
    for n in 0..30 {
        fail(&app, &format!("user{n}@example.com"), &nowhere).await;
    }
    let email = "user1@example.com";
    assert_retry_after(sign_in(&app, email, PASSWORD, &nowhere).await, MINUTE);
    sign_in(&app, email, PASSWORD, &at([192, 0, 2, 1])).await.unwrap();
}

#[tokio::test]
async fn an_operator_unlocks_an_account_for_everyone() {
    let app = TestApp::new().await;
    let ada = app.account().await;
    let (owner, stranger) = (known_browser(&app).await, at([198, 51, 100, 1]));
    let operator = app.operator();
    assert_eq!(operator.unlock(ada.id).await.unwrap(), None);
    for caller in [&owner, &stranger] {
        for _ in 0..10 {
            fail(&app, EMAIL, caller).await;
        }
        assert_retry_after(sign_in(&app, EMAIL, PASSWORD, caller).await, MINUTE);
    }
    let lockouts = operator.lockouts(ada.id).await.unwrap();
    let until = Some(app.now() + MINUTE);
    assert_eq!((lockouts.unknown_browsers, lockouts.single_clients), (None, until));
    assert_eq!(operator.unlock(ada.id).await.unwrap(), Some(lockouts));
    for caller in [&owner, &stranger] {
        sign_in(&app, EMAIL, PASSWORD, caller).await.unwrap();
    }
    assert_eq!(operator.lockouts(ada.id).await.unwrap().single_clients, None);
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
        assert!(
            matches!(rejected, Err(SignUpError::TooManyAttempts { retry_after }) if retry_after == MINUTE)
        );
    }
    sign_up("neighbour@example.com", &at([192, 0, 2, 2])).await.unwrap();
    sign_up("operator@example.com", &Caller::default()).await.unwrap();
    // After each lockout, one sign-up is admitted. An hour later, all are.
    app.advance(MINUTE);
    sign_up("new@example.com", &caller).await.unwrap();
    assert!(sign_up("other@example.com", &caller).await.is_err());
    app.advance(60 * MINUTE);
    for n in 0..2 {
        sign_up(&format!("later{n}@example.com"), &caller).await.unwrap();
    }
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

//! The helpers for the tests of an app.

use std::sync::Arc;
use std::time::Duration;

use accounts::testing::{ManualClock, PASSWORD, memory_store, sign_in_as};
use accounts::{Accounts, Caller, EventKind, SignIn};

use crate::app::EMAIL;

async fn app(clock: &Arc<ManualClock>) -> Arc<Accounts> {
    let builder = Accounts::builder().store(memory_store()).public_url("http://localhost:3000");
    builder.for_tests().clock(Arc::<ManualClock>::clone(clock)).build().await.unwrap()
}

#[tokio::test]
async fn a_test_signs_users_in_without_their_passwords() {
    let clock = Arc::<ManualClock>::default();
    let accounts = app(&clock).await;
    let first = sign_in_as(&accounts, EMAIL).await;
    let second = sign_in_as(&accounts, &EMAIL.to_lowercase()).await;
    assert_eq!(first.user, second.user);
    for session in [&first, &second] {
        let authorization = session.authorization();
        let token = authorization.strip_prefix("Bearer ").unwrap();
        assert_eq!(accounts.authenticate(token).await.unwrap().id(), first.user.id);
    }
    let events = accounts.operator().events(None, None, 10).await.unwrap();
    let kinds: Vec<_> = events.into_iter().map(|(_, event)| event.kind).collect();
    assert_eq!(kinds, [EventKind::AccountCreated, EventKind::SignedIn, EventKind::SignedIn]);
    // The clock decides when tokens expire.
    clock.advance(Duration::from_secs(301));
    accounts.authenticate(first.tokens.access.token.as_str()).await.unwrap_err();
    let client = Caller::default().client;
    accounts.refresh(&first.tokens.refresh.token, &client).await.unwrap();
}

#[tokio::test]
async fn users_of_tests_have_a_known_password() {
    let accounts = app(&Arc::default()).await;
    sign_in_as(&accounts, EMAIL).await;
    let caller = Caller::default();
    let outcome = accounts.sign_in(SignIn::new(EMAIL, PASSWORD, &caller)).await.unwrap();
    assert!(outcome.into_tokens().is_some());
}

#[tokio::test]
async fn failed_sign_ins_are_not_limited_in_tests() {
    let accounts = app(&Arc::default()).await;
    let caller = Caller::default();
    for _ in 0..40 {
        let wrong = accounts.sign_in(SignIn::new(EMAIL, "wrong", &caller)).await;
        assert!(matches!(wrong, Err(accounts::SignInError::InvalidCredentials)), "{wrong:?}");
    }
}

#[tokio::test]
#[should_panic(expected = "cannot sign in as nobody: ")]
async fn a_test_with_an_invalid_email_address_fails() {
    let accounts = app(&Arc::default()).await;
    sign_in_as(&accounts, "nobody").await;
}

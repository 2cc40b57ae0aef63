use std::time::Duration;

use accounts::{
    Accounts, AuthenticateError, Caller, ClientInfo, IssuedTokens, JwkSet, SignIn, SignInError,
    SigningKeyError, Timestamp,
};
use auth_core::AccessTokenVerifier;
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::app::{
    EMAIL, PASSWORD, SERVICE, TestApp, authenticate, is_rejected, issue, refresh, session_on,
};

async fn rotate(server: &Accounts) -> String {
    server.operator().rotate_keys().await.unwrap().kid
}

async fn kids(server: &Accounts) -> Vec<String> {
    server.jwks().await.keys.into_iter().map(|key| key.kid).collect()
}

async fn is_signed_with_the_newest(
    server: &Accounts,
    tokens: &IssuedTokens,
    now: Timestamp,
) -> bool {
    let newest = JwkSet { keys: vec![server.jwks().await.keys.remove(0)] };
    let verifier = AccessTokenVerifier::new(SERVICE, SERVICE, &newest).unwrap();
    verifier.verify(tokens.access.token.as_str(), now).is_ok()
}

/// Returns tokens that are valid except that their key exists only in another store.
async fn tokens_of_an_unknown_key() -> IssuedTokens {
    TestApp::new().await.user().await.tokens
}

/// Paused time advances automatically when all tasks are waiting.
#[tokio::test(start_paused = true)]
async fn a_new_key_signs_immediately_and_older_tokens_stay_valid_on_every_server() {
    let app = TestApp::new().await;
    let (other_server, operator) = (app.another_server().await, app.another_server().await);
    let mut all = vec![app.user().await.tokens];
    let mut added = kids(&app).await;
    for _ in 0..3 {
        added.insert(0, rotate(&operator).await);
        let tokens = issue(&app, false).await;
        assert!(is_signed_with_the_newest(&operator, &tokens, app.now()).await);
        all.push(tokens.clone());
        for tokens in &all {
            authenticate(&other_server, tokens).await.unwrap();
            authenticate(&app, tokens).await.unwrap();
        }
        assert_eq!((kids(&app).await, kids(&other_server).await), (added.clone(), added.clone()));
        rotate(&operator).await;
        let refreshed = refresh(&other_server, &tokens).await.unwrap();
        assert!(is_signed_with_the_newest(&operator, &refreshed, app.now()).await);
        authenticate(&app, &refreshed).await.unwrap();
        added = kids(&operator).await;
    }
    assert_eq!(added.len(), 7);
    app.advance(Duration::from_mins(5));
    for tokens in &all {
        assert!(is_rejected(&app, tokens).await, "the tokens expire as usual");
    }
}

/// Paused time advances only while a task waits for it.
#[tokio::test(start_paused = true)]
async fn tokens_of_a_new_key_are_accepted_immediately_on_every_server() {
    let app = TestApp::new().await;
    let other_server = app.another_server().await;
    app.account().await;
    let start = Instant::now();
    rotate(&other_server).await;
    let new = session_on(&other_server).await;
    authenticate(&app, &new.tokens).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// Paused time advances only while a task waits for it.
#[tokio::test(start_paused = true)]
async fn tokens_of_a_retired_key_are_rejected_at_the_next_request_on_every_server() {
    let app = TestApp::new().await;
    let (other_server, operator) = (app.another_server().await, app.another_server().await);
    let old = app.user().await.tokens;
    let retired = kids(&app).await.remove(0);
    let start = Instant::now();
    rotate(&operator).await;
    authenticate(&other_server, &old).await.unwrap();
    operator.operator().retire_key(&retired).await.unwrap();
    for server in [&*app, &other_server, &operator] {
        assert!(is_rejected(server, &old).await);
    }
    let new = session_on(&app).await;
    for server in [&*app, &other_server, &operator] {
        assert!(is_rejected(server, &old).await);
        assert!(!kids(server).await.contains(&retired));
        authenticate(server, &new.tokens).await.unwrap();
    }
    // The session stays active: only its access token was signed with the retired key.
    let refreshed = refresh(&other_server, &old).await.unwrap();
    authenticate(&app, &refreshed).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_with_a_token_of_a_retired_key_are_all_rejected() {
    let app = TestApp::new().await;
    let other_server = app.another_server().await;
    let old = app.user().await.tokens;
    rotate(&other_server).await;
    let current = session_on(&app).await.tokens;
    let retired = kids(&other_server).await.remove(1);
    other_server.operator().retire_key(&retired).await.unwrap();
    let old = join_all((0..20).map(|_| is_rejected(&app, &old)));
    let current = join_all((0..20).map(|_| is_rejected(&app, &current)));
    let (old, current) = futures_util::future::join(old, current).await;
    assert!(old.iter().all(|rejected| *rejected));
    assert!(current.iter().all(|rejected| !rejected));
}

#[tokio::test]
async fn device_tokens_of_a_retired_key_are_rejected_at_the_next_sign_in_on_every_server() {
    let app = TestApp::new().await;
    let other_server = app.another_server().await;
    let device = app.user().await.tokens.device;
    let retired = kids(&app).await.remove(0);
    let at = |n: u8| ClientInfo::new(Some([198, 51, 100, n].into()), None);
    for n in 0..10 {
        let caller = Caller::from(at(100));
        let failed = app.sign_in(SignIn::new(EMAIL, "wrong", &caller)).await;
        assert!(matches!(failed, Err(SignInError::InvalidCredentials)), "{n}");
    }
    let browser = Caller { device, ..Caller::from(at(100)) };
    other_server.sign_in(SignIn::new(EMAIL, PASSWORD, &browser)).await.unwrap();
    rotate(&app).await;
    app.operator().retire_key(&retired).await.unwrap();
    let rejected = other_server.sign_in(SignIn::new(EMAIL, PASSWORD, &browser)).await;
    assert!(matches!(rejected, Err(SignInError::TooManyAttempts { .. })));
}

#[tokio::test]
async fn the_key_that_signs_cannot_be_retired() {
    let app = TestApp::new().await;
    let operator = app.operator();
    let first = operator.keys().await.unwrap().remove(0);
    assert!(first.signs);
    let rejected = operator.retire_key(&first.kid).await;
    assert!(matches!(rejected, Err(SigningKeyError::Signs)));
    let second = operator.rotate_keys().await.unwrap();
    let listed = operator.keys().await.unwrap();
    assert_eq!(listed[0], second);
    assert_eq!((&listed[1].kid, listed[1].signs, listed.len()), (&first.kid, false, 2));
    operator.retire_key(&first.kid).await.unwrap();
    for unknown in [first.kid.as_str(), "", "x"] {
        let rejected = operator.retire_key(unknown).await;
        assert!(matches!(rejected, Err(SigningKeyError::NoSuchKey)), "{unknown}");
    }
    assert_eq!(operator.keys().await.unwrap(), [second]);
}

#[tokio::test(start_paused = true)]
async fn tokens_of_unknown_keys_cause_one_read_per_second_and_do_not_delay_other_requests() {
    let app = TestApp::new().await;
    let (ada, unknown) = (app.user().await, tokens_of_an_unknown_key().await);
    let start = Instant::now();
    assert!(is_rejected(&app, &unknown).await);
    let all = join_all((0..50).map(|_| is_rejected(&app, &unknown))).await;
    assert!(all.iter().all(|rejected| *rejected));
    // Paused time advances only while a task waits for it.
    let elapsed = start.elapsed().as_secs();
    assert_eq!(elapsed, 1, "the requests share one read, one second after the first read");
    for _ in 0..3 {
        assert!(is_rejected(&app, &unknown).await);
    }
    assert_eq!(start.elapsed().as_secs(), 4);
    authenticate(&app, &ada.tokens).await.unwrap();
    app.session().await;
    assert_eq!(start.elapsed().as_secs(), 4);
}

#[tokio::test(start_paused = true)]
async fn while_the_store_fails_the_current_keys_are_used() {
    let app = TestApp::new().await;
    let (kids_before, unknown) = (kids(&app).await, tokens_of_an_unknown_key().await);
    std::fs::rename(app.database(), app.database().with_extension("away")).unwrap();
    assert_eq!(kids(&app).await, kids_before);
    // A token that cannot be checked is not reported as invalid, because the client would sign out.
    let start = Instant::now();
    let results = join_all((0..3).map(|_| authenticate(&app, &unknown))).await;
    assert!(results.iter().all(|result| matches!(result, Err(AuthenticateError::Store(_)))));
    assert_eq!(start.elapsed().as_secs(), 1, "the requests share one failed read");
    std::fs::rename(app.database().with_extension("away"), app.database()).unwrap();
    assert!(is_rejected(&app, &unknown).await);
}

use std::time::Duration;

use accounts::{
    Accounts, AuthenticateError, Caller, ClientInfo, DeviceToken, IssuedTokens, Jwk, JwkSet,
    KeyActivation, SignIn, SignInError, SigningKeyError, SigningKeyState, Timestamp,
};
use auth_core::AccessTokenVerifier;
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::app::{
    EMAIL, PASSWORD, SERVICE, TestApp, authenticate, is_rejected, issue, refresh, session_on,
};

/// Adds a key that signs at once.
async fn rotate(server: &Accounts) -> String {
    server.operator().rotate_keys(KeyActivation::Immediate).await.unwrap().kid
}

/// Adds a key that signs after its publication.
async fn publish(server: &Accounts) -> String {
    server.operator().rotate_keys(KeyActivation::AfterPublication).await.unwrap().kid
}

async fn kids(server: &Accounts) -> Vec<String> {
    server.jwks().await.keys.into_iter().map(|key| key.kid).collect()
}

async fn is_signed_with_the_newest(
    server: &Accounts,
    tokens: &IssuedTokens,
    now: Timestamp,
) -> bool {
    let newest = server.jwks().await.keys.remove(0).kid;
    signer(server, tokens, now).await == newest
}

/// Returns the id of the key that has signed the access token.
async fn signer(server: &Accounts, tokens: &IssuedTokens, now: Timestamp) -> String {
    let has_signed = |key: &Jwk| {
        let only = JwkSet { keys: vec![key.clone()] };
        let verifier = AccessTokenVerifier::new(SERVICE, SERVICE, &only).unwrap();
        verifier.verify(tokens.access.token.as_str(), now).is_ok()
    };
    server.jwks().await.keys.into_iter().find(has_signed).unwrap().kid
}

async fn states(server: &Accounts) -> Vec<(String, SigningKeyState)> {
    let keys = server.operator().keys().await.unwrap();
    keys.into_iter().map(|key| (key.kid, key.state)).collect()
}

/// Returns tokens that are valid except that their key exists only in another store.
async fn tokens_of_an_unknown_key() -> IssuedTokens {
    TestApp::new().await.user().await.tokens
}

#[tokio::test]
async fn a_new_key_is_published_at_once_and_signs_after_the_caches_have_expired() {
    let mut app = TestApp::new().await;
    let other_server = app.another_server().await;
    app.account().await;
    let old = kids(&app).await.remove(0);
    let started = app.now();
    let new = publish(&other_server).await;
    assert_eq!(kids(&app).await, [&*new, &*old]);
    assert_eq!(KeyActivation::PUBLICATION_TIME, Duration::from_mins(11));
    let signs_from = started + KeyActivation::PUBLICATION_TIME;
    let published = SigningKeyState::Published { signs_from };
    let signing = SigningKeyState::Signing { since: started };
    assert_eq!(states(&app).await, [(new.clone(), published), (old.clone(), signing)]);
    for wait in [Duration::ZERO, Duration::from_mins(5), Duration::from_secs(359)] {
        app.advance(wait);
        app.restart().await;
        for server in [&*app, &other_server] {
            let tokens = issue(server, false).await;
            assert_eq!(signer(server, &tokens, app.now()).await, old);
        }
    }
    let before = issue(&app, true).await;
    app.advance(Duration::from_secs(1));
    for server in [&*app, &other_server] {
        let tokens = issue(server, false).await;
        assert_eq!(signer(server, &tokens, app.now()).await, new);
        let refreshed = refresh(server, &tokens).await.unwrap();
        assert_eq!(signer(server, &refreshed, app.now()).await, new);
        authenticate(&app, &refreshed).await.unwrap();
        authenticate(server, &before).await.unwrap();
    }
    let (replaced, signing) = (
        SigningKeyState::Replaced { since: signs_from },
        SigningKeyState::Signing { since: signs_from },
    );
    assert_eq!(states(&app).await, [(new, signing), (old, replaced)]);
}

/// A verifier that reads the key set through a cache never sees a token of a key that it does not
/// know: the cache and the verifier may each keep the set for its maximum age.
#[tokio::test]
async fn a_verifier_behind_a_cache_knows_every_key_that_signs() {
    let app = TestApp::new().await;
    app.account().await;
    // The key is published just after the cache has stored the set.
    let mut cached = (app.jwks().await, app.now());
    publish(&app).await;
    app.advance(JwkSet::MAX_AGE - Duration::from_secs(1));
    let mut used = (cached.0.clone(), app.now());
    for minute in 0..30 {
        if app.now() >= cached.1 + JwkSet::MAX_AGE {
            cached = (app.jwks().await, app.now());
        }
        // The verifier does not know the age of the cached copy.
        if app.now() >= used.1 + JwkSet::MAX_AGE {
            used = (cached.0.clone(), app.now());
        }
        let verifier = AccessTokenVerifier::new(SERVICE, SERVICE, &used.0).unwrap();
        let token = issue(&app, false).await.access.token;
        assert!(verifier.verify(token.as_str(), app.now()).is_ok(), "minute {minute}");
        app.advance(Duration::from_mins(1));
    }
    assert_eq!(used.0.keys.len(), 2);
}

#[tokio::test]
async fn a_key_that_is_added_to_sign_at_once_still_signs_after_the_clock_is_set_back() {
    let mut app = TestApp::new().await;
    app.account().await;
    let old = kids(&app).await.remove(0);
    let ahead = Duration::from_hours(24);
    app.advance(ahead);
    let new = rotate(&app).await;
    let since = app.now();
    let expected = [
        (new.clone(), SigningKeyState::Signing { since }),
        (old.clone(), SigningKeyState::Replaced { since }),
    ];
    assert_eq!(states(&app).await, expected);
    app.go_back(ahead);
    app.restart().await;
    let tokens = issue(&app, false).await;
    assert_eq!(signer(&app, &tokens, app.now()).await, new);
    assert_eq!(states(&app).await, expected);
}

#[tokio::test]
async fn retiring_the_key_that_signs_activates_the_published_one_on_every_server() {
    let app = TestApp::new().await;
    let other_server = app.another_server().await;
    let ada = app.user().await.tokens;
    let old = kids(&app).await.remove(0);
    let new = publish(&app).await;
    app.advance(Duration::from_mins(1));
    assert_eq!(app.operator().retire_key(&old).await.unwrap(), Some(new.clone()));
    for server in [&*app, &other_server] {
        assert!(is_rejected(server, &ada).await);
        let tokens = issue(server, false).await;
        assert_eq!(signer(server, &tokens, app.now()).await, new);
        authenticate(&app, &tokens).await.unwrap();
    }
    let since = app.now();
    assert_eq!(states(&app).await, [(new, SigningKeyState::Signing { since })]);
}

#[tokio::test]
async fn a_published_key_that_never_signed_can_be_retired() {
    let app = TestApp::new().await;
    app.account().await;
    let old = kids(&app).await.remove(0);
    let published = publish(&app).await;
    let emergency = rotate(&app).await;
    let tokens = issue(&app, false).await;
    assert_eq!(signer(&app, &tokens, app.now()).await, emergency);
    // A newer key signs already, so this one never will.
    app.advance(Duration::from_hours(1));
    let tokens = issue(&app, false).await;
    assert_eq!(signer(&app, &tokens, app.now()).await, emergency);
    for retired in [published, old] {
        assert_eq!(app.operator().retire_key(&retired).await.unwrap(), None);
    }
    authenticate(&app, &tokens).await.unwrap();
}

/// Returns a browser with this device token, at an IP address at which unknown browsers are locked
/// out.
async fn browser_among_strangers(server: &Accounts, device: Option<DeviceToken>) -> Caller {
    let stranger = Caller::from(ClientInfo::new(Some([198, 51, 100, 1].into()), None));
    for _ in 0..10 {
        server.sign_in(SignIn::new(EMAIL, "wrong", &stranger)).await.unwrap_err();
    }
    let rejected = server.sign_in(SignIn::new(EMAIL, PASSWORD, &stranger)).await;
    assert!(matches!(rejected, Err(SignInError::TooManyAttempts { .. })));
    Caller { device, ..stranger }
}

#[tokio::test]
async fn a_device_token_is_made_with_the_key_that_signs() {
    let app = TestApp::new().await;
    let other_server = app.another_server().await;
    app.account().await;
    let published = publish(&app).await;
    let device = issue(&app, false).await.device;
    let browser = browser_among_strangers(&app, device).await;
    let _ = other_server.sign_in(SignIn::new(EMAIL, PASSWORD, &browser)).await.unwrap();
    app.operator().retire_key(&published).await.unwrap();
    let _ = app.sign_in(SignIn::new(EMAIL, PASSWORD, &browser)).await.unwrap();
}

#[tokio::test]
async fn a_device_token_of_a_new_key_is_recognised_immediately_on_every_server() {
    let app = TestApp::new().await;
    let other_server = app.another_server().await;
    app.account().await;
    rotate(&app).await;
    let device = issue(&app, false).await.device;
    let browser = browser_among_strangers(&app, device).await;
    let _ = other_server.sign_in(SignIn::new(EMAIL, PASSWORD, &browser)).await.unwrap();
}

/// Paused time advances automatically when all tasks are waiting.
#[tokio::test(start_paused = true)]
async fn a_key_rotated_in_an_emergency_signs_immediately_and_older_tokens_stay_valid_on_every_server()
 {
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
    let _ = other_server.sign_in(SignIn::new(EMAIL, PASSWORD, &browser)).await.unwrap();
    rotate(&app).await;
    app.operator().retire_key(&retired).await.unwrap();
    let rejected = other_server.sign_in(SignIn::new(EMAIL, PASSWORD, &browser)).await;
    assert!(matches!(rejected, Err(SignInError::TooManyAttempts { .. })));
}

#[tokio::test]
async fn the_key_that_signs_cannot_be_retired_without_a_newer_one() {
    let app = TestApp::new().await;
    let operator = app.operator();
    let first = operator.keys().await.unwrap().remove(0);
    let since = app.now();
    assert_eq!(first.state, SigningKeyState::Signing { since });
    let rejected = operator.retire_key(&first.kid).await;
    assert!(matches!(rejected, Err(SigningKeyError::Signs)));
    let second = operator.rotate_keys(KeyActivation::Immediate).await.unwrap();
    let listed = operator.keys().await.unwrap();
    assert_eq!(listed[0], second);
    let replaced = SigningKeyState::Replaced { since };
    assert_eq!((&listed[1].kid, listed[1].state, listed.len()), (&first.kid, replaced, 2));
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

/// Anybody can invent such tokens. One beyond the limit may be signed with a key that another server
/// has just added, so it is not reported as invalid: its client might sign out.
#[tokio::test(start_paused = true)]
async fn few_requests_wait_because_of_tokens_of_unknown_keys_and_no_valid_token_is_rejected() {
    let app = TestApp::new().await;
    let other_server = app.another_server().await;
    let (ada, unknown) = (app.user().await, tokens_of_an_unknown_key().await);
    assert!(is_rejected(&app, &unknown).await);
    rotate(&other_server).await;
    let new = refresh(&other_server, &ada.tokens).await.unwrap();
    let start = Instant::now();
    let flood = join_all((0..1_000).map(|_| authenticate(&app, &unknown)));
    let late = async {
        let rejected = authenticate(&app, &new).await;
        assert!(matches!(rejected, Err(AuthenticateError::TooManyUnknownKeys)), "{rejected:?}");
        assert_eq!(start.elapsed(), Duration::ZERO, "the request does not wait");
    };
    let (flood, ()) = futures_util::future::join(flood, late).await;
    let is_invalid = |error: &&Result<_, _>| matches!(error, Err(AuthenticateError::InvalidToken));
    assert_eq!(flood.iter().filter(is_invalid).count(), 64);
    let is_busy =
        |error: &&Result<_, _>| matches!(error, Err(AuthenticateError::TooManyUnknownKeys));
    assert_eq!(flood.iter().filter(is_busy).count(), 1_000 - 64);
    assert_eq!(start.elapsed().as_secs(), 1);
    // The flood has caused a read.
    authenticate(&app, &new).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 1);
    assert!(is_rejected(&app, &unknown).await, "requests can wait again");
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

//! What every [`UserStore`] must do, as tests that run on any backend.
//!
//! A backend implements [`Deployment`] and calls [`conformance_tests!`](crate::conformance_tests)
//! in a test file of its own; each function here becomes one test.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    missing_docs,
    reason = "these functions are the bodies of tests, and their names say what they demand"
)]

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{
    Email, NewPassword, PasswordHash, PasswordHasher, PasswordPolicy, Session, SigningKey,
    SigningKeySeed, SystemRandom, Timestamp, UserId,
};
use futures_util::future::join_all;

use crate::{CreateUserError, OpenSession, User, UserStore};

/// One fresh, empty store that any number of servers can be connected to.
#[async_trait]
pub trait Deployment: Send + Sync {
    /// What a server that starts now gets: each call is another server on the same store.
    async fn connect(&self) -> Arc<dyn UserStore>;
}

/// Makes one test of each requirement. The argument is an expression that makes a fresh
/// [`Deployment`]; the caller needs `tokio` with its macros.
#[macro_export]
macro_rules! conformance_tests {
    ($fresh:expr) => {
        $crate::conformance_tests! { $fresh;
            an_account_is_found_under_every_spelling_of_its_address
            what_was_typed_is_what_is_kept
            an_address_is_taken_once
            of_twenty_sign_ups_with_one_address_one_succeeds
            an_unknown_address_is_none
            an_opened_session_is_found_with_its_user
            a_session_is_not_found_at_its_end
            an_ended_session_is_gone_at_once_on_every_server
            a_session_ends_once
            of_twenty_log_outs_one_ends_the_session
            ending_one_session_leaves_the_others
            no_session_is_opened_with_a_password_that_is_no_longer_in_force
            opening_a_session_can_renew_the_hash
            of_renewals_that_race_one_wins_and_no_session_is_lost
            no_session_is_opened_for_an_account_that_is_not_there
            the_first_server_makes_the_signing_key_and_the_others_get_it
            of_servers_that_start_at_once_all_get_one_signing_key
            what_was_answered_survives_a_restart
            a_store_answers_a_ping
        }
    };
    ($fresh:expr; $($name:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let deployment = $fresh;
                $crate::conformance::$name(&deployment).await;
            }
        )+
    };
}

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 123_000_000);
const HOUR: Duration = Duration::from_secs(3_600);

fn user(email: &str) -> User {
    User {
        id: UserId::generate(NOW, &SystemRandom),
        email: Email::parse(email).expect("an address"),
        created_at: NOW,
    }
}

fn hash() -> PasswordHash {
    let password = NewPassword::parse("a long walk", &PasswordPolicy::default(), &[]);
    let hasher = PasswordHasher::new(PasswordHasher::MIN_ITERATIONS).expect("enough");
    hasher.hash(&password.expect("a password"), &SystemRandom)
}

fn session(user: &User) -> Session {
    Session::open(user.id, NOW, HOUR, &SystemRandom)
}

async fn signed_up(store: &dyn UserStore) -> (User, PasswordHash) {
    let (user, hash) = (user("ada@example.com"), hash());
    store.create_user(&user, &hash).await.expect("a free address");
    (user, hash)
}

async fn signed_in(store: &dyn UserStore) -> (User, Session) {
    let (user, hash) = signed_up(store).await;
    let session = session(&user);
    let opened = store.open_session(&session, &hash, None).await.expect("an answer");
    assert_eq!(opened, OpenSession::Opened);
    (user, session)
}

async fn is_alive(store: &dyn UserStore, session: &Session) -> bool {
    store.session(session.id, NOW).await.expect("an answer").is_some()
}

pub async fn an_account_is_found_under_every_spelling_of_its_address(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (user, hash) = (user("Ada@Bücher.example"), hash());
    store.create_user(&user, &hash).await.expect("a free address");
    for spelling in ["Ada@Bücher.example", "ADA@xn--bcher-kva.EXAMPLE", " ada@bücher.example "] {
        let email = Email::parse(spelling).expect("an address");
        let found = store.credentials(email.key()).await.expect("an answer").expect(spelling);
        assert_eq!((found.user_id, &found.password_hash), (user.id, &hash), "{spelling}");
    }
}

pub async fn what_was_typed_is_what_is_kept(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (user, hash) = (user("Ada.L@Bücher.Example"), hash());
    store.create_user(&user, &hash).await.expect("a free address");
    let session = session(&user);
    let _ = store.open_session(&session, &hash, None).await.expect("an answer");
    let (_, found) = store.session(session.id, NOW).await.expect("an answer").expect("it is open");
    assert_eq!(found, user);
    assert_eq!(found.email.as_str(), "Ada.L@Bücher.Example");
}

pub async fn an_address_is_taken_once(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (first, hash) = signed_up(&*store).await;
    let again = store.create_user(&user("ADA@EXAMPLE.COM"), &hash).await;
    assert!(matches!(again, Err(CreateUserError::EmailTaken)));
    let found = store.credentials(first.email.key()).await.expect("an answer");
    assert_eq!(found.expect("the first").user_id, first.id);
}

pub async fn of_twenty_sign_ups_with_one_address_one_succeeds(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let hash = hash();
    let made = join_all((0..20).map(|n| {
        let store = if n % 2 == 0 { &here } else { &there };
        let hash = &hash;
        async move { store.create_user(&user("ada@example.com"), hash).await }
    }))
    .await;
    assert_eq!(made.iter().filter(|result| result.is_ok()).count(), 1);
    let taken = |result: &Result<_, _>| matches!(result, Err(CreateUserError::EmailTaken));
    assert_eq!(made.iter().filter(|result| taken(result)).count(), 19);
}

pub async fn an_unknown_address_is_none(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    signed_up(&*store).await;
    let other = Email::parse("grace@example.com").expect("an address");
    assert!(store.credentials(other.key()).await.expect("an answer").is_none());
}

pub async fn an_opened_session_is_found_with_its_user(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (user, session) = signed_in(&*store).await;
    assert_eq!(store.session(session.id, NOW).await.expect("an answer"), Some((session, user)));
}

pub async fn a_session_is_not_found_at_its_end(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (_, session) = signed_in(&*store).await;
    let last = session.expires_at - Duration::from_millis(1);
    assert!(store.session(session.id, last).await.expect("an answer").is_some());
    assert!(store.session(session.id, session.expires_at).await.expect("an answer").is_none());
}

pub async fn an_ended_session_is_gone_at_once_on_every_server(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (_, session) = signed_in(&*here).await;
    assert!(is_alive(&*there, &session).await);
    assert!(here.end_session(session.id).await.expect("an answer"));
    assert!(!is_alive(&*here, &session).await);
    assert!(!is_alive(&*there, &session).await);
}

pub async fn a_session_ends_once(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (_, session) = signed_in(&*store).await;
    assert!(store.end_session(session.id).await.expect("an answer"));
    assert!(!store.end_session(session.id).await.expect("an answer"));
}

pub async fn of_twenty_log_outs_one_ends_the_session(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (_, session) = signed_in(&*here).await;
    let ended = join_all((0..20).map(|n| {
        let store = if n % 2 == 0 { &here } else { &there };
        store.end_session(session.id)
    }))
    .await;
    assert_eq!(ended.into_iter().filter(|ended| matches!(ended, Ok(true))).count(), 1);
}

pub async fn ending_one_session_leaves_the_others(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (user, hash) = signed_up(&*store).await;
    let (one, other) = (session(&user), session(&user));
    for session in [&one, &other] {
        let _ = store.open_session(session, &hash, None).await.expect("an answer");
    }
    store.end_session(one.id).await.expect("an answer");
    assert!(is_alive(&*store, &other).await);
}

pub async fn no_session_is_opened_with_a_password_that_is_no_longer_in_force(
    fresh: &dyn Deployment,
) {
    let store = fresh.connect().await;
    let (user, in_force) = signed_up(&*store).await;
    let session = session(&user);
    for renewed in [None, Some(&in_force)] {
        let opened = store.open_session(&session, &hash(), renewed).await.expect("an answer");
        assert_eq!(opened, OpenSession::CredentialsChanged);
    }
    assert!(!is_alive(&*store, &session).await);
}

pub async fn opening_a_session_can_renew_the_hash(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (user, old) = signed_up(&*store).await;
    let (session, new) = (session(&user), hash());
    let opened = store.open_session(&session, &old, Some(&new)).await.expect("an answer");
    assert_eq!(opened, OpenSession::Opened);
    let found = store.credentials(user.email.key()).await.expect("an answer").expect("it is there");
    assert_eq!(found.password_hash, new);
    assert!(is_alive(&*store, &session).await);
}

pub async fn of_renewals_that_race_one_wins_and_no_session_is_lost(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (user, old) = signed_up(&*here).await;
    let attempts: Vec<_> = (0..20).map(|_| (session(&user), hash())).collect();
    let opened = join_all(attempts.iter().enumerate().map(|(n, (session, new))| {
        let store = if n % 2 == 0 { &here } else { &there };
        store.open_session(session, &old, Some(new))
    }))
    .await;
    let mut winners = 0;
    for (opened, (session, new)) in opened.into_iter().zip(&attempts) {
        let won = opened.expect("an answer") == OpenSession::Opened;
        assert_eq!(is_alive(&*here, session).await, won);
        if won {
            winners += 1;
            let found = here.credentials(user.email.key()).await.expect("an answer");
            assert_eq!(&found.expect("it is there").password_hash, new);
        }
    }
    assert_eq!(winners, 1);
}

pub async fn no_session_is_opened_for_an_account_that_is_not_there(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let session = session(&user("ada@example.com"));
    let opened = store.open_session(&session, &hash(), None).await.expect("an answer");
    assert_eq!(opened, OpenSession::CredentialsChanged);
    assert!(!is_alive(&*store, &session).await);
}

fn seed() -> SigningKeySeed {
    SigningKey::generate(&SystemRandom).seed().clone()
}

async fn first_key(store: &dyn UserStore, candidate: &SigningKeySeed) -> [u8; 32] {
    let keys = store.signing_keys(candidate, NOW).await.expect("an answer");
    assert_eq!(keys.len(), 1);
    *keys[0].to_bytes()
}

pub async fn the_first_server_makes_the_signing_key_and_the_others_get_it(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (first, second) = (seed(), seed());
    assert_eq!(first_key(&*here, &first).await, *first.to_bytes());
    assert_eq!(first_key(&*there, &second).await, *first.to_bytes());
}

pub async fn of_servers_that_start_at_once_all_get_one_signing_key(fresh: &dyn Deployment) {
    let keys = join_all((0..8).map(|_| async {
        let store = fresh.connect().await;
        first_key(&*store, &seed()).await
    }))
    .await;
    assert!(keys.iter().all(|key| *key == keys[0]));
}

pub async fn what_was_answered_survives_a_restart(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (user, session) = signed_in(&*store).await;
    let key = first_key(&*store, &seed()).await;
    drop(store);
    let store = fresh.connect().await;
    assert_eq!(store.session(session.id, NOW).await.expect("an answer"), Some((session, user)));
    assert_eq!(first_key(&*store, &seed()).await, key);
}

pub async fn a_store_answers_a_ping(fresh: &dyn Deployment) {
    fresh.connect().await.ping().await.expect("an answer");
}

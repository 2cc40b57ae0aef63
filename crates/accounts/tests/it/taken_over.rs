//! Accounts that were taken over from another system, with the hashes that it has made.

use std::time::{Duration, Instant};

use accounts::{Accounts, Caller, Event, EventKind, SignInError};
use auth_core::{Email, PasswordHash, SystemRandom, UserId};
use user_store::{SqliteStore, User, UserStore as _};

use crate::world::{EMAIL, PASSWORD, World};

/// "a long walk along the sea", hashed by bcrypt at cost 10.
const HASH: &str = "$2b$10$pp7DJ.MIf4srVUHa1UX3X.JqNWxV3F6hGjlr00Kc9pL06tKpuM3Fe";

/// Puts Ada's account with that hash into the store.
async fn take_over(world: &World) -> UserId {
    let store = SqliteStore::open(&world.database()).unwrap();
    let (now, email) = (world.now(), Email::parse(EMAIL).unwrap());
    let id = UserId::generate(now, &SystemRandom);
    let user = User { id, email, created_at: now, disabled_at: None };
    let hash: PasswordHash = HASH.parse().unwrap();
    let event = Event::by_operator(EventKind::AccountCreated, now).about(id);
    store.create_user(&user, &hash, &event).await.unwrap();
    id
}

async fn algorithm(world: &World, id: UserId) -> (&'static str, Option<u32>) {
    let store = SqliteStore::open(&world.database()).unwrap();
    let hash = store.user_data(id).await.unwrap().unwrap().password_hash;
    (hash.algorithm(), hash.iterations())
}

async fn sign_in(server: &Accounts, email: &str, password: &str) -> Result<(), SignInError> {
    server.sign_in(email, password, false, &Caller::default(), None).await.map(drop)
}

#[tokio::test]
async fn the_old_password_is_good_and_its_hash_is_ours_from_then_on() {
    let world = World::new();
    let server = world.server().await;
    let ada = take_over(&world).await;
    let wrong = sign_in(&server, EMAIL, "a swim in the river").await;
    assert!(matches!(wrong, Err(SignInError::InvalidCredentials)));
    assert_eq!(algorithm(&world, ada).await, ("bcrypt", None));
    for _ in 0..2 {
        sign_in(&server, EMAIL, PASSWORD).await.unwrap();
        assert_eq!(algorithm(&world, ada).await, ("pbkdf2-sha256", Some(1_000)));
    }
}

#[tokio::test]
async fn nobody_logs_in_without_an_account_by_the_password_of_another() {
    let world = World::new();
    let server = world.server().await;
    take_over(&world).await;
    for password in [PASSWORD, "a swim in the river"] {
        let refused = sign_in(&server, "nobody@example.com", password).await;
        assert!(matches!(refused, Err(SignInError::InvalidCredentials)));
    }
}

/// bcrypt at cost 10 takes a hundred times as long as 1,000 iterations of PBKDF2: if an address
/// without an account cost one of ours, the time would tell who has an account.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "two times are compared with each other")]
async fn an_address_without_an_account_costs_what_an_account_costs() {
    let world = World::new();
    let server = world.server().await;
    take_over(&world).await;
    let mut least = [Duration::MAX; 2];
    for _ in 0..5 {
        for (email, least) in [EMAIL, "nobody@example.com"].iter().zip(&mut least) {
            let start = Instant::now();
            sign_in(&server, email, "a swim in the river").await.unwrap_err();
            *least = start.elapsed().min(*least);
        }
    }
    let ratio = least[1].as_secs_f64() / least[0].as_secs_f64();
    assert!((0.2..5.0).contains(&ratio), "{least:?}");
}

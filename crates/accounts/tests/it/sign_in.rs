use accounts::{Caller, ClientInfo, SignInError};
use futures_util::future::join_all;

use crate::world::{EMAIL, PASSWORD, World, sign_in};

#[tokio::test]
async fn any_spelling_of_the_address_and_of_the_password_will_do() {
    let world = World::new();
    let accounts = world.server().await;
    accounts
        .sign_up("Ada@Bücher.example", "cafe\u{301} au lait", &Caller::default())
        .await
        .unwrap();
    let nobody = Caller::default();
    accounts
        .sign_in(" ADA@xn--bcher-kva.example", "caf\u{e9} au lait", false, &nobody, None)
        .await
        .unwrap();
}

#[tokio::test]
async fn whatever_is_wrong_the_answer_is_one() {
    let world = World::new();
    let accounts = world.server().await;
    accounts.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let long = "x".repeat(10_000);
    let padded = format!("{PASSWORD}\0");
    let spaced = format!("{PASSWORD} ");
    for (email, password) in [
        (EMAIL, "another long walk"),
        (EMAIL, ""),
        (EMAIL, &long),
        (EMAIL, &padded),
        (EMAIL, &spaced),
        ("grace@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("", ""),
    ] {
        let refused = accounts.sign_in(email, password, false, &Caller::default(), None).await;
        assert!(matches!(refused, Err(SignInError::InvalidCredentials)), "{email} {password}");
    }
}

#[tokio::test]
async fn every_log_in_opens_a_session_of_its_own() {
    let world = World::new();
    let accounts = world.server().await;
    accounts.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let (one, other) = (sign_in(&accounts).await, sign_in(&accounts).await);
    let first = accounts.authenticate(&one).await.unwrap();
    accounts.sign_out(&first, &ClientInfo::default()).await.unwrap();
    accounts.authenticate(&other).await.unwrap();
}

fn stored_hash(world: &World) -> String {
    // The store shows no hash on purpose: the test reads the file.
    let bytes = std::fs::read(world.database()).unwrap();
    let wal = std::fs::read(world.database().with_extension("db-wal")).unwrap();
    let all = String::from_utf8_lossy(&[bytes, wal].concat()).into_owned();
    let (_, last) = all.rsplit_once("$pbkdf2-sha256$").unwrap();
    last.chars().take(6).collect()
}

#[tokio::test]
async fn a_hash_weaker_than_todays_is_renewed_at_log_in() {
    let world = World::new();
    let before = world.server().await;
    before.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    assert_eq!(stored_hash(&world), "i=1000");
    let today = world.server_with(|settings| settings.pbkdf2_iterations = 2_000).await;
    sign_in(&today).await;
    assert_eq!(stored_hash(&world), "i=2000");
    sign_in(&today).await;
    // A server that still asks for less takes the stronger hash, and leaves it.
    sign_in(&before).await;
    assert_eq!(stored_hash(&world), "i=2000");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_log_ins_that_race_to_renew_a_hash_all_succeed() {
    let world = World::new();
    world.server().await.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let today = world.server_with(|settings| settings.pbkdf2_iterations = 2_000).await;
    let tokens = join_all((0..20).map(|_| sign_in(&today))).await;
    for token in tokens {
        today.authenticate(&token).await.unwrap();
    }
}

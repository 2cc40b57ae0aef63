use std::time::Duration;

use accounts::{Accounts, AuthenticateError, JwkSet, SigningKeyError, Timestamp};
use auth_core::AccessTokenVerifier;
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::world::{SERVICE, World, access, issue, refresh, sign_in, signed_in};

async fn rotate(server: &Accounts) -> String {
    server.operator().rotate_keys().await.unwrap().kid
}

async fn kids(server: &Accounts) -> Vec<String> {
    server.jwks().await.keys.into_iter().map(|key| key.kid).collect()
}

async fn is_signed_with_the_newest(server: &Accounts, token: &str, now: Timestamp) -> bool {
    let newest = JwkSet { keys: vec![server.jwks().await.keys.remove(0)] };
    let verifier = AccessTokenVerifier::new(SERVICE, SERVICE, &newest).unwrap();
    verifier.verify(token, now).is_ok()
}

/// A token that is in order but for its key, which the other world's servers do not have.
async fn of_an_unknown_key() -> String {
    signed_in(&World::new().server().await).await
}

async fn is_refused(server: &Accounts, token: &str) -> bool {
    matches!(server.authenticate(token).await, Err(AuthenticateError::InvalidToken))
}

/// Time is paused: it moves on by itself as nothing else can happen.
#[tokio::test(start_paused = true)]
async fn a_new_key_signs_at_once_and_older_tokens_are_good_on_every_server() {
    let world = World::new();
    let (here, there, operator) =
        (world.server().await, world.server().await, world.server().await);
    let mut tokens = vec![signed_in(&here).await];
    let mut made = kids(&here).await;
    for _ in 0..3 {
        made.insert(0, rotate(&operator).await);
        let issued = issue(&here, false).await;
        assert!(is_signed_with_the_newest(&operator, &access(&issued), world.now()).await);
        tokens.push(access(&issued));
        for token in &tokens {
            there.authenticate(token).await.unwrap();
            here.authenticate(token).await.unwrap();
        }
        assert_eq!((kids(&here).await, kids(&there).await), (made.clone(), made.clone()));
        rotate(&operator).await;
        let renewed = access(&refresh(&there, &issued).await.unwrap());
        assert!(is_signed_with_the_newest(&operator, &renewed, world.now()).await);
        here.authenticate(&renewed).await.unwrap();
        made = kids(&operator).await;
    }
    assert_eq!(made.len(), 7);
    world.pass(Duration::from_mins(5));
    for token in &tokens {
        assert!(is_refused(&here, token).await, "they expire as they would have");
    }
}

#[tokio::test]
async fn a_retired_key_is_refused_where_the_keys_were_read_since() {
    let world = World::new();
    let (here, there, operator) =
        (world.server().await, world.server().await, world.server().await);
    let token = signed_in(&here).await;
    let before = kids(&here).await.remove(0);
    rotate(&operator).await;
    there.reload_keys().await.unwrap();
    there.authenticate(&token).await.unwrap();
    operator.operator().retire_key(&before).await.unwrap();
    there.reload_keys().await.unwrap();
    assert!(is_refused(&there, &token).await);
    let new = sign_in(&here).await;
    assert!(is_refused(&here, &token).await);
    for server in [&here, &there] {
        assert!(!kids(server).await.contains(&before));
        server.authenticate(&new).await.unwrap();
    }
}

#[tokio::test]
async fn the_key_that_signs_is_not_retired() {
    let world = World::new();
    let server = world.server().await;
    let operator = server.operator();
    let first = operator.keys().await.unwrap().remove(0);
    assert!(first.signs);
    let refused = operator.retire_key(&first.kid).await;
    assert!(matches!(refused, Err(SigningKeyError::Signs)));
    let second = operator.rotate_keys().await.unwrap();
    let listed = operator.keys().await.unwrap();
    assert_eq!(listed[0], second);
    assert_eq!((&listed[1].kid, listed[1].signs, listed.len()), (&first.kid, false, 2));
    operator.retire_key(&first.kid).await.unwrap();
    for nobody in [first.kid.as_str(), "", "x"] {
        let refused = operator.retire_key(nobody).await;
        assert!(matches!(refused, Err(SigningKeyError::NoSuchKey)), "{nobody}");
    }
    assert_eq!(operator.keys().await.unwrap(), [second]);
}

#[tokio::test(start_paused = true)]
async fn tokens_of_keys_that_never_were_are_looked_up_once_a_second_and_delay_nobody_else() {
    let world = World::new();
    let server = world.server().await;
    let (token, unknown) = (signed_in(&server).await, of_an_unknown_key().await);
    let start = Instant::now();
    assert!(is_refused(&server, &unknown).await);
    let all = join_all((0..50).map(|_| is_refused(&server, &unknown))).await;
    assert!(all.iter().all(|refused| *refused));
    // Time that is paused stands still but for what is waited for.
    let shared = start.elapsed().as_secs();
    assert_eq!(shared, 1, "they share one read, a second after the first");
    for _ in 0..3 {
        assert!(is_refused(&server, &unknown).await);
    }
    assert_eq!(start.elapsed().as_secs(), 4);
    server.authenticate(&token).await.unwrap();
    server.authenticate(&sign_in(&server).await).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 4);
}

#[tokio::test(start_paused = true)]
async fn while_the_store_does_not_answer_the_keys_that_are_held_go_on_serving() {
    let world = World::new();
    let server = world.server().await;
    let (kids_before, unknown) = (kids(&server).await, of_an_unknown_key().await);
    std::fs::rename(world.database(), world.database().with_extension("away")).unwrap();
    assert!(server.reload_keys().await.is_err());
    assert_eq!(kids(&server).await, kids_before);
    // What cannot be looked up is not said to be wrong: its bearer would be signed out.
    let start = Instant::now();
    let answers = join_all((0..3).map(|_| server.authenticate(&unknown))).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(AuthenticateError::Store(_)))));
    assert_eq!(start.elapsed().as_secs(), 1, "they share what came of it, too");
    std::fs::rename(world.database().with_extension("away"), world.database()).unwrap();
    assert!(is_refused(&server, &unknown).await);
}

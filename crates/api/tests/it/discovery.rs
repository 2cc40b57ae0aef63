use std::sync::Arc;

use accounts::{Accounts, Config, Origin};
use auth_core::{AccessTokenVerifier, JwkSet, ManualClock, SystemRandom, Timestamp};
use serde_json::json;
use user_store::SqliteStore;

use crate::world::{Anonymous, ORIGIN};

#[tokio::test]
async fn the_key_set_verifies_the_tokens_and_holds_no_secret() {
    let world = Anonymous::new().await;
    let user = world.signed_in().await;
    let answer = world.send(warp::test::request().path("/.well-known/jwks.json")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("cache-control")),
        (200, "public, max-age=300")
    );
    let key = &answer.body["keys"][0];
    let names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x"], "and no \"d\"");
    let jwks = JwkSet::parse(&answer.body.to_string()).unwrap();
    let verifier = AccessTokenVerifier::new(ORIGIN, ORIGIN, &jwks).unwrap();
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    assert!(verifier.verify(&user.token, now).is_ok());
}

/// Makes a new signing key, as an operator beside the server does; answers its name.
async fn rotate_keys(world: &Anonymous) -> String {
    let settings =
        Config { pbkdf2_iterations: 1_000, ..Config::new(Origin::parse(ORIGIN).unwrap()) };
    let store = Arc::new(SqliteStore::open(&world.database()).unwrap());
    let clock = Arc::<ManualClock>::default();
    let other = Accounts::start(store, settings, clock, Arc::new(SystemRandom)).await.unwrap();
    other.operator().rotate_keys().await.unwrap().kid
}

#[tokio::test]
async fn the_key_set_has_every_key_the_one_that_signs_first() {
    let world = Anonymous::new().await;
    let before = world.signed_in().await;
    let made = rotate_keys(&world).await;
    let set = world.send(warp::test::request().path("/.well-known/jwks.json")).await.body;
    let set = JwkSet::parse(&set.to_string()).unwrap();
    assert_eq!((set.keys.len(), &set.keys[0].kid), (2, &made));
    let after = world.log_in().await;
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    for (n, key) in set.keys.into_iter().enumerate() {
        let one = JwkSet { keys: vec![key] };
        let verifier = AccessTokenVerifier::new(ORIGIN, ORIGIN, &one).unwrap();
        let verifies =
            [&after.token, &before.token].map(|token| verifier.verify(token, now).is_ok());
        assert_eq!(verifies, [n == 0, n == 1]);
    }
    assert_eq!((before.me().await.status.as_u16(), after.me().await.status.as_u16()), (200, 200));
}

#[tokio::test]
async fn the_health_checks_answer_get_and_head() {
    let world = Anonymous::new().await;
    for path in ["/healthz", "/readyz"] {
        let answer = world.send(warp::test::request().path(path)).await;
        assert_eq!((answer.status.as_u16(), answer.body), (200, json!({"status": "ok"})));
        let head = world.send(warp::test::request().method("HEAD").path(path)).await;
        assert_eq!(head.status, 200);
        let post = world.send(warp::test::request().method("POST").path(path)).await;
        assert_eq!((post.status.as_u16(), post.header("allow")), (405, "GET, HEAD"));
    }
}

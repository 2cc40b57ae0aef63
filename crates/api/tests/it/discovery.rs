use std::sync::Arc;

use accounts::{Accounts, Config, KeyActivation, Origin};
use auth_core::{AccessTokenVerifier, JwkSet, ManualClock, Timestamp};
use serde_json::json;
use user_store::SqliteStore;

use crate::test_app::{ORIGIN, TestApp};

#[tokio::test]
async fn the_key_set_verifies_access_tokens_and_contains_no_secret() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let response = app.send(warp::test::request().path("/.well-known/jwks.json")).await;
    assert_eq!(
        (response.status.as_u16(), response.header("cache-control")),
        (200, "public, max-age=300")
    );
    let key = &response.body["keys"][0];
    let names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x"], "there is no \"d\"");
    let jwks = JwkSet::parse(&response.body.to_string()).unwrap();
    let verifier = AccessTokenVerifier::new(ORIGIN, ORIGIN, &jwks).unwrap();
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    assert!(verifier.verify(&user.token, now).is_ok());
}

/// Adds a signing key as if an operator had done so on another server that shares the store, and
/// returns the id of the new key.
async fn rotate_keys(app: &TestApp, activation: KeyActivation) -> String {
    let config = Config { pbkdf2_iterations: 1_000, ..Config::new(Origin::parse(ORIGIN).unwrap()) };
    let store = Arc::new(SqliteStore::open(&app.database()).unwrap());
    let other = Accounts::builder()
        .config(config)
        .store(store)
        .clock(Arc::<ManualClock>::default())
        .accept_weaknesses()
        .without_maintenance()
        .build()
        .await
        .unwrap();
    other.operator().rotate_keys(activation).await.unwrap().kid
}

#[tokio::test]
async fn the_key_set_lists_every_key_newest_first() {
    let app = TestApp::new().await;
    let before = app.user().await;
    let new_kid = rotate_keys(&app, KeyActivation::Immediate).await;
    let published = rotate_keys(&app, KeyActivation::AfterPublication).await;
    let set = app.send(warp::test::request().path("/.well-known/jwks.json")).await.body;
    let set = JwkSet::parse(&set.to_string()).unwrap();
    let kids: Vec<_> = set.keys.iter().map(|key| key.kid.as_str()).collect();
    assert_eq!((kids.len(), &kids[..2]), (3, &[&*published, &*new_kid][..]));
    let after = app.sign_in().await;
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    for (n, key) in set.keys.into_iter().enumerate() {
        let one = JwkSet { keys: vec![key] };
        let verifier = AccessTokenVerifier::new(ORIGIN, ORIGIN, &one).unwrap();
        let verifies =
            [&after.token, &before.token].map(|token| verifier.verify(token, now).is_ok());
        assert_eq!(verifies, [n == 1, n == 2]);
    }
    assert_eq!((before.me().await.status.as_u16(), after.me().await.status.as_u16()), (200, 200));
}

#[tokio::test]
async fn the_health_checks_accept_get_and_head() {
    let app = TestApp::new().await;
    for path in ["/healthz", "/readyz"] {
        let response = app.send(warp::test::request().path(path)).await;
        assert_eq!((response.status.as_u16(), response.body), (200, json!({"status": "ok"})));
        let head = app.send(warp::test::request().method("HEAD").path(path)).await;
        assert_eq!(head.status, 200);
        let post = app.send(warp::test::request().method("POST").path(path)).await;
        assert_eq!((post.status.as_u16(), post.header("allow")), (405, "GET, HEAD"));
    }
}

use serde_json::json;

use crate::world::Anonymous;

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
    let jwks = serde_json::from_value(answer.body).unwrap();
    let origin = crate::world::ORIGIN;
    let verifier = auth_core::AccessTokenVerifier::new(origin, origin, &jwks).unwrap();
    let now = auth_core::Timestamp::from_second(1_700_000_000).unwrap();
    assert!(verifier.verify(&user.token, now).is_ok());
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

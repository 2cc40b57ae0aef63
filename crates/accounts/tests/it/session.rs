use std::time::Duration;

use accounts::AuthenticateError;

use crate::world::{EMAIL, PASSWORD, World, sign_in, signed_in};

#[tokio::test]
async fn a_token_is_worth_nothing_once_its_session_is_over() {
    let world = World::new();
    let (here, there) = (world.server().await, world.server().await);
    let token = signed_in(&here).await;
    let ada = there.authenticate(&token).await.unwrap();
    assert_eq!(ada.user().email.as_str(), EMAIL);
    here.sign_out(&ada).await.unwrap();
    for server in [&here, &there] {
        let refused = server.authenticate(&token).await;
        assert!(matches!(refused, Err(AuthenticateError::InvalidToken)));
    }
    // Twice is no error: what was wanted is so.
    here.sign_out(&ada).await.unwrap();
}

#[tokio::test]
async fn a_token_expires_after_its_lifetime_and_its_session_lives_on() {
    let world = World::new();
    let accounts = world.server().await;
    let token = signed_in(&accounts).await;
    world.pass(Duration::from_secs(299));
    let ada = accounts.authenticate(&token).await.unwrap();
    assert!(ada.session().is_alive(world.now()));
    world.pass(Duration::from_secs(1));
    assert!(accounts.authenticate(&token).await.is_err());
}

#[tokio::test]
async fn a_session_ends_when_it_has_lasted_long_enough() {
    let world = World::new();
    let long_tokens = world
        .server_with(|settings| {
            settings.session_lifetime = Duration::from_hours(1);
            settings.access_token_lifetime = Duration::from_hours(5);
        })
        .await;
    long_tokens.sign_up(EMAIL, PASSWORD).await.unwrap();
    let issued = long_tokens.sign_in(EMAIL, PASSWORD).await.unwrap();
    assert_eq!(issued.expires_in, Duration::from_hours(1), "a token ends with its session");
    world.pass(Duration::from_hours(1));
    assert!(long_tokens.authenticate(issued.token.as_str()).await.is_err());
}

#[tokio::test]
async fn servers_on_one_store_take_each_others_tokens_and_survive_a_restart() {
    let world = World::new();
    let (here, there) = (world.server().await, world.server().await);
    assert_eq!(here.jwks(), there.jwks());
    let token = signed_in(&here).await;
    there.authenticate(&token).await.unwrap();
    drop((here, there));
    world.server().await.authenticate(&token).await.unwrap();
}

#[tokio::test]
async fn a_token_of_another_service_is_refused() {
    let world = World::new();
    let ours = world.server().await;
    let theirs =
        world.server_with(|settings| settings.service = "https://evil.example".to_owned()).await;
    let token = signed_in(&theirs).await;
    assert!(matches!(ours.authenticate(&token).await, Err(AuthenticateError::InvalidToken)));
    ours.authenticate(&sign_in(&ours).await).await.unwrap();
}

#[tokio::test]
async fn no_secret_is_shown_by_debug() {
    let world = World::new();
    let accounts = world.server().await;
    accounts.sign_up(EMAIL, PASSWORD).await.unwrap();
    let issued = accounts.sign_in(EMAIL, PASSWORD).await.unwrap();
    let ada = accounts.authenticate(issued.token.as_str()).await.unwrap();
    let shown = format!("{issued:?} {ada:?}");
    assert!(!shown.contains(issued.token.as_str()) && !shown.contains(EMAIL));
}

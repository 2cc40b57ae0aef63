use std::time::Duration;

use accounts::{AuthenticateError, Caller, ClientInfo, Origin, SessionLimits};

use crate::world::{EMAIL, PASSWORD, World, access, issue, refresh, sign_in, signed_in};

#[tokio::test]
async fn a_token_is_worth_nothing_once_its_session_is_over() {
    let world = World::new();
    let (here, there) = (world.server().await, world.server().await);
    let token = signed_in(&here).await;
    let ada = there.authenticate(&token).await.unwrap();
    assert_eq!(ada.user().email.as_str(), EMAIL);
    here.sign_out(&ada, &ClientInfo::default()).await.unwrap();
    for server in [&here, &there] {
        let refused = server.authenticate(&token).await;
        assert!(matches!(refused, Err(AuthenticateError::InvalidToken)));
    }
    // Twice is no error: what was wanted is so.
    here.sign_out(&ada, &ClientInfo::default()).await.unwrap();
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
async fn a_session_ends_when_it_is_not_used_and_when_it_has_lasted_long_enough() {
    let world = World::new();
    let minutes = Duration::from_mins;
    let limits = SessionLimits::new(minutes(20), minutes(30)).unwrap();
    let accounts = world
        .server_with(|settings| {
            settings.sessions.standard = limits;
            settings.access_token_lifetime = Duration::from_hours(5);
        })
        .await;
    accounts.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let idle = issue(&accounts, false).await;
    assert_eq!(idle.access.expires_in, minutes(20), "a token ends with its session");
    world.pass(minutes(15));
    let used = refresh(&accounts, &issue(&accounts, false).await).await.unwrap();
    world.pass(minutes(5));
    assert!(accounts.authenticate(&access(&idle)).await.is_err());
    assert!(refresh(&accounts, &idle).await.is_err());
    let used = refresh(&accounts, &used).await.unwrap();
    accounts.authenticate(&access(&used)).await.unwrap();
    assert_eq!(used.access.expires_in, minutes(20));
    world.pass(minutes(15));
    let used = refresh(&accounts, &used).await.unwrap();
    assert_eq!(used.access.expires_in, minutes(10), "the absolute end is never moved");
    world.pass(minutes(10));
    assert!(accounts.authenticate(&access(&used)).await.is_err());
    assert!(refresh(&accounts, &used).await.is_err());
}

#[tokio::test]
async fn servers_on_one_store_take_each_others_tokens_and_survive_a_restart() {
    let world = World::new();
    let (here, there) = (world.server().await, world.server().await);
    assert_eq!(here.jwks().await, there.jwks().await);
    let token = signed_in(&here).await;
    there.authenticate(&token).await.unwrap();
    drop((here, there));
    world.server().await.authenticate(&token).await.unwrap();
}

#[tokio::test]
async fn a_token_of_another_service_is_refused() {
    let world = World::new();
    let ours = world.server().await;
    let theirs = world
        .server_with(|settings| settings.origin = Origin::parse("https://evil.example").unwrap())
        .await;
    let token = signed_in(&theirs).await;
    assert!(matches!(ours.authenticate(&token).await, Err(AuthenticateError::InvalidToken)));
    ours.authenticate(&sign_in(&ours).await).await.unwrap();
}

#[tokio::test]
async fn no_secret_is_shown_by_debug() {
    let world = World::new();
    let accounts = world.server().await;
    accounts.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let issued = issue(&accounts, true).await;
    let ada = accounts.authenticate(&access(&issued)).await.unwrap();
    let held = accounts.export(&ada).await.unwrap();
    let shown = format!("{issued:?} {ada:?} {held:?}");
    for secret in [&access(&issued), &*issued.refresh.token.to_text(), EMAIL, "192.0.2.1", "i=1000"]
    {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

/// What a token was taken for before is no reason to take it again.
#[tokio::test]
async fn a_token_in_use_is_refused_at_once_whatever_ends_its_session() {
    for end in ["sign out", "sign out elsewhere", "end it", "change the password", "disable"] {
        let world = World::new();
        let (here, there) = (world.server().await, world.server().await);
        let token = signed_in(&here).await;
        let other = there.authenticate(&sign_in(&there).await).await.unwrap();
        let mut ada = here.authenticate(&token).await.unwrap();
        for _ in 0..40 {
            ada = here.authenticate(&token).await.unwrap();
        }
        let (client, caller) = (ClientInfo::default(), Caller::default());
        match end {
            "sign out" => here.sign_out(&ada, &client).await.unwrap(),
            "sign out elsewhere" => there.sign_out(&ada, &client).await.unwrap(),
            "end it" => there.end_session(&other, ada.session().id, &client).await.unwrap(),
            "change the password" => {
                let new = "a short swim in the river";
                there.change_password(&other, PASSWORD, new, &caller).await.map(drop).unwrap();
            }
            _ => there.operator().disable(ada.user().id).await.unwrap(),
        }
        let refused = here.authenticate(&token).await;
        assert!(matches!(refused, Err(AuthenticateError::InvalidToken)), "{end}");
    }
}

use std::time::Duration;

use accounts::{Client, RefreshError};
use futures_util::future::join_all;

use crate::world::{EMAIL, PASSWORD, World, access, issue, refresh};

#[tokio::test]
async fn a_session_lives_on_with_ever_new_tokens() {
    let world = World::new();
    let accounts = world.server().await;
    accounts.sign_up(EMAIL, PASSWORD).await.unwrap();
    let mut issued = issue(&accounts, false).await;
    let session = *accounts.authenticate(&access(&issued)).await.unwrap().session();
    for _ in 0..20 {
        world.pass(Duration::from_mins(5));
        assert!(accounts.authenticate(&access(&issued)).await.is_err(), "it has expired");
        let next = refresh(&accounts, &issued).await.unwrap();
        assert_ne!(*next.refresh.token.to_text(), *issued.refresh.token.to_text());
        let ada = accounts.authenticate(&access(&next)).await.unwrap();
        assert_eq!(ada.session().id, session.id);
        assert_eq!(ada.session().last_used_at, world.now());
        assert_eq!(ada.session().expires_at, session.expires_at);
        issued = next;
    }
}

#[tokio::test]
async fn who_asked_to_stay_signed_in_has_longer_limits_and_is_told_them() {
    let world = World::new();
    let accounts = world.server().await;
    accounts.sign_up(EMAIL, PASSWORD).await.unwrap();
    assert_eq!(issue(&accounts, false).await.refresh.max_age, None);
    let days = |days: u64| Duration::from_hours(24 * days);
    let issued = issue(&accounts, true).await;
    assert_eq!(issued.refresh.max_age, Some(days(14)), "the idle limit");
    world.pass(days(13));
    let issued = refresh(&accounts, &issued).await.unwrap();
    assert_eq!(issued.refresh.max_age, Some(days(14)));
    world.pass(days(13));
    let issued = refresh(&accounts, &issued).await.unwrap();
    assert_eq!(issued.refresh.max_age, Some(days(4)), "what is left");
    world.pass(days(4));
    assert!(matches!(refresh(&accounts, &issued).await, Err(RefreshError::InvalidToken)));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_at_once_on_two_servers_nobody_is_signed_out() {
    let world = World::new();
    let (here, there) = (world.server().await, world.server().await);
    here.sign_up(EMAIL, PASSWORD).await.unwrap();
    let issued = issue(&here, false).await;
    let renewed = join_all((0..20).map(|n| {
        let (server, issued) = (if n % 2 == 0 { &here } else { &there }, &issued);
        async move { refresh(server, issued).await.unwrap() }
    }))
    .await;
    let successor = renewed[0].refresh.token.to_text();
    for one in &renewed {
        assert_eq!(*one.refresh.token.to_text(), *successor, "there is one branch");
        there.authenticate(&access(one)).await.unwrap();
    }
}

#[tokio::test]
async fn a_lost_answer_is_given_again_after_a_restart() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD).await.unwrap();
    let issued = issue(&server, false).await;
    let lost = refresh(&server, &issued).await.unwrap();
    drop(server);
    let server = world.server().await;
    world.pass(Duration::from_millis(9_999));
    let again = refresh(&server, &issued).await.unwrap();
    assert_eq!(*again.refresh.token.to_text(), *lost.refresh.token.to_text());
    refresh(&server, &again).await.unwrap();
}

#[tokio::test]
async fn a_copied_token_ends_the_session_of_the_thief_and_of_the_victim() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD).await.unwrap();
    let stolen = issue(&server, false).await;
    let other = issue(&server, false).await;
    let victim = refresh(&server, &stolen).await.unwrap();
    drop(server);
    let server = world.server().await;
    world.pass(Duration::from_secs(10));
    assert!(matches!(refresh(&server, &stolen).await, Err(RefreshError::InvalidToken)));
    assert!(server.authenticate(&access(&victim)).await.is_err());
    assert!(refresh(&server, &victim).await.is_err());
    server.authenticate(&access(&other)).await.unwrap();
}

#[tokio::test]
async fn what_is_no_token_renews_nothing() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD).await.unwrap();
    let issued = issue(&server, false).await;
    let text = issued.refresh.token.to_text();
    for wrong in ["", "x", &text[1..], &format!("{}A", *text), &"A".repeat(64), &access(&issued)] {
        let refused = server.refresh(wrong, &Client::default()).await;
        assert!(matches!(refused, Err(RefreshError::InvalidToken)), "{wrong}");
    }
    refresh(&server, &issued).await.unwrap();
}

#[tokio::test]
async fn after_the_log_out_nothing_is_renewed() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD).await.unwrap();
    let issued = issue(&server, true).await;
    let ada = server.authenticate(&access(&issued)).await.unwrap();
    server.sign_out(&ada).await.unwrap();
    assert!(matches!(refresh(&server, &issued).await, Err(RefreshError::InvalidToken)));
}

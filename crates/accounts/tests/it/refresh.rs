use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use accounts::{Caller, ClientInfo, Clock, RefreshError, RefreshToken, Timestamp};
use auth_core::SystemRandom;
use futures_util::future::join_all;

use crate::world::{EMAIL, PASSWORD, World, access, issue, refresh};

#[tokio::test]
async fn a_session_lives_on_with_ever_new_tokens() {
    let world = World::new();
    let accounts = world.server().await;
    accounts.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
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
    accounts.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
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
    here.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
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
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
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
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
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
async fn what_was_never_issued_renews_nothing() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let issued = issue(&server, false).await;
    let stranger = RefreshToken::generate(&SystemRandom);
    let refused = server.refresh(&stranger, &ClientInfo::default()).await;
    assert!(matches!(refused, Err(RefreshError::InvalidToken)));
    refresh(&server, &issued).await.unwrap();
}

#[tokio::test]
async fn in_the_last_second_of_a_session_there_is_no_token_any_more() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    world.pass(Duration::from_millis(500));
    let mut issued = issue(&server, true).await;
    for days in [13, 13] {
        world.pass(Duration::from_hours(24 * days));
        issued = refresh(&server, &issued).await.unwrap();
    }
    // It ends at half past a second, and a token at the second before that.
    world.pass(Duration::from_hours(24 * 4) - Duration::from_millis(1_500));
    let last = refresh(&server, &issued).await.unwrap();
    assert_eq!(last.access.expires_in, Duration::from_secs(1));
    world.pass(Duration::from_secs(1));
    assert!(matches!(refresh(&server, &last).await, Err(RefreshError::InvalidToken)));
}

/// Every look at it is a millisecond later.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        let millis = self.0.fetch_add(1, Ordering::SeqCst);
        Timestamp::from_millisecond(1_700_000_000_000 + millis).unwrap()
    }
}

#[tokio::test]
async fn what_one_answer_says_is_of_one_moment() {
    let world = World::new();
    let clock = Arc::new(Ticking(AtomicI64::new(0)));
    let server = world.server_at(clock, |_| ()).await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let fourteen_days = Some(Duration::from_hours(14 * 24));
    let issued = issue(&server, true).await;
    assert_eq!(issued.refresh.max_age, fourteen_days);
    let issued = refresh(&server, &issued).await.unwrap();
    assert_eq!(issued.refresh.max_age, fourteen_days);
}

#[tokio::test]
async fn after_the_log_out_nothing_is_renewed() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let issued = issue(&server, true).await;
    let ada = server.authenticate(&access(&issued)).await.unwrap();
    server.sign_out(&ada, &ClientInfo::default()).await.unwrap();
    assert!(matches!(refresh(&server, &issued).await, Err(RefreshError::InvalidToken)));
}

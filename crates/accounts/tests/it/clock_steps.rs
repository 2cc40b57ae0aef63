//! A clock that is wrong, and is put right while sessions are open.

use std::time::Duration;

use accounts::{Caller, RefreshError};

use crate::world::{EMAIL, PASSWORD, World, access, issue, refresh};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn after_a_step_back_old_access_tokens_wait_and_the_session_is_renewed_all_the_same() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let issued = issue(&server, false).await;
    world.go_back(HOUR);
    assert!(server.authenticate(&access(&issued)).await.is_err(), "it is of the future");
    let renewed = refresh(&server, &issued).await.unwrap();
    let ada = server.authenticate(&access(&renewed)).await.unwrap();
    assert_eq!(ada.session().last_used_at, world.now());
    server.sign_up("grace@example.com", PASSWORD, &Caller::default()).await.unwrap();
    server.export(&ada).await.unwrap();
    world.pass(HOUR);
    // Half an hour without use has passed on the way.
    assert!(server.authenticate(&access(&renewed)).await.is_err());
    assert!(server.authenticate(&access(&issued)).await.is_err());
    assert!(refresh(&server, &renewed).await.is_err());
}

#[tokio::test]
async fn a_step_back_does_not_make_the_time_without_use_longer_once_the_session_is_used() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let issued = issue(&server, false).await;
    world.go_back(HOUR);
    let renewed = refresh(&server, &issued).await.unwrap();
    assert_eq!(renewed.access.expires_in, Duration::from_mins(5));
    world.pass(Duration::from_mins(30));
    assert!(matches!(refresh(&server, &renewed).await, Err(RefreshError::InvalidToken)));
}

#[tokio::test]
async fn no_step_moves_the_end_of_a_session() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let mut issued = issue(&server, true).await;
    let ada = server.authenticate(&access(&issued)).await.unwrap();
    let end = ada.session().expires_at;
    for _ in 0..5 {
        world.pass(DAY);
        issued = refresh(&server, &issued).await.unwrap();
        world.go_back(HOUR);
        issued = refresh(&server, &issued).await.unwrap();
        let ada = server.authenticate(&access(&issued)).await.unwrap();
        assert_eq!(ada.session().expires_at, end);
        assert!(ada.session().idle_expires_at <= end);
    }
    while world.now() < end {
        issued = refresh(&server, &issued).await.unwrap();
        world.pass(DAY);
    }
    assert!(refresh(&server, &issued).await.is_err());
    assert!(server.authenticate(&access(&issued)).await.is_err());
}

#[tokio::test]
async fn a_step_forward_and_back_ends_nothing_that_nobody_has_looked_at_meanwhile() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let issued = issue(&server, false).await;
    world.pass(DAY);
    assert!(server.authenticate(&access(&issued)).await.is_err());
    assert!(matches!(refresh(&server, &issued).await, Err(RefreshError::InvalidToken)));
    world.go_back(DAY);
    server.authenticate(&access(&issued)).await.unwrap();
    let issued = refresh(&server, &issued).await.unwrap();
    // What is over when it is looked for is removed, and does not come back.
    world.pass(DAY);
    assert_eq!(server.purge_expired(10).await.unwrap().sessions, 1);
    world.go_back(DAY);
    assert!(server.authenticate(&access(&issued)).await.is_err());
    assert!(refresh(&server, &issued).await.is_err());
}

#[tokio::test]
async fn what_was_issued_while_the_clock_was_ahead_is_refused_until_then() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    world.pass(DAY);
    let ahead = issue(&server, false).await;
    world.go_back(DAY);
    assert!(server.authenticate(&access(&ahead)).await.is_err());
    let right = refresh(&server, &ahead).await.unwrap();
    server.authenticate(&access(&right)).await.unwrap();
    world.pass(Duration::from_mins(30));
    assert!(refresh(&server, &right).await.is_err(), "the time without use is as long as ever");
}

#[tokio::test]
async fn a_lost_answer_is_not_given_again_across_a_step_which_ends_the_session() {
    for step in [World::pass, World::go_back] {
        let world = World::new();
        let server = world.server().await;
        server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
        let issued = issue(&server, true).await;
        let lost = refresh(&server, &issued).await.unwrap();
        step(&world, HOUR);
        assert!(matches!(refresh(&server, &issued).await, Err(RefreshError::InvalidToken)));
        assert!(refresh(&server, &lost).await.is_err(), "it was taken for a copy");
    }
}

use std::time::Duration;

use accounts::{Caller, ClientInfo, EndSessionError};

use crate::world::{EMAIL, PASSWORD, World, access, issue, recognised, refresh};

#[tokio::test]
async fn the_one_used_last_comes_first_and_what_is_over_is_not_listed() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    issue(&server, false).await;
    world.pass(Duration::from_mins(20));
    let older = recognised(&server).await;
    let renewed = issue(&server, true).await;
    world.pass(Duration::from_mins(10));
    let renewed = refresh(&server, &renewed).await.unwrap();
    let newer = server.authenticate(&access(&renewed)).await.unwrap();
    let listed = server.sessions(&newer).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|record| record.session.id).collect();
    assert_eq!(ids, [newer.session().id, older.session().id]);
    assert_eq!(listed[0].client, ClientInfo::default(), "from where it was renewed");
    assert_eq!(listed[1].client.ip(), Some([192, 0, 2, 1].into()));
}

#[tokio::test]
async fn any_of_ones_own_sessions_can_be_ended_and_no_other() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let (ada, other) = (recognised(&server).await, issue(&server, false).await);
    let ending = server.authenticate(&access(&other)).await.unwrap().session().id;
    server.sign_up("grace@example.com", PASSWORD, &Caller::default()).await.unwrap();
    let nobody = Caller::default();
    let grace = server.sign_in("grace@example.com", PASSWORD, false, &nobody, None).await.unwrap();
    let grace = server.authenticate(&access(&grace)).await.unwrap();
    let refused = server.end_session(&grace, ending, &ClientInfo::default()).await;
    assert!(matches!(refused, Err(EndSessionError::NoSuchSession)));
    assert!(server.authenticate(&access(&other)).await.is_ok());
    server.end_session(&ada, ending, &ClientInfo::default()).await.unwrap();
    assert!(server.authenticate(&access(&other)).await.is_err());
    assert!(refresh(&server, &other).await.is_err());
    let again = server.end_session(&ada, ending, &ClientInfo::default()).await;
    assert!(matches!(again, Err(EndSessionError::NoSuchSession)));
}

#[tokio::test]
async fn all_others_can_be_ended_at_once() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let others = [issue(&server, false).await, issue(&server, true).await];
    let ada = recognised(&server).await;
    assert_eq!(server.end_other_sessions(&ada, &ClientInfo::default()).await.unwrap(), 2);
    for other in &others {
        assert!(server.authenticate(&access(other)).await.is_err());
    }
    assert_eq!(server.sessions(&ada).await.unwrap().len(), 1);
    assert_eq!(server.end_other_sessions(&ada, &ClientInfo::default()).await.unwrap(), 0);
}

#[tokio::test]
async fn whose_session_is_over_ends_no_other() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let (thief, ada) = (recognised(&server).await, recognised(&server).await);
    server.end_other_sessions(&ada, &ClientInfo::default()).await.unwrap();
    // What was recognised before comes too late.
    let ended = server.end_other_sessions(&thief, &ClientInfo::default()).await;
    assert!(matches!(ended, Err(EndSessionError::SessionEnded)));
    let ended = server.end_session(&thief, ada.session().id, &ClientInfo::default()).await;
    assert!(matches!(ended, Err(EndSessionError::SessionEnded)));
    server.sign_out(&thief, &ClientInfo::default()).await.unwrap();
    assert_eq!(server.sessions(&ada).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_over_is_removed_batch_by_batch() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    for _ in 0..15 {
        issue(&server, false).await;
    }
    world.pass(Duration::from_mins(30));
    let ada = recognised(&server).await;
    let held = async || server.export(&ada).await.unwrap().sessions.len();
    assert_eq!(held().await, 16);
    assert_eq!(server.purge_expired(10).await.unwrap().sessions, 10);
    assert_eq!(held().await, 6);
    assert_eq!(server.purge_expired(10).await.unwrap().sessions, 5);
    assert_eq!(held().await, 1);
}

#[tokio::test]
async fn who_signs_in_once_more_in_one_place_has_one_session_there() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let (elsewhere, first) = (issue(&server, false).await, issue(&server, false).await);
    let second = refresh(&server, &first).await.unwrap();
    let again = async |token| {
        server.sign_in(EMAIL, PASSWORD, false, &Caller::default(), Some(token)).await.unwrap()
    };
    let third = again(&second.refresh.token).await;
    for token in [&access(&first), &access(&second)] {
        assert!(server.authenticate(token).await.is_err());
    }
    assert!(refresh(&server, &second).await.is_err());
    // Any token of a session will do, and one of none is no hindrance.
    again(&third.refresh.token).await;
    again(&first.refresh.token).await;
    let ada = server.authenticate(&access(&elsewhere)).await.unwrap();
    assert_eq!(server.sessions(&ada).await.unwrap().len(), 3);
    let session = server.session_for_token(&elsewhere.refresh.token).await.unwrap();
    assert_eq!(session.as_ref(), Some(ada.session()));
    assert_eq!(server.session_for_token(&second.refresh.token).await.unwrap(), None);
}

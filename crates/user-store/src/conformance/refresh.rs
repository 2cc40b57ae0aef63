use std::time::Duration;

use auth_core::{
    ClientInfo, RefreshState, RefreshToken, RefreshTokenHash, Session, SessionPolicy, SystemRandom,
    Timestamp,
};
use futures_util::future::{join, join_all};

use super::{Deployment, NOW, SECOND, is_alive, log_out, open, signed_up};
use crate::{RotateOutcome, Rotation, Store};

/// The use of a token from nowhere in particular.
pub(super) fn rotation(token: &RefreshToken) -> (Rotation, RefreshToken) {
    Rotation::new(token, ClientInfo::default(), &SystemRandom)
}

/// Uses a token at a moment; answers the successor that its client gets.
async fn refresh(
    store: &dyn Store,
    token: &RefreshToken,
    now: Timestamp,
) -> Result<(Session, RefreshToken), RotateOutcome> {
    let (rotation, successor) = rotation(token);
    let policy = SessionPolicy::default();
    match store.rotate_refresh_token(&rotation, &policy, now).await.expect("an answer") {
        RotateOutcome::Rotated(session) => Ok((session, successor)),
        RotateOutcome::Repeated(session, salt) => Ok((session, token.successor(&salt))),
        refused => Err(refused),
    }
}

async fn renewable(store: &dyn Store) -> (Session, RefreshToken) {
    let (user, _) = signed_up(store).await;
    open(store, &user).await
}

pub async fn a_refresh_token_renews_its_session_and_is_replaced(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (opened, mut token) = renewable(&*store).await;
    for _ in 0..3 {
        let (session, next) = refresh(&*store, &token, NOW).await.expect("it is current");
        assert_eq!(session.id, opened.id);
        assert_ne!(next.hash(), token.hash());
        token = next;
    }
    assert!(is_alive(&*store, &opened).await);
}

pub async fn renewal_moves_the_idle_end_and_never_the_absolute_one(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (opened, mut token) = renewable(&*store).await;
    let mut now = NOW;
    loop {
        now += Duration::from_mins(29);
        let Ok((session, next)) = refresh(&*store, &token, now).await else { break };
        assert_eq!((session.last_used_at, session.expires_at), (now, opened.expires_at));
        let kept = store.session(session.id, now).await.expect("an answer");
        assert_eq!(kept.map(|kept| kept.session), Some(session));
        token = next;
    }
    assert!(now >= opened.expires_at, "the idle end has moved for as long as it could");
}

pub async fn a_token_that_is_not_known_renews_nothing(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (session, _) = renewable(&*store).await;
    let stranger = RefreshToken::generate(&SystemRandom);
    let refused = refresh(&*store, &stranger, NOW).await.expect_err("it is nobody's");
    assert_eq!(refused, RotateOutcome::Unknown);
    assert!(is_alive(&*store, &session).await);
}

pub async fn a_session_that_is_over_is_not_renewed(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (session, token) = renewable(&*store).await;
    let late = refresh(&*store, &token, session.idle_expires_at).await;
    assert_eq!(late.expect_err("it is over"), RotateOutcome::Unknown);
    assert!(log_out(&*store, &session).await);
    let ended = refresh(&*store, &token, NOW).await;
    assert_eq!(ended.expect_err("it was ended"), RotateOutcome::Unknown);
}

pub async fn of_twenty_uses_at_once_one_rotates_and_all_get_one_successor(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (opened, token) = renewable(&*here).await;
    let successors: Vec<RefreshTokenHash> = join_all((0..20).map(|n| {
        let (store, token) = (if n % 2 == 0 { &here } else { &there }, &token);
        async move { refresh(&**store, token, NOW).await.expect("a race signs nobody out").1 }
    }))
    .await
    .iter()
    .map(RefreshToken::hash)
    .collect();
    assert!(successors.iter().all(|successor| *successor == successors[0]));
    assert!(is_alive(&*here, &opened).await);
}

pub async fn a_token_that_was_just_used_is_repeated_after_a_restart(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (_, token) = renewable(&*store).await;
    let (_, lost) = refresh(&*store, &token, NOW).await.expect("it is current");
    drop(store);
    let store = fresh.connect().await;
    let soon = NOW + RefreshState::GRACE - Duration::from_millis(1);
    let (_, again) = refresh(&*store, &token, soon).await.expect("the answer was lost");
    assert_eq!(again.hash(), lost.hash());
    refresh(&*store, &again, soon).await.expect("it is current");
}

pub async fn a_token_that_is_used_again_too_late_ends_the_session(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (opened, token) = renewable(&*here).await;
    let (_, next) = refresh(&*here, &token, NOW).await.expect("it is current");
    let late = refresh(&*there, &token, NOW + RefreshState::GRACE).await;
    assert!(matches!(late, Err(RotateOutcome::Reused(ended)) if ended.id == opened.id));
    assert!(!is_alive(&*here, &opened).await);
    let rightful = refresh(&*here, &next, NOW + RefreshState::GRACE).await;
    assert_eq!(rightful.expect_err("nobody has it any more"), RotateOutcome::Unknown);
}

pub async fn a_token_whose_successor_was_used_ends_the_session(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (opened, first) = renewable(&*store).await;
    let (_, second) = refresh(&*store, &first, NOW).await.expect("it is current");
    refresh(&*store, &second, NOW).await.expect("it is current");
    let again = refresh(&*store, &first, NOW).await;
    assert!(matches!(again, Err(RotateOutcome::Reused(_))));
    assert!(!is_alive(&*store, &opened).await);
}

pub async fn a_replaced_token_of_any_age_ends_the_session(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (opened, first) = renewable(&*store).await;
    let mut token = first.clone();
    for n in 1..=10 {
        token = refresh(&*store, &token, NOW + n * 60 * SECOND).await.expect("it is current").1;
    }
    let again = refresh(&*store, &first, NOW + 11 * 60 * SECOND).await;
    assert!(matches!(again, Err(RotateOutcome::Reused(_))));
    assert!(!is_alive(&*store, &opened).await);
}

pub async fn a_renewal_that_races_with_a_log_out_leaves_no_session(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (user, _) = signed_up(&*here).await;
    for _ in 0..20 {
        let (opened, token) = open(&*here, &user).await;
        let (renewed, ended) = join(refresh(&*here, &token, NOW), log_out(&*there, &opened)).await;
        assert!(ended);
        assert!(!is_alive(&*here, &opened).await);
        if let Ok((_, next)) = renewed {
            let after = refresh(&*here, &next, NOW).await;
            assert_eq!(after.expect_err("it was ended"), RotateOutcome::Unknown);
        }
    }
}

pub async fn a_renewal_tells_where_the_session_is_used_from(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (session, token) = renewable(&*store).await;
    let policy = SessionPolicy::default();
    let (mut elsewhere, next) = rotation(&token);
    elsewhere.client = ClientInfo::new(Some([192, 0, 2, 2].into()), Some("Browser/2.0"));
    let _ = store.rotate_refresh_token(&elsewhere, &policy, NOW).await.expect("an answer");
    let listed = store.sessions(session.user_id, NOW).await.expect("an answer");
    assert_eq!(listed[0].client, elsewhere.client);
    // What is not known of the one that uses it now is not made up from what was.
    refresh(&*store, &next, NOW).await.expect("it is current");
    let listed = store.sessions(session.user_id, NOW).await.expect("an answer");
    assert_eq!(listed[0].client, ClientInfo::default());
}

pub async fn a_session_is_known_by_any_of_its_refresh_tokens(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (opened, first) = renewable(&*store).await;
    let (renewed, second) = refresh(&*store, &first, NOW).await.expect("it is current");
    for token in [&first, &second] {
        let found = store.session_by_family(&token.family(), NOW).await.expect("an answer");
        assert_eq!(found, Some(renewed));
    }
    let late = store.session_by_family(&first.family(), renewed.idle_expires_at).await;
    assert_eq!(late.expect("an answer"), None);
    assert!(log_out(&*store, &opened).await);
    let ended = store.session_by_family(&first.family(), NOW).await;
    assert_eq!(ended.expect("an answer"), None);
}

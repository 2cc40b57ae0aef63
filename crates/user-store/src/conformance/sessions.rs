use std::time::Duration;

use futures_util::future::join_all;

use super::{
    Deployment, NOW, SECOND, hash, is_alive, new_session, open, sign_up, signed_in, signed_up, user,
};
use crate::{NewSession, OpenSession};

pub async fn an_opened_session_is_found_with_its_user(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (user, session) = signed_in(&*store).await;
    assert_eq!(store.session(session.id, NOW).await.expect("an answer"), Some((session, user)));
}

pub async fn a_session_is_not_found_at_its_end(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (_, session) = signed_in(&*store).await;
    assert!(store.session(session.id, session.expires_at).await.expect("an answer").is_none());
}

pub async fn a_session_that_is_not_used_is_not_found_at_its_idle_end(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (_, session) = signed_in(&*store).await;
    let last = session.idle_expires_at - Duration::from_millis(1);
    assert!(store.session(session.id, last).await.expect("an answer").is_some());
    let end = session.idle_expires_at;
    assert!(store.session(session.id, end).await.expect("an answer").is_none());
}

pub async fn an_ended_session_is_gone_at_once_on_every_server(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (_, session) = signed_in(&*here).await;
    assert!(is_alive(&*there, &session).await);
    assert!(here.end_session(session.user_id, session.id).await.expect("an answer"));
    assert!(!is_alive(&*here, &session).await);
    assert!(!is_alive(&*there, &session).await);
}

pub async fn a_session_ends_once(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (_, session) = signed_in(&*store).await;
    assert!(store.end_session(session.user_id, session.id).await.expect("an answer"));
    assert!(!store.end_session(session.user_id, session.id).await.expect("an answer"));
}

pub async fn of_twenty_log_outs_one_ends_the_session(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (_, session) = signed_in(&*here).await;
    let ended = join_all((0..20).map(|n| {
        let store = if n % 2 == 0 { &here } else { &there };
        store.end_session(session.user_id, session.id)
    }))
    .await;
    assert_eq!(ended.into_iter().filter(|ended| matches!(ended, Ok(true))).count(), 1);
}

pub async fn ending_one_session_leaves_the_others(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (user, hash) = signed_up(&*store).await;
    let (one, _) = open(&*store, &user, &hash).await;
    let (other, _) = open(&*store, &user, &hash).await;
    store.end_session(user.id, one.id).await.expect("an answer");
    assert!(is_alive(&*store, &other).await);
}

pub async fn no_session_is_opened_with_a_password_that_is_no_longer_in_force(
    fresh: &dyn Deployment,
) {
    let store = fresh.connect().await;
    let (user, in_force) = signed_up(&*store).await;
    let (new, _) = new_session(&user);
    for renewed in [None, Some(&in_force)] {
        let opened = store.open_session(&new, &hash(), renewed).await.expect("an answer");
        assert_eq!(opened, OpenSession::CredentialsChanged);
    }
    assert!(!is_alive(&*store, &new.session).await);
}

pub async fn opening_a_session_can_renew_the_hash(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (user, old) = signed_up(&*store).await;
    let ((session, _), new) = (new_session(&user), hash());
    let opened = store.open_session(&session, &old, Some(&new)).await.expect("an answer");
    assert_eq!(opened, OpenSession::Opened);
    let found = store.credentials(user.email.key()).await.expect("an answer").expect("it is there");
    assert_eq!(found.password_hash, new);
    assert!(is_alive(&*store, &session.session).await);
}

pub async fn of_renewals_that_race_one_wins_and_no_session_is_lost(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (user, old) = signed_up(&*here).await;
    let attempts: Vec<_> = (0..20).map(|_| (new_session(&user).0, hash())).collect();
    let opened = join_all(attempts.iter().enumerate().map(|(n, (session, new))| {
        let store = if n % 2 == 0 { &here } else { &there };
        store.open_session(session, &old, Some(new))
    }))
    .await;
    let mut winners = 0;
    for (opened, (session, new)) in opened.into_iter().zip(&attempts) {
        let won = opened.expect("an answer") == OpenSession::Opened;
        assert_eq!(is_alive(&*here, &session.session).await, won);
        if won {
            winners += 1;
            let found = here.credentials(user.email.key()).await.expect("an answer");
            assert_eq!(&found.expect("it is there").password_hash, new);
        }
    }
    assert_eq!(winners, 1);
}

pub async fn no_session_is_opened_for_an_account_that_is_not_there(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (new, _) = new_session(&user("ada@example.com"));
    let opened = store.open_session(&new, &hash(), None).await.expect("an answer");
    assert_eq!(opened, OpenSession::CredentialsChanged);
    assert!(!is_alive(&*store, &new.session).await);
}

pub async fn a_session_is_ended_by_its_own_user_alone(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (_, session) = signed_in(&*store).await;
    let (grace, _) = sign_up(&*store, "grace@example.com").await;
    assert!(!store.end_session(grace.id, session.id).await.expect("an answer"));
    assert!(is_alive(&*store, &session).await);
}

pub async fn all_sessions_but_one_end_and_no_other_users(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, password) = signed_up(&*store).await;
    let (kept, _) = open(&*store, &ada, &password).await;
    let (one, _) = open(&*store, &ada, &password).await;
    let (two, _) = open(&*store, &ada, &password).await;
    let (grace, hers) = sign_up(&*store, "grace@example.com").await;
    let (unconcerned, _) = open(&*store, &grace, &hers).await;
    assert_eq!(store.end_sessions(ada.id, Some(kept.id)).await.expect("an answer"), 2);
    for (session, alive) in [(kept, true), (one, false), (two, false), (unconcerned, true)] {
        assert_eq!(is_alive(&*store, &session).await, alive);
    }
    assert_eq!(store.end_sessions(ada.id, None).await.expect("an answer"), 1);
    assert!(!is_alive(&*store, &kept).await);
}

pub async fn the_sessions_of_a_user_are_listed_with_where_they_are_used_from(
    fresh: &dyn Deployment,
) {
    let store = fresh.connect().await;
    let (ada, password) = signed_up(&*store).await;
    let (grace, hers) = sign_up(&*store, "grace@example.com").await;
    open(&*store, &grace, &hers).await;
    let (mut older, _) = new_session(&ada);
    older.session.last_used_at = NOW - SECOND;
    older.client = auth_core::Client::default();
    let _ = store.open_session(&older, &password, None).await.expect("an answer");
    let (mut over, _) = new_session(&ada);
    over.session.idle_expires_at = NOW;
    let _ = store.open_session(&over, &password, None).await.expect("an answer");
    let (newer, _) = open(&*store, &ada, &password).await;
    let found = store.sessions(ada.id, NOW).await.expect("an answer");
    assert_eq!(found.len(), 2, "neither hers nor what is over");
    assert_eq!(found[0].session, newer);
    assert_eq!(found[0].client.user_agent(), Some("Browser/1.0"));
    assert_eq!(found[0].client.ip(), Some([192, 0, 2, 1].into()));
    assert_eq!((found[1].session, &found[1].client), (older.session, &older.client));
}

pub async fn a_log_in_ends_the_session_whose_place_it_takes(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, password) = signed_up(&*store).await;
    let (before, token) = open(&*store, &ada, &password).await;
    let (elsewhere, _) = open(&*store, &ada, &password).await;
    let (mut new, _) = new_session(&ada);
    new.replaces = Some(token.family());
    // Nothing ends where nothing is opened.
    let refused = store.open_session(&new, &hash(), None).await.expect("an answer");
    assert_eq!(refused, OpenSession::CredentialsChanged);
    assert!(is_alive(&*store, &before).await);
    let opened = store.open_session(&new, &password, None).await.expect("an answer");
    assert_eq!(opened, OpenSession::Opened);
    for (session, alive) in [(before, false), (elsewhere, true), (new.session, true)] {
        assert_eq!(is_alive(&*store, &session).await, alive);
    }
}

pub async fn a_log_in_ends_no_session_of_another_user(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, password) = signed_up(&*store).await;
    let (adas, token) = open(&*store, &ada, &password).await;
    let (grace, hers) = sign_up(&*store, "grace@example.com").await;
    let (mut new, _) = new_session(&grace);
    new.replaces = Some(token.family());
    let opened = store.open_session(&new, &hers, None).await.expect("an answer");
    assert_eq!(opened, OpenSession::Opened);
    assert!(is_alive(&*store, &adas).await);
}

pub async fn one_session_too_many_ends_the_one_used_last_the_longest_ago(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, password) = signed_up(&*store).await;
    let (grace, hers) = sign_up(&*store, "grace@example.com").await;
    let (unconcerned, _) = open(&*store, &grace, &hers).await;
    let (mut oldest, _) = new_session(&ada);
    oldest.session.last_used_at = NOW - SECOND;
    let _ = store.open_session(&oldest, &password, None).await.expect("an answer");
    for _ in 1..NewSession::MOST_PER_USER {
        open(&*store, &ada, &password).await;
    }
    assert!(is_alive(&*store, &oldest.session).await);
    let (last, _) = open(&*store, &ada, &password).await;
    for (session, alive) in [(oldest.session, false), (last, true), (unconcerned, true)] {
        assert_eq!(is_alive(&*store, &session).await, alive);
    }
    let left = store.sessions(ada.id, NOW).await.expect("an answer");
    assert_eq!(left.len(), NewSession::MOST_PER_USER as usize);
}

pub async fn what_is_over_is_removed_in_batches_and_nothing_else(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, password) = signed_up(&*store).await;
    for _ in 0..5 {
        let (mut over, _) = new_session(&ada);
        over.session.idle_expires_at = NOW;
        let _ = store.open_session(&over, &password, None).await.expect("an answer");
    }
    let (alive, _) = open(&*store, &ada, &password).await;
    let mut removed = Vec::new();
    for _ in 0..4 {
        removed.push(store.remove_ended_sessions(NOW, 2).await.expect("an answer"));
    }
    assert_eq!(removed, [2, 2, 1, 0]);
    assert!(is_alive(&*store, &alive).await);
    let held = store.holdings(ada.id).await.expect("an answer").expect("it is there");
    assert_eq!(held.sessions.len(), 1);
}

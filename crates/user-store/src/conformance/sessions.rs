use std::time::Duration;

use futures_util::future::{join, join_all};

use super::{
    Deployment, NOW, SECOND, acting, hash, in_force, is_alive, log_out, new_session, open,
    open_new, sign_up, signed_in, signed_up, user,
};
use crate::{
    EndSessionsOutcome, NewSession, OpenSessionOutcome, PasswordVersion, UpdateUserOutcome,
};

pub async fn an_opened_session_is_found_with_its_user(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (user, session) = signed_in(&*store).await;
    let found = store.session(session.id, NOW).await.expect("an answer").expect("it is active");
    assert_eq!((found.session, found.user), (session, user));
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
    assert!(log_out(&*here, &session).await);
    assert!(!is_alive(&*here, &session).await);
    assert!(!is_alive(&*there, &session).await);
}

pub async fn a_session_ends_once(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (_, session) = signed_in(&*store).await;
    assert!(log_out(&*store, &session).await);
    assert!(!log_out(&*store, &session).await);
}

pub async fn of_twenty_log_outs_one_ends_the_session(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (_, session) = signed_in(&*here).await;
    let ended = join_all((0..20).map(|n| {
        let store = if n % 2 == 0 { &here } else { &there };
        log_out(&**store, &session)
    }))
    .await;
    assert_eq!(ended.into_iter().filter(|ended| *ended).count(), 1);
}

pub async fn ending_one_session_leaves_the_others(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (user, _) = signed_up(&*store).await;
    let (one, _) = open(&*store, &user).await;
    let (other, _) = open(&*store, &user).await;
    log_out(&*store, &one).await;
    assert!(is_alive(&*store, &other).await);
}

pub async fn no_session_is_opened_with_a_password_that_is_no_longer_in_force(
    fresh: &dyn Deployment,
) {
    let store = fresh.connect().await;
    let (user, _) = signed_up(&*store).await;
    let before = in_force(&*store, &user).await.password_version;
    assert_eq!(
        store.set_password(user.id, &hash(), NOW).await.expect("an answer"),
        UpdateUserOutcome::Updated
    );
    let now = in_force(&*store, &user).await;
    assert_ne!(now.password_version, before);
    let (new, _) = new_session(&user);
    for renewed in [None, Some(&hash())] {
        let opened = store.open_session(&new, before, renewed).await.expect("an answer");
        assert_eq!(opened, OpenSessionOutcome::CredentialsChanged);
    }
    assert!(!is_alive(&*store, &new.session).await);
    assert_eq!(in_force(&*store, &user).await, now);
}

pub async fn opening_a_session_can_renew_the_hash(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (user, _) = signed_up(&*store).await;
    let before = in_force(&*store, &user).await;
    let ((session, _), renewed) = (new_session(&user), hash());
    let opened = store.open_session(&session, before.password_version, Some(&renewed)).await;
    assert_eq!(opened.expect("an answer"), OpenSessionOutcome::Opened(Vec::new()));
    let now = in_force(&*store, &user).await;
    assert_eq!(now.password_hash, renewed);
    assert_eq!(now.password_version, before.password_version, "it is the same password");
    assert!(is_alive(&*store, &session.session).await);
}

pub async fn of_log_ins_that_renew_the_hash_at_once_all_succeed(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (user, _) = signed_up(&*here).await;
    let verified = in_force(&*here, &user).await.password_version;
    let attempts: Vec<_> = (0..20).map(|_| (new_session(&user).0, hash())).collect();
    let opened = join_all(attempts.iter().enumerate().map(|(n, (session, new))| {
        let store = if n % 2 == 0 { &here } else { &there };
        store.open_session(session, verified, Some(new))
    }))
    .await;
    for (opened, (session, _)) in opened.into_iter().zip(&attempts) {
        assert_eq!(opened.expect("an answer"), OpenSessionOutcome::Opened(Vec::new()));
        assert!(is_alive(&*here, &session.session).await);
    }
    let now = in_force(&*here, &user).await.password_hash;
    assert!(attempts.iter().any(|(_, renewed)| *renewed == now));
}

pub async fn no_session_is_opened_for_an_account_that_is_not_there(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, _) = signed_up(&*store).await;
    let verified = in_force(&*store, &ada).await.password_version;
    let (new, _) = new_session(&user("grace@example.com"));
    let opened = store.open_session(&new, verified, None).await.expect("an answer");
    assert_eq!(opened, OpenSessionOutcome::CredentialsChanged);
    assert!(!is_alive(&*store, &new.session).await);
}

pub async fn a_session_is_ended_by_its_own_user_alone(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (_, session) = signed_in(&*store).await;
    let (grace, _) = sign_up(&*store, "grace@example.com").await;
    let (hers, _) = open(&*store, &grace).await;
    let ended = store.end_session(&acting(&hers), session.id, NOW).await.expect("an answer");
    assert_eq!(ended, EndSessionsOutcome::Ended(0));
    assert!(is_alive(&*store, &session).await);
}

pub async fn all_sessions_but_one_end_and_no_other_users(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, _) = signed_up(&*store).await;
    let (kept, _) = open(&*store, &ada).await;
    let (one, _) = open(&*store, &ada).await;
    let (two, _) = open(&*store, &ada).await;
    let (grace, _) = sign_up(&*store, "grace@example.com").await;
    let (unconcerned, _) = open(&*store, &grace).await;
    let ended = store.end_other_sessions(&acting(&kept), NOW).await.expect("an answer");
    assert_eq!(ended, EndSessionsOutcome::Ended(2));
    for (session, alive) in [(kept, true), (one, false), (two, false), (unconcerned, true)] {
        assert_eq!(is_alive(&*store, &session).await, alive);
    }
    assert_eq!(store.end_all_sessions(ada.id, NOW).await.expect("an answer"), 1);
    assert!(!is_alive(&*store, &kept).await);
}

pub async fn of_sessions_that_end_each_other_at_once_one_is_left(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (ada, _) = signed_up(&*here).await;
    for round in 0..20 {
        let (one, _) = open(&*here, &ada).await;
        let (other, _) = open(&*here, &ada).await;
        let mut ended = match round % 2 {
            0 => {
                let (one, other) = (acting(&one), acting(&other));
                let ends = here.end_other_sessions(&one, NOW);
                <[_; 2]>::from(join(ends, there.end_other_sessions(&other, NOW)).await)
            }
            _ => {
                let (acting_one, acting_other) = (acting(&one), acting(&other));
                let ends = here.end_session(&acting_one, other.id, NOW);
                <[_; 2]>::from(join(ends, there.end_session(&acting_other, one.id, NOW)).await)
            }
        }
        .map(|ended| ended.expect("an answer"));
        ended.sort_by_key(|ended| *ended == EndSessionsOutcome::SessionEnded);
        assert_eq!(ended, [EndSessionsOutcome::Ended(1), EndSessionsOutcome::SessionEnded]);
        let alive = [is_alive(&*here, &one).await, is_alive(&*here, &other).await];
        assert_eq!(alive.into_iter().filter(|alive| *alive).count(), 1);
        here.end_all_sessions(ada.id, NOW).await.expect("an answer");
    }
}

pub async fn what_is_over_is_not_ended_once_more(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, _) = signed_up(&*store).await;
    let (alive, _) = open(&*store, &ada).await;
    let mut over = Vec::new();
    for _ in 0..3 {
        let (mut new, _) = new_session(&ada);
        new.session.idle_expires_at = NOW;
        open_new(&*store, &ada, &new).await;
        over.push(new.session);
    }
    let ended = store.end_session(&acting(&alive), over[0].id, NOW).await.expect("an answer");
    assert_eq!(ended, EndSessionsOutcome::Ended(0));
    let ended = store.end_other_sessions(&acting(&over[1]), NOW).await.expect("an answer");
    assert_eq!(ended, EndSessionsOutcome::SessionEnded);
    let ended = store.end_other_sessions(&acting(&alive), NOW).await.expect("an answer");
    assert_eq!(ended, EndSessionsOutcome::Ended(0));
    assert_eq!(store.end_all_sessions(ada.id, NOW).await.expect("an answer"), 1);
}

pub async fn the_sessions_of_a_user_are_listed_with_where_they_are_used_from(
    fresh: &dyn Deployment,
) {
    let store = fresh.connect().await;
    let (ada, _) = signed_up(&*store).await;
    let (grace, _) = sign_up(&*store, "grace@example.com").await;
    open(&*store, &grace).await;
    let (mut older, _) = new_session(&ada);
    older.session.last_used_at = NOW - SECOND;
    older.client = auth_core::ClientInfo::default();
    open_new(&*store, &ada, &older).await;
    let (mut over, _) = new_session(&ada);
    over.session.idle_expires_at = NOW;
    open_new(&*store, &ada, &over).await;
    let (newer, _) = open(&*store, &ada).await;
    let found = store.sessions(ada.id, NOW).await.expect("an answer");
    assert_eq!(found.len(), 2, "neither hers nor what is over");
    assert_eq!(found[0].session, newer);
    assert_eq!(found[0].client.user_agent(), Some("Browser/1.0"));
    assert_eq!(found[0].client.ip(), Some([192, 0, 2, 1].into()));
    assert_eq!((found[1].session, &found[1].client), (older.session, &older.client));
}

pub async fn a_log_in_ends_the_session_whose_place_it_takes(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, _) = signed_up(&*store).await;
    let (before, token) = open(&*store, &ada).await;
    let (elsewhere, _) = open(&*store, &ada).await;
    let (mut new, _) = new_session(&ada);
    new.replaces = Some(token.family());
    // Nothing ends where nothing is opened.
    let PasswordVersion(verified) = in_force(&*store, &ada).await.password_version;
    let refused = store.open_session(&new, PasswordVersion(verified + 1), None).await;
    assert_eq!(refused.expect("an answer"), OpenSessionOutcome::CredentialsChanged);
    assert!(is_alive(&*store, &before).await);
    assert_eq!(open_new(&*store, &ada, &new).await, [before.id]);
    for (session, alive) in [(before, false), (elsewhere, true), (new.session, true)] {
        assert_eq!(is_alive(&*store, &session).await, alive);
    }
}

pub async fn a_log_in_ends_no_session_of_another_user(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, _) = signed_up(&*store).await;
    let (adas, token) = open(&*store, &ada).await;
    let (grace, _) = sign_up(&*store, "grace@example.com").await;
    let (mut new, _) = new_session(&grace);
    new.replaces = Some(token.family());
    assert!(open_new(&*store, &grace, &new).await.is_empty());
    assert!(is_alive(&*store, &adas).await);
}

pub async fn what_is_over_gives_way_to_nothing(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, _) = signed_up(&*store).await;
    let (mut over, token) = new_session(&ada);
    over.session.idle_expires_at = NOW;
    open_new(&*store, &ada, &over).await;
    let (mut new, _) = new_session(&ada);
    new.replaces = Some(token.family());
    assert!(open_new(&*store, &ada, &new).await.is_empty());
}

pub async fn one_session_too_many_ends_the_one_used_last_the_longest_ago(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, _) = signed_up(&*store).await;
    let (grace, _) = sign_up(&*store, "grace@example.com").await;
    let (unconcerned, _) = open(&*store, &grace).await;
    let (mut oldest, _) = new_session(&ada);
    oldest.session.last_used_at = NOW - SECOND;
    open_new(&*store, &ada, &oldest).await;
    for _ in 1..NewSession::MAX_PER_USER {
        open(&*store, &ada).await;
    }
    assert!(is_alive(&*store, &oldest.session).await);
    let (last, _) = new_session(&ada);
    assert_eq!(open_new(&*store, &ada, &last).await, [oldest.session.id]);
    for (session, alive) in [(oldest.session, false), (last.session, true), (unconcerned, true)] {
        assert_eq!(is_alive(&*store, &session).await, alive);
    }
    let left = store.sessions(ada.id, NOW).await.expect("an answer");
    assert_eq!(left.len(), NewSession::MAX_PER_USER as usize);
}

pub async fn what_is_over_is_removed_in_batches_and_nothing_else(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, _) = signed_up(&*store).await;
    for _ in 0..5 {
        let (mut over, _) = new_session(&ada);
        over.session.idle_expires_at = NOW;
        open_new(&*store, &ada, &over).await;
    }
    let (alive, _) = open(&*store, &ada).await;
    let mut removed = Vec::new();
    for _ in 0..4 {
        removed.push(store.purge_expired(NOW, 2).await.expect("an answer").sessions);
    }
    assert_eq!(removed, [2, 2, 1, 0]);
    assert!(is_alive(&*store, &alive).await);
    let held = store.user_data(ada.id).await.expect("an answer").expect("it is there");
    assert_eq!(held.sessions.len(), 1);
}

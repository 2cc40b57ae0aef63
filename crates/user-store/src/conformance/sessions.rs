use std::time::Duration;

use auth_core::ClientInfo;
use futures_util::future::{join, join_all};

use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{
    NOW, SECOND, acting, current_credentials, hash, is_alive, new_session, open, open_session,
    opened_for, set_password, sign_in_ada, sign_out, sign_up, sign_up_ada, two_servers, user,
};
use crate::sessions::{EndSessionsOutcome, NewSession, OpenSessionOutcome};
use crate::users::{PasswordVersion, UpdateUserOutcome};

cases! {
    ($) sessions_cases in sessions;
    an_open_session_is_found_with_its_user,
    a_session_is_not_found_at_its_absolute_expiry,
    a_session_is_not_found_at_its_idle_expiry,
    no_session_is_opened_with_a_former_password,
    no_session_is_opened_for_an_unknown_account,
    a_sign_in_can_replace_the_password_hash,
    concurrent_sign_ins_that_replace_the_hash_all_succeed,
    a_sign_in_ends_the_session_that_it_replaces,
    a_sign_in_does_not_replace_a_session_of_another_user,
    an_expired_session_is_not_replaced,
    a_session_beyond_the_limit_ends_the_least_recently_used_one,
    sessions_are_listed_with_their_clients,
    a_session_ends_immediately_on_every_server,
    a_session_can_be_ended_only_once,
    concurrent_sign_outs_end_the_session_once,
    ending_a_session_keeps_the_others,
    a_session_is_not_ended_by_another_user,
    ending_other_sessions_keeps_the_acting_session_and_other_users_sessions,
    sessions_that_end_each_other_leave_one_active,
    an_expired_session_is_not_ended_again,
    expired_sessions_are_purged_in_batches,
}

async fn an_open_session_is_found_with_its_user(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (user, session) = sign_in_ada(&store).await;
    let found = store.session(session.id, NOW).await.unwrap().unwrap();
    assert_eq!((found.session, found.user), (session, user));
}

async fn a_session_is_not_found_at_its_absolute_expiry(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (_, session) = sign_in_ada(&store).await;
    assert!(store.session(session.id, session.expires_at).await.unwrap().is_none());
}

async fn a_session_is_not_found_at_its_idle_expiry(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (_, session) = sign_in_ada(&store).await;
    let last = session.idle_expires_at - Duration::from_millis(1);
    assert!(store.session(session.id, last).await.unwrap().is_some());
    let end = session.idle_expires_at;
    assert!(store.session(session.id, end).await.unwrap().is_none());
}

async fn no_session_is_opened_with_a_former_password(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (user, _) = sign_up_ada(&store).await;
    let before = current_credentials(&store, &user).await.password_version;
    assert_eq!(set_password(&store, &user, &hash()).await.unwrap(), UpdateUserOutcome::Updated);
    let current = current_credentials(&store, &user).await;
    assert_ne!(current.password_version, before);
    let (new, _) = new_session(&user);
    for rehashed in [None, Some(&hash())] {
        let opened = store.open_session(&new, before, rehashed).await.unwrap();
        assert_eq!(opened, OpenSessionOutcome::CredentialsChanged);
    }
    assert!(!is_alive(&store, &new.session).await);
    assert_eq!(current_credentials(&store, &user).await, current);
}

async fn no_session_is_opened_for_an_unknown_account(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let verified = current_credentials(&store, &ada).await.password_version;
    let (new, _) = new_session(&user("grace@example.com"));
    let opened = store.open_session(&new, verified, None).await.unwrap();
    assert_eq!(opened, OpenSessionOutcome::CredentialsChanged);
    assert!(!is_alive(&store, &new.session).await);
}

async fn a_sign_in_can_replace_the_password_hash(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (user, _) = sign_up_ada(&store).await;
    let before = current_credentials(&store, &user).await;
    let ((session, _), rehashed) = (new_session(&user), hash());
    let opened = store.open_session(&session, before.password_version, Some(&rehashed)).await;
    assert_eq!(opened.unwrap(), opened_for(&user));
    let current = current_credentials(&store, &user).await;
    assert_eq!(current.password_hash, rehashed);
    assert_eq!(current.password_version, before.password_version, "it is the same password");
    assert!(is_alive(&store, &session.session).await);
}

async fn concurrent_sign_ins_that_replace_the_hash_all_succeed(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (user, _) = sign_up_ada(&here).await;
    let verified = current_credentials(&here, &user).await.password_version;
    let attempts: Vec<_> = (0..20).map(|_| (new_session(&user).0, hash())).collect();
    let opened = join_all(attempts.iter().enumerate().map(|(n, (session, new))| {
        let store = if n % 2 == 0 { &here } else { &there };
        store.open_session(session, verified, Some(new))
    }))
    .await;
    for (opened, (session, _)) in opened.into_iter().zip(&attempts) {
        assert_eq!(opened.unwrap(), opened_for(&user));
        assert!(is_alive(&here, &session.session).await);
    }
    let current = current_credentials(&here, &user).await.password_hash;
    assert!(attempts.iter().any(|(_, rehashed)| *rehashed == current));
}

async fn a_sign_in_ends_the_session_that_it_replaces(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let (before, token) = open(&store, &ada).await;
    let (elsewhere, _) = open(&store, &ada).await;
    let (mut new, _) = new_session(&ada);
    new.replaces = Some(token.family());
    // If no session is opened, none is ended.
    let PasswordVersion(verified) = current_credentials(&store, &ada).await.password_version;
    let rejected = store.open_session(&new, PasswordVersion(verified + 1), None).await;
    assert_eq!(rejected.unwrap(), OpenSessionOutcome::CredentialsChanged);
    assert!(is_alive(&store, &before).await);
    assert_eq!(open_session(&store, &ada, &new).await, [before.id]);
    for (session, alive) in [(before, false), (elsewhere, true), (new.session, true)] {
        assert_eq!(is_alive(&store, &session).await, alive);
    }
}

async fn a_sign_in_does_not_replace_a_session_of_another_user(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let (of_ada, token) = open(&store, &ada).await;
    let (grace, _) = sign_up(&store, "grace@example.com").await;
    let (mut new, _) = new_session(&grace);
    new.replaces = Some(token.family());
    assert!(open_session(&store, &grace, &new).await.is_empty());
    assert!(is_alive(&store, &of_ada).await);
}

async fn an_expired_session_is_not_replaced(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let (mut expired, token) = new_session(&ada);
    expired.session.idle_expires_at = NOW;
    open_session(&store, &ada, &expired).await;
    let (mut new, _) = new_session(&ada);
    new.replaces = Some(token.family());
    assert!(open_session(&store, &ada, &new).await.is_empty());
}

async fn a_session_beyond_the_limit_ends_the_least_recently_used_one(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let (grace, _) = sign_up(&store, "grace@example.com").await;
    let (unrelated, _) = open(&store, &grace).await;
    let (mut oldest, _) = new_session(&ada);
    oldest.session.last_used_at = NOW - SECOND;
    open_session(&store, &ada, &oldest).await;
    for _ in 1..NewSession::MAX_PER_USER {
        open(&store, &ada).await;
    }
    assert!(is_alive(&store, &oldest.session).await);
    let (last, _) = new_session(&ada);
    assert_eq!(open_session(&store, &ada, &last).await, [oldest.session.id]);
    for (session, alive) in [(oldest.session, false), (last.session, true), (unrelated, true)] {
        assert_eq!(is_alive(&store, &session).await, alive);
    }
    let remaining = store.sessions(ada.id, NOW).await.unwrap();
    assert_eq!(remaining.len(), NewSession::MAX_PER_USER as usize);
}

async fn sessions_are_listed_with_their_clients(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let (grace, _) = sign_up(&store, "grace@example.com").await;
    open(&store, &grace).await;
    let (mut older, _) = new_session(&ada);
    older.session.last_used_at = NOW - SECOND;
    older.client = ClientInfo::default();
    open_session(&store, &ada, &older).await;
    let (mut expired, _) = new_session(&ada);
    expired.session.idle_expires_at = NOW;
    open_session(&store, &ada, &expired).await;
    let (newer, _) = open(&store, &ada).await;
    let found = store.sessions(ada.id, NOW).await.unwrap();
    assert_eq!(found.len(), 2, "the other user's session and the expired one are not listed");
    assert_eq!(found[0].session, newer);
    assert_eq!(found[0].client.user_agent(), Some("Browser/1.0"));
    assert_eq!(found[0].client.ip(), Some([192, 0, 2, 1].into()));
    assert_eq!((found[1].session, &found[1].client), (older.session, &older.client));
}

async fn a_session_ends_immediately_on_every_server(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (_, session) = sign_in_ada(&here).await;
    assert!(is_alive(&there, &session).await);
    assert!(sign_out(&here, &session).await);
    assert!(!is_alive(&here, &session).await);
    assert!(!is_alive(&there, &session).await);
}

async fn a_session_can_be_ended_only_once(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (_, session) = sign_in_ada(&store).await;
    assert!(sign_out(&store, &session).await);
    assert!(!sign_out(&store, &session).await);
}

async fn concurrent_sign_outs_end_the_session_once(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (_, session) = sign_in_ada(&here).await;
    let ended = join_all((0..20).map(|n| {
        let store = if n % 2 == 0 { &here } else { &there };
        sign_out(store, &session)
    }))
    .await;
    assert_eq!(ended.into_iter().filter(|ended| *ended).count(), 1);
}

async fn ending_a_session_keeps_the_others(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (user, _) = sign_up_ada(&store).await;
    let (one, _) = open(&store, &user).await;
    let (other, _) = open(&store, &user).await;
    sign_out(&store, &one).await;
    assert!(is_alive(&store, &other).await);
}

async fn a_session_is_not_ended_by_another_user(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (_, session) = sign_in_ada(&store).await;
    let (grace, _) = sign_up(&store, "grace@example.com").await;
    let (of_grace, _) = open(&store, &grace).await;
    let ended = store.end_session(&acting(&of_grace), session.id, NOW).await.unwrap();
    assert_eq!(ended, EndSessionsOutcome::Ended(0));
    assert!(is_alive(&store, &session).await);
}

async fn ending_other_sessions_keeps_the_acting_session_and_other_users_sessions(
    deployment: &dyn Deployment,
) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let (own, _) = open(&store, &ada).await;
    let (one, _) = open(&store, &ada).await;
    let (two, _) = open(&store, &ada).await;
    let (grace, _) = sign_up(&store, "grace@example.com").await;
    let (unrelated, _) = open(&store, &grace).await;
    let ended = store.end_other_sessions(&acting(&own), NOW).await.unwrap();
    assert_eq!(ended, EndSessionsOutcome::Ended(2));
    for (session, alive) in [(own, true), (one, false), (two, false), (unrelated, true)] {
        assert_eq!(is_alive(&store, &session).await, alive);
    }
    assert_eq!(store.end_all_sessions(ada.id, NOW).await.unwrap(), 1);
    assert!(!is_alive(&store, &own).await);
}

async fn sessions_that_end_each_other_leave_one_active(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (ada, _) = sign_up_ada(&here).await;
    for round in 0..20 {
        let (one, _) = open(&here, &ada).await;
        let (other, _) = open(&here, &ada).await;
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
        .map(Result::unwrap);
        ended.sort_by_key(|ended| *ended == EndSessionsOutcome::SessionEnded);
        assert_eq!(ended, [EndSessionsOutcome::Ended(1), EndSessionsOutcome::SessionEnded]);
        let alive = [is_alive(&here, &one).await, is_alive(&here, &other).await];
        assert_eq!(alive.into_iter().filter(|alive| *alive).count(), 1);
        here.end_all_sessions(ada.id, NOW).await.unwrap();
    }
}

async fn an_expired_session_is_not_ended_again(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let (alive, _) = open(&store, &ada).await;
    let mut expired = Vec::new();
    for _ in 0..3 {
        let (mut new, _) = new_session(&ada);
        new.session.idle_expires_at = NOW;
        open_session(&store, &ada, &new).await;
        expired.push(new.session);
    }
    let ended = store.end_session(&acting(&alive), expired[0].id, NOW).await.unwrap();
    assert_eq!(ended, EndSessionsOutcome::Ended(0));
    let ended = store.end_other_sessions(&acting(&expired[1]), NOW).await.unwrap();
    assert_eq!(ended, EndSessionsOutcome::SessionEnded);
    let ended = store.end_other_sessions(&acting(&alive), NOW).await.unwrap();
    assert_eq!(ended, EndSessionsOutcome::Ended(0));
    assert_eq!(store.end_all_sessions(ada.id, NOW).await.unwrap(), 1);
}

async fn expired_sessions_are_purged_in_batches(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    for _ in 0..5 {
        let (mut expired, _) = new_session(&ada);
        expired.session.idle_expires_at = NOW;
        open_session(&store, &ada, &expired).await;
    }
    let (alive, _) = open(&store, &ada).await;
    let mut purged = Vec::new();
    for _ in 0..4 {
        purged.push(store.purge_expired(NOW, 2).await.unwrap().sessions);
    }
    assert_eq!(purged, [2, 2, 1, 0]);
    assert!(is_alive(&store, &alive).await);
    let data = store.user_data(ada.id).await.unwrap().unwrap();
    assert_eq!(data.sessions.len(), 1);
}

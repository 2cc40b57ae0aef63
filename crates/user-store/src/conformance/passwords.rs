use auth_core::{DecoyPosition, Session, SessionPolicy};
use futures_util::future::{join, join_all};

use super::refresh::rotation;
use super::{
    Deployment, NOW, client, hash, in_force, is_alive, log_out, new_session, open, sign_up,
    signed_up,
};
use crate::{
    OpenSessionOutcome, ReauthenticatedChangeOutcome, Reauthentication, RotateOutcome, Store, User,
};

/// Somebody's word that was given with the password in force.
async fn word(store: &dyn Store, user: &User, session: &Session) -> Reauthentication {
    let verified = in_force(store, user).await.password_version;
    Reauthentication { session: *session, client: client(), verified }
}

pub async fn a_changed_password_is_in_force_and_ends_all_other_sessions(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (ada, _) = signed_up(&*here).await;
    let (own, _) = open(&*here, &ada).await;
    let (other, token) = open(&*here, &ada).await;
    let (grace, _) = sign_up(&*here, "grace@example.com").await;
    let (unconcerned, _) = open(&*here, &grace).await;
    let new = hash();
    let word = word(&*here, &ada, &own).await;
    let changed = here.change_password(&word, &new, NOW).await.expect("an answer");
    assert_eq!(changed, ReauthenticatedChangeOutcome::Done);
    assert_eq!(in_force(&*there, &ada).await.password_hash, new);
    for (session, alive) in [(own, true), (other, false), (unconcerned, true)] {
        assert_eq!(is_alive(&*there, &session).await, alive);
    }
    let policy = SessionPolicy::default();
    let renewed = there.rotate_refresh_token(&rotation(&token).0, &policy, NOW).await;
    assert_eq!(renewed.expect("an answer"), RotateOutcome::Unknown);
}

pub async fn a_password_is_changed_by_who_knows_the_one_in_force(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, _) = signed_up(&*store).await;
    let (own, _) = open(&*store, &ada).await;
    let word = word(&*store, &ada, &own).await;
    let changed = store.change_password(&word, &hash(), NOW).await.expect("an answer");
    assert_eq!(changed, ReauthenticatedChangeOutcome::Done);
    let (other, _) = open(&*store, &ada).await;
    let now = in_force(&*store, &ada).await;
    // It was the password, and is so no longer.
    let changed = store.change_password(&word, &hash(), NOW).await.expect("an answer");
    assert_eq!(changed, ReauthenticatedChangeOutcome::CredentialsChanged);
    assert_eq!(in_force(&*store, &ada).await, now);
    assert!(is_alive(&*store, &other).await);
}

pub async fn a_word_holds_though_the_hash_of_the_password_was_renewed(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, _) = signed_up(&*store).await;
    let (own, _) = open(&*store, &ada).await;
    let word = word(&*store, &ada, &own).await;
    let (log_in, _) = new_session(&ada);
    let opened = store.open_session(&log_in, word.verified, Some(&hash())).await;
    assert_eq!(opened.expect("an answer"), OpenSessionOutcome::Opened(Vec::new()));
    let changed = store.change_password(&word, &hash(), NOW).await.expect("an answer");
    assert_eq!(changed, ReauthenticatedChangeOutcome::Done);
    assert!(!is_alive(&*store, &log_in.session).await);
}

pub async fn no_password_is_changed_in_a_session_that_is_over(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, _) = signed_up(&*store).await;
    let (own, _) = open(&*store, &ada).await;
    let (before, word) = (in_force(&*store, &ada).await, word(&*store, &ada, &own).await);
    let late = store.change_password(&word, &hash(), own.idle_expires_at).await;
    assert_eq!(late.expect("an answer"), ReauthenticatedChangeOutcome::SessionEnded);
    assert!(log_out(&*store, &own).await);
    for refused in [
        store.change_password(&word, &hash(), NOW).await.expect("an answer"),
        store.delete_own_account(&word, NOW).await.expect("an answer"),
    ] {
        assert_eq!(refused, ReauthenticatedChangeOutcome::SessionEnded);
    }
    assert_eq!(in_force(&*store, &ada).await, before);
}

pub async fn of_twenty_changes_at_once_one_succeeds(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (ada, _) = signed_up(&*here).await;
    let mut attempts = Vec::new();
    for _ in 0..20 {
        let (session, _) = open(&*here, &ada).await;
        attempts.push((word(&*here, &ada, &session).await, hash()));
    }
    let changed = join_all(attempts.iter().enumerate().map(|(n, (word, new))| {
        let store = if n % 2 == 0 { &here } else { &there };
        store.change_password(word, new, NOW)
    }))
    .await;
    let mut winners = 0;
    for (changed, (word, new)) in changed.into_iter().zip(&attempts) {
        let won = changed.expect("an answer") == ReauthenticatedChangeOutcome::Done;
        assert_eq!(is_alive(&*here, &word.session).await, won);
        if won {
            winners += 1;
            assert_eq!(&in_force(&*here, &ada).await.password_hash, new);
        }
    }
    assert_eq!(winners, 1);
}

pub async fn a_renewal_that_races_with_a_change_of_password_leaves_no_session(
    fresh: &dyn Deployment,
) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (ada, _) = signed_up(&*here).await;
    let policy = SessionPolicy::default();
    for _ in 0..20 {
        let (own, _) = open(&*here, &ada).await;
        let (other, token) = open(&*here, &ada).await;
        let (before, next) = rotation(&token);
        let (after, _) = rotation(&next);
        let (word, new) = (word(&*here, &ada, &own).await, hash());
        let (_, changed) = join(
            here.rotate_refresh_token(&before, &policy, NOW),
            there.change_password(&word, &new, NOW),
        )
        .await;
        assert_eq!(changed.expect("an answer"), ReauthenticatedChangeOutcome::Done);
        assert!(!is_alive(&*here, &other).await);
        let renewed = here.rotate_refresh_token(&after, &policy, NOW).await;
        assert_eq!(renewed.expect("an answer"), RotateOutcome::Unknown);
    }
}

pub async fn log_ins_that_race_with_a_change_of_password_leave_no_session(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (ada, _) = signed_up(&*here).await;
    let (own, _) = open(&*here, &ada).await;
    let log_ins: Vec<_> = (0..20).map(|_| new_session(&ada).0).collect();
    let (word, new) = (word(&*here, &ada, &own).await, hash());
    let (_, changed) = join(
        join_all(log_ins.iter().map(|log_in| here.open_session(log_in, word.verified, None))),
        there.change_password(&word, &new, NOW),
    )
    .await;
    assert_eq!(changed.expect("an answer"), ReauthenticatedChangeOutcome::Done);
    let alive = here.sessions(ada.id, NOW).await.expect("an answer");
    let alive: Vec<_> = alive.iter().map(|record| record.session.id).collect();
    assert_eq!(alive, [own.id]);
}

pub async fn the_session_that_changes_the_password_can_be_renewed_meanwhile(
    fresh: &dyn Deployment,
) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (ada, _) = signed_up(&*here).await;
    let (own, token) = open(&*here, &ada).await;
    let (rotation, _) = rotation(&token);
    let (word, new) = (word(&*here, &ada, &own).await, hash());
    let policy = SessionPolicy::default();
    let (renewed, changed) = join(
        here.rotate_refresh_token(&rotation, &policy, NOW),
        there.change_password(&word, &new, NOW),
    )
    .await;
    assert!(matches!(renewed.expect("an answer"), RotateOutcome::Rotated(_)));
    assert_eq!(changed.expect("an answer"), ReauthenticatedChangeOutcome::Done);
    assert!(is_alive(&*here, &own).await);
}

pub async fn a_closed_account_is_gone_with_all_that_was_its(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (ada, _) = signed_up(&*here).await;
    let (own, _) = open(&*here, &ada).await;
    let (other, token) = open(&*here, &ada).await;
    let closed = here.delete_own_account(&word(&*here, &ada, &own).await, NOW).await;
    let closed = closed.expect("an answer");
    assert_eq!(closed, ReauthenticatedChangeOutcome::Done);
    assert!(!is_alive(&*there, &own).await && !is_alive(&*there, &other).await);
    assert_eq!(there.user_data(ada.id).await.expect("an answer"), None);
    assert!(
        there
            .credentials(ada.email.key(), &DecoyPosition::default())
            .await
            .expect("an answer")
            .account()
            .is_none()
    );
    let policy = SessionPolicy::default();
    let renewed = there.rotate_refresh_token(&rotation(&token).0, &policy, NOW).await;
    assert_eq!(renewed.expect("an answer"), RotateOutcome::Unknown);
    // The address is free, and its next account has nothing of this one.
    let (next, _) = signed_up(&*there).await;
    assert_ne!(next.id, ada.id);
}

pub async fn no_account_is_closed_by_a_word_that_no_longer_holds(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, _) = signed_up(&*store).await;
    let (own, _) = open(&*store, &ada).await;
    let word = word(&*store, &ada, &own).await;
    let changed = store.change_password(&word, &hash(), NOW).await.expect("an answer");
    assert_eq!(changed, ReauthenticatedChangeOutcome::Done);
    let refused = store.delete_own_account(&word, NOW).await.expect("an answer");
    assert_eq!(refused, ReauthenticatedChangeOutcome::CredentialsChanged);
    assert!(is_alive(&*store, &own).await);
}

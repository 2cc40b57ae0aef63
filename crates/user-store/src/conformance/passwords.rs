use auth_core::{PasswordHash, Session, SessionPolicy};
use futures_util::future::{join, join_all};

use super::refresh::rotation;
use super::{Deployment, NOW, hash, is_alive, new_session, open, sign_up, signed_up};
use crate::{Reauthenticated, Reauthentication, RotateRefreshToken, User, UserStore};

fn word(session: &Session, verified: &PasswordHash) -> Reauthentication {
    Reauthentication { session: *session, verified: verified.clone() }
}

async fn in_force(store: &dyn UserStore, user: &User) -> PasswordHash {
    let found = store.credentials(user.email.key()).await.expect("an answer");
    found.expect("it is there").password_hash
}

pub async fn a_changed_password_is_in_force_and_ends_all_other_sessions(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (ada, old) = signed_up(&*here).await;
    let (own, _) = open(&*here, &ada, &old).await;
    let (other, token) = open(&*here, &ada, &old).await;
    let (grace, hers) = sign_up(&*here, "grace@example.com").await;
    let (unconcerned, _) = open(&*here, &grace, &hers).await;
    let new = hash();
    let changed = here.change_password(&word(&own, &old), &new, NOW).await.expect("an answer");
    assert_eq!(changed, Reauthenticated::Done);
    assert_eq!(in_force(&*there, &ada).await, new);
    for (session, alive) in [(own, true), (other, false), (unconcerned, true)] {
        assert_eq!(is_alive(&*there, &session).await, alive);
    }
    let policy = SessionPolicy::default();
    let renewed = there.rotate_refresh_token(&rotation(&token).0, &policy, NOW).await;
    assert_eq!(renewed.expect("an answer"), RotateRefreshToken::Unknown);
}

pub async fn a_password_is_changed_by_who_knows_the_one_in_force(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, old) = signed_up(&*store).await;
    let (own, _) = open(&*store, &ada, &old).await;
    let (other, _) = open(&*store, &ada, &old).await;
    let changed = store.change_password(&word(&own, &hash()), &hash(), NOW).await;
    let changed = changed.expect("an answer");
    assert_eq!(changed, Reauthenticated::CredentialsChanged);
    assert_eq!(in_force(&*store, &ada).await, old);
    assert!(is_alive(&*store, &other).await);
}

pub async fn no_password_is_changed_in_a_session_that_is_over(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, old) = signed_up(&*store).await;
    let (own, _) = open(&*store, &ada, &old).await;
    let late = own.idle_expires_at;
    let refused = store.change_password(&word(&own, &old), &hash(), late).await;
    assert_eq!(refused.expect("an answer"), Reauthenticated::SessionOver);
    assert!(store.end_session(ada.id, own.id).await.expect("an answer"));
    for refused in [
        store.change_password(&word(&own, &old), &hash(), NOW).await.expect("an answer"),
        store.close_account(&word(&own, &old), NOW).await.expect("an answer"),
    ] {
        assert_eq!(refused, Reauthenticated::SessionOver);
    }
    assert_eq!(in_force(&*store, &ada).await, old);
}

pub async fn of_twenty_changes_at_once_one_succeeds(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (ada, old) = signed_up(&*here).await;
    let mut attempts = Vec::new();
    for _ in 0..20 {
        attempts.push((word(&open(&*here, &ada, &old).await.0, &old), hash()));
    }
    let changed = join_all(attempts.iter().enumerate().map(|(n, (word, new))| {
        let store = if n % 2 == 0 { &here } else { &there };
        store.change_password(word, new, NOW)
    }))
    .await;
    let mut winners = 0;
    for (changed, (word, new)) in changed.into_iter().zip(&attempts) {
        let won = changed.expect("an answer") == Reauthenticated::Done;
        assert_eq!(is_alive(&*here, &word.session).await, won);
        if won {
            winners += 1;
            assert_eq!(&in_force(&*here, &ada).await, new);
        }
    }
    assert_eq!(winners, 1);
}

pub async fn a_renewal_that_races_with_a_change_of_password_leaves_no_session(
    fresh: &dyn Deployment,
) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (ada, mut password) = signed_up(&*here).await;
    let policy = SessionPolicy::default();
    for _ in 0..20 {
        let (own, _) = open(&*here, &ada, &password).await;
        let (other, token) = open(&*here, &ada, &password).await;
        let (before, next) = rotation(&token);
        let (after, _) = rotation(&next);
        let (word, new) = (word(&own, &password), hash());
        let (_, changed) = join(
            here.rotate_refresh_token(&before, &policy, NOW),
            there.change_password(&word, &new, NOW),
        )
        .await;
        assert_eq!(changed.expect("an answer"), Reauthenticated::Done);
        assert!(!is_alive(&*here, &other).await);
        let renewed = here.rotate_refresh_token(&after, &policy, NOW).await;
        assert_eq!(renewed.expect("an answer"), RotateRefreshToken::Unknown);
        password = new;
    }
}

pub async fn log_ins_that_race_with_a_change_of_password_leave_no_session(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (ada, old) = signed_up(&*here).await;
    let (own, _) = open(&*here, &ada, &old).await;
    let log_ins: Vec<_> = (0..20).map(|_| new_session(&ada).0).collect();
    let (word, new) = (word(&own, &old), hash());
    let (_, changed) = join(
        join_all(log_ins.iter().map(|log_in| here.open_session(log_in, &old, None))),
        there.change_password(&word, &new, NOW),
    )
    .await;
    assert_eq!(changed.expect("an answer"), Reauthenticated::Done);
    let alive = here.sessions(ada.id, NOW).await.expect("an answer");
    let alive: Vec<_> = alive.iter().map(|record| record.session.id).collect();
    assert_eq!(alive, [own.id]);
}

pub async fn the_session_that_changes_the_password_can_be_renewed_meanwhile(
    fresh: &dyn Deployment,
) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (ada, old) = signed_up(&*here).await;
    let (own, token) = open(&*here, &ada, &old).await;
    let (rotation, _) = rotation(&token);
    let (word, new, policy) = (word(&own, &old), hash(), SessionPolicy::default());
    let (renewed, changed) = join(
        here.rotate_refresh_token(&rotation, &policy, NOW),
        there.change_password(&word, &new, NOW),
    )
    .await;
    assert!(matches!(renewed.expect("an answer"), RotateRefreshToken::Rotated(_)));
    assert_eq!(changed.expect("an answer"), Reauthenticated::Done);
    assert!(is_alive(&*here, &own).await);
}

pub async fn a_closed_account_is_gone_with_all_that_was_its(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (ada, password) = signed_up(&*here).await;
    let (own, _) = open(&*here, &ada, &password).await;
    let (other, token) = open(&*here, &ada, &password).await;
    let closed = here.close_account(&word(&own, &password), NOW).await.expect("an answer");
    assert_eq!(closed, Reauthenticated::Done);
    assert!(!is_alive(&*there, &own).await && !is_alive(&*there, &other).await);
    assert_eq!(there.holdings(ada.id).await.expect("an answer"), None);
    assert!(there.credentials(ada.email.key()).await.expect("an answer").is_none());
    let policy = SessionPolicy::default();
    let renewed = there.rotate_refresh_token(&rotation(&token).0, &policy, NOW).await;
    assert_eq!(renewed.expect("an answer"), RotateRefreshToken::Unknown);
    // The address is free, and its next account has nothing of this one.
    let (next, _) = signed_up(&*there).await;
    assert_ne!(next.id, ada.id);
}

pub async fn no_account_is_closed_by_a_word_that_no_longer_holds(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, password) = signed_up(&*store).await;
    let (own, _) = open(&*store, &ada, &password).await;
    let refused = store.close_account(&word(&own, &hash()), NOW).await.expect("an answer");
    assert_eq!(refused, Reauthenticated::CredentialsChanged);
    assert!(is_alive(&*store, &own).await);
}

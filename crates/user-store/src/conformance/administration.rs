use auth_core::DecoyPosition;
use futures_util::future::{join, join_all};

use super::{
    Deployment, NOW, SECOND, hash, in_force, is_alive, new_session, open, signed_in, signed_up,
    user,
};
use crate::{OpenSessionOutcome, UpdateUserOutcome};

pub async fn a_disabled_account_has_no_session_and_gets_none(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (ada, _) = signed_up(&*here).await;
    let (session, _) = open(&*here, &ada).await;
    let verified = in_force(&*here, &ada).await.password_version;
    assert_eq!(
        there.disable_user(ada.id, NOW).await.expect("an answer"),
        UpdateUserOutcome::Updated
    );
    assert!(!is_alive(&*here, &session).await);
    assert!(
        here.credentials(ada.email.key(), &DecoyPosition::default())
            .await
            .expect("an answer")
            .account()
            .is_none()
    );
    let (new, _) = new_session(&ada);
    for renewed in [None, Some(&hash())] {
        let opened = here.open_session(&new, verified, renewed).await.expect("an answer");
        assert_eq!(opened, OpenSessionOutcome::CredentialsChanged);
    }
    // Since when it is so does not change.
    assert_eq!(
        there.disable_user(ada.id, NOW + SECOND).await.expect("an answer"),
        UpdateUserOutcome::Updated
    );
    let found = here.user(ada.id).await.expect("an answer").expect("it is there");
    assert_eq!(found.disabled_at, Some(NOW));
    let nobody = user("grace@example.com");
    assert_eq!(
        here.disable_user(nobody.id, NOW).await.expect("an answer"),
        UpdateUserOutcome::NotFound
    );
}

pub async fn log_ins_that_race_with_a_disabling_leave_no_session(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (ada, _) = signed_up(&*here).await;
    let log_ins: Vec<_> = (0..20).map(|_| new_session(&ada).0).collect();
    let verified = in_force(&*here, &ada).await.password_version;
    let (_, disabled) = join(
        join_all(log_ins.iter().map(|log_in| here.open_session(log_in, verified, None))),
        there.disable_user(ada.id, NOW),
    )
    .await;
    assert_eq!(disabled.expect("an answer"), UpdateUserOutcome::Updated);
    assert!(here.sessions(ada.id, NOW).await.expect("an answer").is_empty());
}

pub async fn an_enabled_account_is_as_it_was_before(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, _) = signed_up(&*store).await;
    assert_eq!(
        store.disable_user(ada.id, NOW).await.expect("an answer"),
        UpdateUserOutcome::Updated
    );
    assert_eq!(
        store.enable_user(ada.id, NOW).await.expect("an answer"),
        UpdateUserOutcome::Updated
    );
    assert_eq!(store.user(ada.id).await.expect("an answer").as_ref(), Some(&ada));
    open(&*store, &ada).await;
}

pub async fn a_password_that_is_set_ends_every_session(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, session) = signed_in(&*store).await;
    let new = hash();
    assert_eq!(
        store.set_password(ada.id, &new, NOW).await.expect("an answer"),
        UpdateUserOutcome::Updated
    );
    assert!(!is_alive(&*store, &session).await);
    open(&*store, &ada).await;
    let nobody = user("grace@example.com");
    assert_eq!(
        store.set_password(nobody.id, &new, NOW).await.expect("an answer"),
        UpdateUserOutcome::NotFound
    );
}

pub async fn a_deleted_account_is_gone(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, session) = signed_in(&*store).await;
    assert_eq!(
        store.delete_user(ada.id, NOW).await.expect("an answer"),
        UpdateUserOutcome::Updated
    );
    assert!(!is_alive(&*store, &session).await);
    assert_eq!(store.user_data(ada.id).await.expect("an answer"), None);
    assert_eq!(
        store.delete_user(ada.id, NOW).await.expect("an answer"),
        UpdateUserOutcome::NotFound
    );
}

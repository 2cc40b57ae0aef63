use auth_core::{ClientInfo, Email, EmailKey, SessionPolicy};
use futures_util::future::{join, join_all};

use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{
    NOW, SECOND, creation, current_credentials, find_credentials, hash, is_alive, new_session,
    open, open_session, opened_for, reauthenticate, rotation, set_password, sign_in_ada, sign_out,
    sign_up, sign_up_ada, two_servers, user,
};
use crate::metadata::Metadata;
use crate::sessions::{OpenSessionOutcome, RotateOutcome};
use crate::users::{
    CreateUserError, ImportUsersOutcome, ReauthenticatedChangeOutcome, StoredUser,
    UpdateUserOutcome, User,
};

cases! {
    ($) users_cases in users;
    an_account_is_found_under_every_spelling_of_its_email,
    an_email_is_stored_as_typed,
    sql_in_a_value_is_stored_as_text,
    a_taken_email_is_rejected_in_another_spelling,
    concurrent_sign_ups_with_one_email_succeed_once,
    an_unknown_email_has_no_credentials,
    an_account_is_found_by_id_and_by_email,
    accounts_are_listed_in_pages_in_the_order_of_their_ids,
    a_stored_email_is_not_validated_again,
    a_password_change_ends_all_other_sessions,
    a_password_is_not_changed_with_a_former_password,
    a_reauthentication_remains_valid_after_a_rehash,
    an_ended_session_cannot_change_the_password_or_delete_the_account,
    concurrent_password_changes_succeed_once,
    a_password_change_ends_a_session_that_is_refreshed_at_the_same_time,
    sign_ins_that_race_with_a_password_change_leave_no_session,
    the_session_that_changes_the_password_can_be_refreshed_at_the_same_time,
    a_user_deletes_their_account_and_everything_stored,
    an_account_is_not_deleted_with_a_former_password,
    a_disabled_account_has_no_session_and_cannot_open_one,
    sign_ins_that_race_with_disabling_leave_no_session,
    enabling_a_disabled_account_restores_it,
    a_password_set_by_an_operator_ends_all_sessions,
    an_operator_deletes_an_account_and_everything_stored,
}

async fn an_account_is_found_under_every_spelling_of_its_email(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (user, hash) = (user("Ada@Bücher.example"), hash());
    store.create_user(&user, &hash, &creation(&user), None).await.unwrap();
    for spelling in ["Ada@Bücher.example", "ADA@xn--bcher-kva.EXAMPLE", " ada@bücher.example "] {
        let email = Email::parse(spelling).unwrap();
        let found = find_credentials(&store, &email).await.unwrap();
        assert_eq!((found.user_id, &found.password_hash), (user.id, &hash), "{spelling}");
    }
}

async fn an_email_is_stored_as_typed(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (user, hash) = (user("Ada.L@Bücher.Example"), hash());
    store.create_user(&user, &hash, &creation(&user), None).await.unwrap();
    let (session, _) = open(&store, &user).await;
    let found = store.session(session.id, NOW).await.unwrap().unwrap();
    assert_eq!(found.user, user);
    assert_eq!(found.user.email.as_str(), "Ada.L@Bücher.Example");
}

async fn sql_in_a_value_is_stored_as_text(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let email = "o'hara--`%_{}@example.com";
    let (other, _) = sign_up(&store, email).await;
    assert_ne!(other.id, ada.id);
    let found = find_credentials(&store, &other.email).await;
    assert_eq!(found.unwrap().user_id, other.id);
    let (mut new, _) = new_session(&other);
    let name = "');DELETE FROM users;--\"?1";
    new.client = ClientInfo::new(None, Some(name));
    open_session(&store, &other, &new).await;
    let listed = store.sessions(other.id, NOW).await.unwrap();
    assert_eq!(listed[0].client.user_agent(), Some(name));
    assert!(find_credentials(&store, &ada.email).await.is_some());
}

async fn a_taken_email_is_rejected_in_another_spelling(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (first, hash) = sign_up_ada(&store).await;
    let again = store
        .create_user(&user("ADA@EXAMPLE.COM"), &hash, &creation(&user("ADA@EXAMPLE.COM")), None)
        .await;
    assert!(matches!(again, Err(CreateUserError::EmailTaken)));
    let found = find_credentials(&store, &first.email).await;
    assert_eq!(found.unwrap().user_id, first.id);
}

async fn concurrent_sign_ups_with_one_email_succeed_once(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let hash = hash();
    let results = join_all((0..20).map(|n| {
        let store = if n % 2 == 0 { &here } else { &there };
        let hash = &hash;
        async move {
            let user = user("ada@example.com");
            store.create_user(&user, hash, &creation(&user), None).await
        }
    }))
    .await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let taken = |result: &Result<_, _>| matches!(result, Err(CreateUserError::EmailTaken));
    assert_eq!(results.iter().filter(|result| taken(result)).count(), 19);
}

async fn an_unknown_email_has_no_credentials(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    sign_up_ada(&store).await;
    let other = Email::parse("grace@example.com").unwrap();
    assert!(find_credentials(&store, &other).await.is_none());
}

async fn an_account_is_found_by_id_and_by_email(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let other = user("grace@example.com");
    assert_eq!(store.user(ada.id).await.unwrap().as_ref(), Some(&ada));
    let key = ada.email.key();
    assert_eq!(store.user_by_email(key).await.unwrap().as_ref(), Some(&ada));
    assert_eq!(store.user(other.id).await.unwrap(), None);
    assert_eq!(store.user_by_email(other.email.key()).await.unwrap(), None);
}

async fn accounts_are_listed_in_pages_in_the_order_of_their_ids(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let mut created: Vec<User> = Vec::new();
    for n in 0..5 {
        created.push(sign_up(&store, &format!("ada{n}@example.com")).await.0);
    }
    // Imported accounts can have ids that do not begin with a time.
    let imported = [
        "00000000-0000-4000-8000-000000000001",
        "f47ac10b-58cc-4372-a567-0e02b2c3d479",
        "ffffffff-ffff-4fff-bfff-fffffffffffe",
    ]
    .map(|id| User { id: id.parse().unwrap(), ..user(&format!("{}@example.com", &id[..4])) });
    let stored = imported.clone().map(|user| StoredUser {
        user,
        password_hash: hash(),
        metadata: Metadata::default(),
    });
    assert_eq!(store.import_users(&stored, NOW).await.unwrap(), ImportUsersOutcome::Imported);
    created.extend(imported);
    created.sort_by_key(|user| user.id);
    let mut found = Vec::new();
    let mut exported = Vec::new();
    loop {
        let after = found.last().map(|user: &User| user.id);
        let page = store.users(after, 2).await.unwrap();
        let with_hashes = store.export_users(after, 2).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        found.extend(page);
        exported.extend(with_hashes.into_iter().map(|stored| stored.user));
    }
    assert_eq!(found, created);
    assert_eq!(exported, created);
}

/// The rules can change, for example with a version of Unicode. An account must remain readable.
async fn a_stored_email_is_not_validated_again(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let email = Email::from_stored(
        "A@no\u{378}domain".to_owned(),
        EmailKey::from_stored("a@no\u{378}domain".to_owned()),
    );
    let user = User { email, ..user("ada@example.com") };
    store.create_user(&user, &hash(), &creation(&user), None).await.unwrap();
    let (session, _) = open(&store, &user).await;
    let active = store.session(session.id, NOW).await.unwrap().unwrap();
    assert_eq!(active.user, user);
    assert_eq!(store.user(user.id).await.unwrap().as_ref(), Some(&user));
    assert_eq!(store.user_by_email(user.email.key()).await.unwrap().as_ref(), Some(&user));
    assert_eq!(store.users(None, 10).await.unwrap(), [user]);
}

async fn a_password_change_ends_all_other_sessions(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (ada, _) = sign_up_ada(&here).await;
    let (own, _) = open(&here, &ada).await;
    let (other, token) = open(&here, &ada).await;
    let (grace, _) = sign_up(&here, "grace@example.com").await;
    let (unrelated, _) = open(&here, &grace).await;
    let new = hash();
    let proof = reauthenticate(&here, &ada, &own).await;
    let changed = here.change_password(&proof, &new, None, NOW).await.unwrap();
    assert_eq!(changed, ReauthenticatedChangeOutcome::Done);
    assert_eq!(current_credentials(&there, &ada).await.password_hash, new);
    for (session, alive) in [(own, true), (other, false), (unrelated, true)] {
        assert_eq!(is_alive(&there, &session).await, alive);
    }
    let policy = SessionPolicy::default();
    let refreshed = there.rotate_refresh_token(&rotation(&token).0, &policy, NOW).await;
    assert_eq!(refreshed.unwrap(), RotateOutcome::Unknown);
}

async fn a_password_is_not_changed_with_a_former_password(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let (own, _) = open(&store, &ada).await;
    let proof = reauthenticate(&store, &ada, &own).await;
    let changed = store.change_password(&proof, &hash(), None, NOW).await.unwrap();
    assert_eq!(changed, ReauthenticatedChangeOutcome::Done);
    let (other, _) = open(&store, &ada).await;
    let current = current_credentials(&store, &ada).await;
    // The proof is for a former password now.
    let changed = store.change_password(&proof, &hash(), None, NOW).await.unwrap();
    assert_eq!(changed, ReauthenticatedChangeOutcome::CredentialsChanged);
    assert_eq!(current_credentials(&store, &ada).await, current);
    assert!(is_alive(&store, &other).await);
}

async fn a_reauthentication_remains_valid_after_a_rehash(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let (own, _) = open(&store, &ada).await;
    let proof = reauthenticate(&store, &ada, &own).await;
    let (sign_in, _) = new_session(&ada);
    let opened = store.open_session(&sign_in, proof.verified, Some(&hash())).await;
    assert_eq!(opened.unwrap(), opened_for(&ada));
    let changed = store.change_password(&proof, &hash(), None, NOW).await.unwrap();
    assert_eq!(changed, ReauthenticatedChangeOutcome::Done);
    assert!(!is_alive(&store, &sign_in.session).await);
}

async fn an_ended_session_cannot_change_the_password_or_delete_the_account(
    deployment: &dyn Deployment,
) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let (own, _) = open(&store, &ada).await;
    let (before, proof) =
        (current_credentials(&store, &ada).await, reauthenticate(&store, &ada, &own).await);
    let late = store.change_password(&proof, &hash(), None, own.idle_expires_at).await;
    assert_eq!(late.unwrap(), ReauthenticatedChangeOutcome::SessionEnded);
    assert!(sign_out(&store, &own).await);
    for rejected in [
        store.change_password(&proof, &hash(), None, NOW).await.unwrap(),
        store.delete_own_account(&proof, None, NOW).await.unwrap(),
    ] {
        assert_eq!(rejected, ReauthenticatedChangeOutcome::SessionEnded);
    }
    assert_eq!(current_credentials(&store, &ada).await, before);
}

async fn concurrent_password_changes_succeed_once(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (ada, _) = sign_up_ada(&here).await;
    let mut attempts = Vec::new();
    for _ in 0..20 {
        let (session, _) = open(&here, &ada).await;
        attempts.push((reauthenticate(&here, &ada, &session).await, hash()));
    }
    let changed = join_all(attempts.iter().enumerate().map(|(n, (proof, new))| {
        let store = if n % 2 == 0 { &here } else { &there };
        store.change_password(proof, new, None, NOW)
    }))
    .await;
    let mut winners = 0;
    for (changed, (proof, new)) in changed.into_iter().zip(&attempts) {
        let won = changed.unwrap() == ReauthenticatedChangeOutcome::Done;
        assert_eq!(is_alive(&here, &proof.session).await, won);
        if won {
            winners += 1;
            assert_eq!(&current_credentials(&here, &ada).await.password_hash, new);
        }
    }
    assert_eq!(winners, 1);
}

async fn a_password_change_ends_a_session_that_is_refreshed_at_the_same_time(
    deployment: &dyn Deployment,
) {
    let [here, there] = two_servers(deployment).await;
    let (ada, _) = sign_up_ada(&here).await;
    let policy = SessionPolicy::default();
    for _ in 0..20 {
        let (own, _) = open(&here, &ada).await;
        let (other, token) = open(&here, &ada).await;
        let (before, next) = rotation(&token);
        let (after, _) = rotation(&next);
        let (proof, new) = (reauthenticate(&here, &ada, &own).await, hash());
        let (_, changed) = join(
            here.rotate_refresh_token(&before, &policy, NOW),
            there.change_password(&proof, &new, None, NOW),
        )
        .await;
        assert_eq!(changed.unwrap(), ReauthenticatedChangeOutcome::Done);
        assert!(!is_alive(&here, &other).await);
        let refreshed = here.rotate_refresh_token(&after, &policy, NOW).await;
        assert_eq!(refreshed.unwrap(), RotateOutcome::Unknown);
    }
}

async fn sign_ins_that_race_with_a_password_change_leave_no_session(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (ada, _) = sign_up_ada(&here).await;
    let (own, _) = open(&here, &ada).await;
    let sign_ins: Vec<_> = (0..20).map(|_| new_session(&ada).0).collect();
    let (proof, new) = (reauthenticate(&here, &ada, &own).await, hash());
    let (_, changed) = join(
        join_all(sign_ins.iter().map(|sign_in| here.open_session(sign_in, proof.verified, None))),
        there.change_password(&proof, &new, None, NOW),
    )
    .await;
    assert_eq!(changed.unwrap(), ReauthenticatedChangeOutcome::Done);
    let alive = here.sessions(ada.id, NOW).await.unwrap();
    let alive: Vec<_> = alive.iter().map(|record| record.session.id).collect();
    assert_eq!(alive, [own.id]);
}

async fn the_session_that_changes_the_password_can_be_refreshed_at_the_same_time(
    deployment: &dyn Deployment,
) {
    let [here, there] = two_servers(deployment).await;
    let (ada, _) = sign_up_ada(&here).await;
    let (own, token) = open(&here, &ada).await;
    let (rotation, _) = rotation(&token);
    let (proof, new) = (reauthenticate(&here, &ada, &own).await, hash());
    let policy = SessionPolicy::default();
    let (refreshed, changed) = join(
        here.rotate_refresh_token(&rotation, &policy, NOW),
        there.change_password(&proof, &new, None, NOW),
    )
    .await;
    assert!(matches!(refreshed.unwrap(), RotateOutcome::Rotated(..)));
    assert_eq!(changed.unwrap(), ReauthenticatedChangeOutcome::Done);
    assert!(is_alive(&here, &own).await);
}

async fn a_user_deletes_their_account_and_everything_stored(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (ada, _) = sign_up_ada(&here).await;
    let (own, _) = open(&here, &ada).await;
    let (other, token) = open(&here, &ada).await;
    let deleted =
        here.delete_own_account(&reauthenticate(&here, &ada, &own).await, None, NOW).await;
    assert_eq!(deleted.unwrap(), ReauthenticatedChangeOutcome::Done);
    assert!(!is_alive(&there, &own).await && !is_alive(&there, &other).await);
    assert_eq!(there.user_data(ada.id).await.unwrap(), None);
    assert!(find_credentials(&there, &ada.email).await.is_none());
    let policy = SessionPolicy::default();
    let refreshed = there.rotate_refresh_token(&rotation(&token).0, &policy, NOW).await;
    assert_eq!(refreshed.unwrap(), RotateOutcome::Unknown);
    // The email address can be used again.
    let (next, _) = sign_up_ada(&there).await;
    assert_ne!(next.id, ada.id);
}

async fn an_account_is_not_deleted_with_a_former_password(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let (own, _) = open(&store, &ada).await;
    let proof = reauthenticate(&store, &ada, &own).await;
    let changed = store.change_password(&proof, &hash(), None, NOW).await.unwrap();
    assert_eq!(changed, ReauthenticatedChangeOutcome::Done);
    let rejected = store.delete_own_account(&proof, None, NOW).await.unwrap();
    assert_eq!(rejected, ReauthenticatedChangeOutcome::CredentialsChanged);
    assert!(is_alive(&store, &own).await);
}

async fn a_disabled_account_has_no_session_and_cannot_open_one(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (ada, _) = sign_up_ada(&here).await;
    let (session, _) = open(&here, &ada).await;
    let verified = current_credentials(&here, &ada).await.password_version;
    assert_eq!(there.disable_user(ada.id, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    assert!(!is_alive(&here, &session).await);
    assert!(find_credentials(&here, &ada.email).await.is_none());
    let (new, _) = new_session(&ada);
    for rehashed in [None, Some(&hash())] {
        let opened = here.open_session(&new, verified, rehashed).await.unwrap();
        assert_eq!(opened, OpenSessionOutcome::CredentialsChanged);
    }
    // The account keeps the time of the first call.
    assert_eq!(there.disable_user(ada.id, NOW + SECOND).await.unwrap(), UpdateUserOutcome::Updated);
    let found = here.user(ada.id).await.unwrap().unwrap();
    assert_eq!(found.disabled_at, Some(NOW));
    let unknown = user("grace@example.com");
    assert_eq!(here.disable_user(unknown.id, NOW).await.unwrap(), UpdateUserOutcome::NotFound);
}

async fn sign_ins_that_race_with_disabling_leave_no_session(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (ada, _) = sign_up_ada(&here).await;
    let sign_ins: Vec<_> = (0..20).map(|_| new_session(&ada).0).collect();
    let verified = current_credentials(&here, &ada).await.password_version;
    let (_, disabled) = join(
        join_all(sign_ins.iter().map(|sign_in| here.open_session(sign_in, verified, None))),
        there.disable_user(ada.id, NOW),
    )
    .await;
    assert_eq!(disabled.unwrap(), UpdateUserOutcome::Updated);
    assert!(here.sessions(ada.id, NOW).await.unwrap().is_empty());
}

async fn enabling_a_disabled_account_restores_it(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    assert_eq!(store.disable_user(ada.id, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    assert_eq!(store.enable_user(ada.id, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    assert_eq!(store.user(ada.id).await.unwrap().as_ref(), Some(&ada));
    open(&store, &ada).await;
}

async fn a_password_set_by_an_operator_ends_all_sessions(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    let new = hash();
    assert_eq!(set_password(&store, &ada, &new).await.unwrap(), UpdateUserOutcome::Updated);
    assert!(!is_alive(&store, &session).await);
    open(&store, &ada).await;
    let unknown = user("grace@example.com");
    assert_eq!(set_password(&store, &unknown, &new).await.unwrap(), UpdateUserOutcome::NotFound);
}

async fn an_operator_deletes_an_account_and_everything_stored(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    assert_eq!(store.delete_user(ada.id, None, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    assert!(!is_alive(&store, &session).await);
    assert_eq!(store.user_data(ada.id).await.unwrap(), None);
    assert_eq!(store.delete_user(ada.id, None, NOW).await.unwrap(), UpdateUserOutcome::NotFound);
}

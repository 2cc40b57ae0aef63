use auth_core::{
    ClientInfo, CounterKey, Limit, RefreshToken, SessionPolicy, SigningKey, SystemRandom,
};
use futures_util::future::join;

use crate::attempts::{LimitedCounter, SettledAttempt, Settlement};
use crate::audit::{Actor, EVENT_RETENTION, Event, EventKind};
use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{
    NOW, SECOND, Server, acting, client, creation, hash, open, reauthenticate, rotation,
    set_password, sign_in_ada, sign_out, sign_up, sign_up_ada, two_servers, user,
};
use crate::users::{UpdateUserOutcome, User};

cases! {
    ($) audit_cases in audit;
    every_change_is_recorded,
    operator_changes_are_recorded_as_such,
    a_call_that_changes_nothing_records_nothing,
    failures_and_the_lockout_are_recorded,
    a_user_sees_their_own_events_newest_first,
    events_are_listed_in_pages_in_recording_order,
    only_the_deletion_event_of_a_deleted_account_is_kept,
    a_late_failure_records_nothing_about_a_deleted_user,
    concurrent_deletions_record_one_event,
    events_are_kept_for_90_days_and_then_purged,
    an_event_of_an_unknown_kind_is_kept_and_listed,
    an_event_about_a_deleted_account_is_not_recorded,
}

async fn every_change_is_recorded(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let mut seen = 0;
    let (ada, _) = sign_up_ada(&store).await;
    let by_ada = |kind| Event::by_user(kind, NOW, client()).about(ada.id);
    assert_eq!(new_events(&store, &mut seen).await, [by_ada(EventKind::AccountCreated)]);
    let (session, token) = open(&store, &ada).await;
    let in_session = |kind| by_ada(kind).in_session(session.id);
    let signed_in = in_session(EventKind::SignedIn).with_amr(session.amr);
    assert_eq!(new_events(&store, &mut seen).await, [signed_in]);
    let changed = store
        .change_password(&reauthenticate(&store, &ada, &session).await, &hash(), None, NOW)
        .await;
    let _ = changed.unwrap();
    assert_eq!(new_events(&store, &mut seen).await, [in_session(EventKind::PasswordChanged)]);
    let (other, _) = open(&store, &ada).await;
    open(&store, &ada).await;
    new_events(&store, &mut seen).await;
    let _ = store.end_session(&acting(&session), other.id, NOW).await.unwrap();
    let ended = by_ada(EventKind::SessionEnded).in_session(other.id);
    assert_eq!(new_events(&store, &mut seen).await, [ended]);
    let _ = store.end_other_sessions(&acting(&session), NOW).await.unwrap();
    assert_eq!(new_events(&store, &mut seen).await, [in_session(EventKind::OtherSessionsEnded)]);
    let policy = SessionPolicy::default();
    let (first, _) = rotation(&token);
    let _ = store.rotate_refresh_token(&first, &policy, NOW).await.unwrap();
    assert_eq!(new_events(&store, &mut seen).await, [], "a refresh is not recorded");
    let _ = store.rotate_refresh_token(&first, &policy, NOW).await.unwrap();
    let repeated = Event::by_user(EventKind::RefreshTokenRepeated, NOW, first.client.clone());
    let repeated = repeated.about(ada.id).in_session(session.id);
    assert_eq!(new_events(&store, &mut seen).await, [repeated]);
    let late = NOW + 31 * SECOND;
    let _ = store.rotate_refresh_token(&first, &policy, late).await.unwrap();
    let reused = Event::by_user(EventKind::RefreshTokenReused, late, first.client.clone());
    let reused = reused.about(ada.id).in_session(session.id);
    assert_eq!(new_events(&store, &mut seen).await, [reused]);
    let (last, _) = open(&store, &ada).await;
    new_events(&store, &mut seen).await;
    assert!(sign_out(&store, &last).await);
    let signed_out = by_ada(EventKind::SignedOut).in_session(last.id);
    assert_eq!(new_events(&store, &mut seen).await, [signed_out]);
}

async fn operator_changes_are_recorded_as_such(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_in_ada(&store).await;
    let mut seen = all(&store).await.len();
    assert_eq!(store.end_all_sessions(ada.id, NOW).await.unwrap(), 1);
    assert_eq!(store.disable_user(ada.id, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    assert_eq!(store.enable_user(ada.id, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    assert_eq!(set_password(&store, &ada, &hash()).await.unwrap(), UpdateUserOutcome::Updated);
    let [first, second] = [(); 2].map(|()| SigningKey::generate(&SystemRandom));
    store.add_signing_key(&first, NOW, NOW).await.unwrap();
    store.add_signing_key(&second, NOW, NOW).await.unwrap();
    let _ = store.retire_signing_key(&first, NOW).await.unwrap();
    let backup = Event::by_operator(EventKind::BackupMade, NOW);
    store.record_event(&backup).await.unwrap();
    let about = |kind| Event::by_operator(kind, NOW).about(ada.id);
    let key = |kind, key: &SigningKey| Event::by_operator(kind, NOW).about_key(key.kid());
    let recorded = [
        about(EventKind::AllSessionsEnded),
        about(EventKind::AccountDisabled),
        about(EventKind::AccountEnabled),
        about(EventKind::PasswordChanged),
        key(EventKind::SigningKeyRotated, &first),
        key(EventKind::SigningKeyRotated, &second),
        key(EventKind::SigningKeyRetired, &first),
        backup,
    ];
    assert_eq!(new_events(&store, &mut seen).await, recorded);
    assert!(recorded.iter().all(|event| event.actor == Actor::Operator));
}

async fn a_call_that_changes_nothing_records_nothing(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    let proof = reauthenticate(&store, &ada, &session).await;
    let (unknown_user, policy) = (user("nobody@example.com"), SessionPolicy::default());
    assert!(sign_out(&store, &session).await);
    let mut seen = all(&store).await.len();
    // The same id would be a repeated creation, which a store may recognise.
    let taken = user("ada@example.com");
    assert!(store.create_user(&taken, &hash(), &creation(&taken), None).await.is_err());
    assert!(!sign_out(&store, &session).await);
    let _ = store.end_other_sessions(&acting(&session), NOW).await.unwrap();
    assert_eq!(store.end_all_sessions(ada.id, NOW).await.unwrap(), 0);
    let _ = store.change_password(&proof, &hash(), None, NOW).await.unwrap();
    let _ = store.delete_own_account(&proof, None, NOW).await.unwrap();
    // The account is enabled already.
    assert_eq!(store.enable_user(ada.id, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    assert_eq!(
        store.disable_user(unknown_user.id, NOW).await.unwrap(),
        UpdateUserOutcome::NotFound
    );
    assert_eq!(store.enable_user(unknown_user.id, NOW).await.unwrap(), UpdateUserOutcome::NotFound);
    assert_eq!(
        set_password(&store, &unknown_user, &hash()).await.unwrap(),
        UpdateUserOutcome::NotFound
    );
    assert_eq!(
        store.delete_user(unknown_user.id, None, NOW).await.unwrap(),
        UpdateUserOutcome::NotFound
    );
    let unknown_token = rotation(&RefreshToken::generate(&SystemRandom)).0;
    let _ = store.rotate_refresh_token(&unknown_token, &policy, NOW).await.unwrap();
    let key = SigningKey::generate(&SystemRandom);
    let _ = store.retire_signing_key(&key, NOW).await.unwrap();
    assert_eq!(new_events(&store, &mut seen).await, []);
}

async fn failures_and_the_lockout_are_recorded(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let mut seen = all(&store).await.len();
    let key = CounterKey::sign_ins_by_account("ada@example.com");
    let counts = [LimitedCounter { key, limit: Limit::SIGN_INS_PER_BROWSER }];
    let failed = Event::by_user(EventKind::SignInFailed, NOW, client()).about(ada.id);
    let settled = SettledAttempt {
        counters: vec![(counts[0], Settlement::Counted)],
        began_at: NOW,
        settled_at: NOW,
        failure: Some(failed.clone()),
    };
    for _ in 0..10 {
        let _ = store.begin_attempt(&counts, NOW).await.unwrap();
        let _ = store.settle_attempt(&settled).await.unwrap();
    }
    let _ = store.begin_attempt(&counts, NOW).await.unwrap();
    let recorded = new_events(&store, &mut seen).await;
    assert_eq!(recorded.len(), 11);
    assert!(recorded[..10].iter().all(|event| *event == failed));
    assert_eq!(recorded[10], Event { kind: EventKind::SignInsThrottled, ..failed });
}

async fn a_user_sees_their_own_events_newest_first(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_in_ada(&store).await;
    let (grace, _) = sign_up(&store, "grace@example.com").await;
    let kinds = async |user: &User, limit| -> Vec<_> {
        let events = store.activity(user.id, limit).await.unwrap();
        events.into_iter().map(|event| event.kind).collect()
    };
    assert_eq!(kinds(&ada, 10).await, [EventKind::SignedIn, EventKind::AccountCreated]);
    assert_eq!(kinds(&ada, 1).await, [EventKind::SignedIn]);
    assert_eq!(kinds(&grace, 10).await, [EventKind::AccountCreated]);
    let data = store.user_data(ada.id).await.unwrap().unwrap();
    assert_eq!(data.events, store.activity(ada.id, 10).await.unwrap());
}

async fn events_are_listed_in_pages_in_recording_order(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (ada, _) = sign_in_ada(&here).await;
    sign_up(&there, "grace@example.com").await;
    open(&there, &ada).await;
    let all = here.events(None, None, 10).await.unwrap();
    assert_eq!(all.len(), 4);
    let mut paged = Vec::new();
    for _ in 0..3 {
        let last = paged.last().map(|(id, _)| *id);
        paged.extend(there.events(None, last, 2).await.unwrap());
    }
    assert_eq!(paged, all);
    let about_ada = here.events(Some(ada.id), None, 10).await.unwrap();
    assert_eq!(about_ada.len(), 3);
    let after = Some(about_ada[0].0);
    assert_eq!(here.events(Some(ada.id), after, 10).await.unwrap(), about_ada[1..]);
}

async fn only_the_deletion_event_of_a_deleted_account_is_kept(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    let (grace, _) = sign_up(&store, "grace@example.com").await;
    let deletion =
        store.delete_own_account(&reauthenticate(&store, &ada, &session).await, None, NOW).await;
    let _ = deletion.unwrap();
    let deleted = Event::by_user(EventKind::AccountDeleted, NOW, ClientInfo::default());
    assert_eq!(all(&store).await, [creation(&grace), deleted.about(ada.id)]);
    assert_eq!(store.delete_user(grace.id, None, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    let by_operator = Event::by_operator(EventKind::AccountDeleted, NOW).about(grace.id);
    assert_eq!(all(&store).await[1..], [by_operator]);
}

async fn a_late_failure_records_nothing_about_a_deleted_user(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    assert_eq!(store.delete_user(ada.id, None, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    let mut seen = all(&store).await.len();
    // The password was being verified while the account was deleted.
    let failed = Event::by_user(EventKind::PasswordCheckFailed, NOW, client());
    let late = failed.clone().about(ada.id).in_session(session.id);
    let settled = SettledAttempt {
        counters: Vec::new(),
        began_at: NOW,
        settled_at: NOW,
        failure: Some(late),
    };
    let _ = store.settle_attempt(&settled).await.unwrap();
    let anonymous = Event { client: ClientInfo::default(), ..failed };
    assert_eq!(new_events(&store, &mut seen).await, [anonymous]);
}

async fn concurrent_deletions_record_one_event(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (ada, _) = sign_in_ada(&here).await;
    let deletions =
        join(here.delete_user(ada.id, None, NOW), there.delete_user(ada.id, None, NOW)).await;
    let mut outcomes = [deletions.0.unwrap(), deletions.1.unwrap()];
    outcomes.sort_by_key(|outcome| *outcome != UpdateUserOutcome::Updated);
    assert_eq!(outcomes, [UpdateUserOutcome::Updated, UpdateUserOutcome::NotFound]);
    let deleted = Event::by_operator(EventKind::AccountDeleted, NOW).about(ada.id);
    assert_eq!(all(&here).await, [deleted]);
}

async fn events_are_kept_for_90_days_and_then_purged(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let failed = |at| Event::by_user(EventKind::SignInFailed, at, client());
    store.record_event(&failed(NOW)).await.unwrap();
    let end = NOW + EVENT_RETENTION;
    let purged = async |now| store.purge_expired(now, 10).await.unwrap().events;
    assert_eq!(purged(end - SECOND).await, 0);
    // A clock that is ahead does not purge events too early.
    assert_eq!(purged(end + EVENT_RETENTION).await, 0);
    store.record_event(&failed(end - SECOND).about(ada.id)).await.unwrap();
    assert_eq!(purged(end).await, 0);
    store.record_event(&failed(end).about(ada.id)).await.unwrap();
    assert_eq!(purged(end).await, 2);
    assert_eq!(all(&store).await.len(), 2);
}

async fn an_event_of_an_unknown_kind_is_kept_and_listed(deployment: &dyn Deployment) {
    let [newer, older] = two_servers(deployment).await;
    let (ada, _) = sign_up_ada(&newer).await;
    let mut seen = all(&older).await.len();
    // A newer version records a kind that this version does not know.
    let kind = EventKind::from_name("face_added");
    assert_eq!(kind, EventKind::Unknown("face_added".to_owned()));
    let event = Event::by_user(kind, NOW, client()).about(ada.id);
    newer.record_event(&event).await.unwrap();
    assert_eq!(new_events(&older, &mut seen).await, std::slice::from_ref(&event));
    assert_eq!(older.activity(ada.id, 1).await.unwrap(), std::slice::from_ref(&event));
    let data = older.user_data(ada.id).await.unwrap().unwrap();
    assert_eq!(data.events[0], event);
}

async fn an_event_about_a_deleted_account_is_not_recorded(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let failed = Event::by_user(EventKind::SignInFailed, NOW, client());
    for _ in 0..10 {
        let (ada, _) = sign_up_ada(&here).await;
        let event = failed.clone().about(ada.id);
        let (deleted, recorded) =
            join(here.delete_user(ada.id, None, NOW), there.record_event(&event)).await;
        assert_eq!(deleted.unwrap(), UpdateUserOutcome::Updated);
        recorded.unwrap();
        there.record_event(&event).await.unwrap();
        let deletion = Event::by_operator(EventKind::AccountDeleted, NOW).about(ada.id);
        assert_eq!(here.activity(ada.id, 10).await.unwrap(), [deletion]);
    }
}

async fn all(store: &Server) -> Vec<Event> {
    let events = store.events(None, None, 1_000).await.unwrap();
    events.into_iter().map(|(_, event)| event).collect()
}

/// Returns the events recorded since the last call. `seen` counts the events returned so far.
async fn new_events(store: &Server, seen: &mut usize) -> Vec<Event> {
    let new = all(store).await.split_off(*seen);
    *seen += new.len();
    new
}

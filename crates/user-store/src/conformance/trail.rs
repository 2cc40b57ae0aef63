use auth_core::{CounterKey, Limit, Session, SessionPolicy, SigningKey, SystemRandom};

use super::refresh::rotation;
use super::{
    Deployment, NOW, SECOND, acting, client, creation, hash, in_force, log_out, open, sign_up,
    signed_in, signed_up, user,
};
use crate::{
    Actor, EVENT_RETENTION, Event, EventKind, LimitedCounter, Reauthentication, SettledAttempt,
    Settlement, Store, UpdateUserOutcome, User,
};

async fn all(store: &dyn Store) -> Vec<Event> {
    let events = store.events(None, None, 1_000).await.expect("an answer");
    events.into_iter().map(|(_, event)| event).collect()
}

/// What has happened since it was asked last.
async fn news(store: &dyn Store, known: &mut usize) -> Vec<Event> {
    let new = all(store).await.split_off(*known);
    *known += new.len();
    new
}

async fn word(store: &dyn Store, user: &User, session: &Session) -> Reauthentication {
    let verified = in_force(store, user).await.password_version;
    Reauthentication { session: *session, client: client(), verified }
}

pub async fn what_is_changed_is_told_with_it(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let mut known = 0;
    let (ada, _) = signed_up(&*store).await;
    let by_ada = |kind| Event::by_user(kind, NOW, client()).about(ada.id);
    assert_eq!(news(&*store, &mut known).await, [by_ada(EventKind::AccountCreated)]);
    let (session, token) = open(&*store, &ada).await;
    let in_session = |kind| by_ada(kind).in_session(session.id);
    assert_eq!(news(&*store, &mut known).await, [in_session(EventKind::SignedIn)]);
    let changed = store.change_password(&word(&*store, &ada, &session).await, &hash(), NOW).await;
    let _ = changed.expect("an answer");
    assert_eq!(news(&*store, &mut known).await, [in_session(EventKind::PasswordChanged)]);
    let (other, _) = open(&*store, &ada).await;
    open(&*store, &ada).await;
    news(&*store, &mut known).await;
    let _ = store.end_session(&acting(&session), other.id, NOW).await.expect("an answer");
    let ended = by_ada(EventKind::SessionEnded).in_session(other.id);
    assert_eq!(news(&*store, &mut known).await, [ended]);
    let _ = store.end_other_sessions(&acting(&session), NOW).await.expect("an answer");
    assert_eq!(news(&*store, &mut known).await, [in_session(EventKind::OtherSessionsEnded)]);
    let policy = SessionPolicy::default();
    let (first, _) = rotation(&token);
    let _ = store.rotate_refresh_token(&first, &policy, NOW).await.expect("an answer");
    assert_eq!(news(&*store, &mut known).await, [], "a renewal is nothing new");
    let late = NOW + 10 * SECOND;
    let _ = store.rotate_refresh_token(&first, &policy, late).await.expect("an answer");
    let reused = Event::by_user(EventKind::RefreshTokenReused, late, first.client.clone());
    let reused = reused.about(ada.id).in_session(session.id);
    assert_eq!(news(&*store, &mut known).await, [reused]);
    let (last, _) = open(&*store, &ada).await;
    news(&*store, &mut known).await;
    assert!(log_out(&*store, &last).await);
    let out = by_ada(EventKind::SignedOut).in_session(last.id);
    assert_eq!(news(&*store, &mut known).await, [out]);
}

pub async fn what_an_operator_does_is_told_as_that(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, _) = signed_in(&*store).await;
    let mut known = all(&*store).await.len();
    assert_eq!(store.end_all_sessions(ada.id, NOW).await.expect("an answer"), 1);
    assert_eq!(
        store.disable_user(ada.id, NOW).await.expect("an answer"),
        UpdateUserOutcome::Updated
    );
    assert_eq!(
        store.enable_user(ada.id, NOW).await.expect("an answer"),
        UpdateUserOutcome::Updated
    );
    assert_eq!(
        store.set_password(ada.id, &hash(), NOW).await.expect("an answer"),
        UpdateUserOutcome::Updated
    );
    let [first, second] = [(); 2].map(|()| SigningKey::generate(&SystemRandom));
    store.add_signing_key(&first, NOW).await.expect("an answer");
    store.add_signing_key(&second, NOW).await.expect("an answer");
    let _ = store.retire_signing_key(&first, NOW).await.expect("an answer");
    let copied = Event::by_operator(EventKind::BackupMade, NOW);
    store.record_event(&copied).await.expect("an answer");
    let about = |kind| Event::by_operator(kind, NOW).about(ada.id);
    let key = |kind, key: &SigningKey| Event::by_operator(kind, NOW).about_key(key.kid());
    let told = [
        about(EventKind::AllSessionsEnded),
        about(EventKind::AccountDisabled),
        about(EventKind::AccountEnabled),
        about(EventKind::PasswordChanged),
        key(EventKind::SigningKeyRotated, &first),
        key(EventKind::SigningKeyRotated, &second),
        key(EventKind::SigningKeyRetired, &first),
        copied,
    ];
    assert_eq!(news(&*store, &mut known).await, told);
    assert!(told.iter().all(|event| event.actor == Actor::Operator));
}

pub async fn what_changes_nothing_is_told_of_nothing(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, session) = signed_in(&*store).await;
    let word = word(&*store, &ada, &session).await;
    let (nobody, policy) = (user("nobody@example.com"), SessionPolicy::default());
    assert!(log_out(&*store, &session).await);
    let mut known = all(&*store).await.len();
    assert!(store.create_user(&ada, &hash(), &creation(&ada)).await.is_err());
    assert!(!log_out(&*store, &session).await);
    let _ = store.end_other_sessions(&acting(&session), NOW).await.expect("an answer");
    assert_eq!(store.end_all_sessions(ada.id, NOW).await.expect("an answer"), 0);
    let _ = store.change_password(&word, &hash(), NOW).await.expect("an answer");
    let _ = store.delete_own_account(&word, NOW).await.expect("an answer");
    // What is so already.
    assert_eq!(
        store.enable_user(ada.id, NOW).await.expect("an answer"),
        UpdateUserOutcome::Updated
    );
    assert_eq!(
        store.disable_user(nobody.id, NOW).await.expect("an answer"),
        UpdateUserOutcome::NotFound
    );
    assert_eq!(
        store.enable_user(nobody.id, NOW).await.expect("an answer"),
        UpdateUserOutcome::NotFound
    );
    assert_eq!(
        store.set_password(nobody.id, &hash(), NOW).await.expect("an answer"),
        UpdateUserOutcome::NotFound
    );
    assert_eq!(
        store.delete_user(nobody.id, NOW).await.expect("an answer"),
        UpdateUserOutcome::NotFound
    );
    let unknown = rotation(&auth_core::RefreshToken::generate(&SystemRandom)).0;
    let _ = store.rotate_refresh_token(&unknown, &policy, NOW).await.expect("an answer");
    let key = SigningKey::generate(&SystemRandom);
    let _ = store.retire_signing_key(&key, NOW).await.expect("an answer");
    assert_eq!(news(&*store, &mut known).await, []);
}

pub async fn failures_are_told_and_that_the_next_have_to_wait(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, _) = signed_up(&*store).await;
    let mut known = all(&*store).await.len();
    let key = CounterKey::sign_ins_by_account("ada@example.com");
    let counts = [LimitedCounter { key, limit: Limit::SIGN_INS_PER_ACCOUNT }];
    let failed = Event::by_user(EventKind::SignInFailed, NOW, client()).about(ada.id);
    let settled = SettledAttempt {
        counters: vec![(counts[0], Settlement::Counted)],
        began_at: NOW,
        settled_at: NOW,
        failure: Some(failed.clone()),
    };
    for _ in 0..10 {
        let _ = store.begin_attempt(&counts, NOW).await.expect("an answer");
        let _ = store.settle_attempt(&settled).await.expect("an answer");
    }
    let _ = store.begin_attempt(&counts, NOW).await.expect("an answer");
    let told = news(&*store, &mut known).await;
    assert_eq!(told.len(), 11);
    assert!(told[..10].iter().all(|event| *event == failed));
    assert_eq!(told[10], Event { kind: EventKind::SignInsThrottled, ..failed });
}

pub async fn a_user_sees_their_own_events_the_last_first(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, _) = signed_in(&*store).await;
    let (grace, _) = sign_up(&*store, "grace@example.com").await;
    let kinds = async |user: &User, limit| -> Vec<_> {
        let events = store.activity(user.id, limit).await.expect("an answer");
        events.into_iter().map(|event| event.kind).collect()
    };
    assert_eq!(kinds(&ada, 10).await, [EventKind::SignedIn, EventKind::AccountCreated]);
    assert_eq!(kinds(&ada, 1).await, [EventKind::SignedIn]);
    assert_eq!(kinds(&grace, 10).await, [EventKind::AccountCreated]);
    let held = store.user_data(ada.id).await.expect("an answer").expect("it is there");
    assert_eq!(held.events, store.activity(ada.id, 10).await.expect("an answer"));
}

pub async fn all_events_are_read_in_pages_in_the_order_they_were_written(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (ada, _) = signed_in(&*here).await;
    sign_up(&*there, "grace@example.com").await;
    open(&*there, &ada).await;
    let whole = here.events(None, None, 10).await.expect("an answer");
    assert_eq!(whole.len(), 4);
    let mut paged = Vec::new();
    for _ in 0..3 {
        let last = paged.last().map(|(id, _)| *id);
        paged.extend(there.events(None, last, 2).await.expect("an answer"));
    }
    assert_eq!(paged, whole);
    let about_ada = here.events(Some(ada.id), None, 10).await.expect("an answer");
    assert_eq!(about_ada.len(), 3);
    let after = Some(about_ada[0].0);
    assert_eq!(here.events(Some(ada.id), after, 10).await.expect("an answer"), about_ada[1..]);
}

pub async fn of_a_deleted_account_its_deletion_is_told_and_nothing_else(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, session) = signed_in(&*store).await;
    let (grace, _) = sign_up(&*store, "grace@example.com").await;
    let closed = store.delete_own_account(&word(&*store, &ada, &session).await, NOW).await;
    let _ = closed.expect("an answer");
    let deleted = Event::by_user(EventKind::AccountDeleted, NOW, auth_core::ClientInfo::default());
    assert_eq!(all(&*store).await, [creation(&grace), deleted.about(ada.id)]);
    assert_eq!(
        store.delete_user(grace.id, NOW).await.expect("an answer"),
        UpdateUserOutcome::Updated
    );
    let by_operator = Event::by_operator(EventKind::AccountDeleted, NOW).about(grace.id);
    assert_eq!(all(&*store).await[1..], [by_operator]);
}

pub async fn events_are_kept_for_90_days_and_then_removed(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, _) = signed_up(&*store).await;
    let failed = |at| Event::by_user(EventKind::SignInFailed, at, client());
    store.record_event(&failed(NOW)).await.expect("an answer");
    let end = NOW + EVENT_RETENTION;
    let removed = async |now| store.purge_expired(now, 10).await.expect("an answer").events;
    assert_eq!(removed(end - SECOND).await, 0);
    // A clock that is ahead removes nothing that the newest event has not left behind.
    assert_eq!(removed(end + EVENT_RETENTION).await, 0);
    store.record_event(&failed(end - SECOND).about(ada.id)).await.expect("an answer");
    assert_eq!(removed(end).await, 0);
    store.record_event(&failed(end).about(ada.id)).await.expect("an answer");
    assert_eq!(removed(end).await, 2);
    assert_eq!(all(&*store).await.len(), 2);
}

pub async fn of_an_account_that_is_gone_nobody_is_told_of_afterwards(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, session) = signed_in(&*store).await;
    assert_eq!(
        store.delete_user(ada.id, NOW).await.expect("an answer"),
        UpdateUserOutcome::Updated
    );
    let mut known = all(&*store).await.len();
    // The password was being looked at meanwhile.
    let failed = Event::by_user(EventKind::PasswordCheckFailed, NOW, client());
    let late = failed.clone().about(ada.id).in_session(session.id);
    let settled = SettledAttempt {
        counters: Vec::new(),
        began_at: NOW,
        settled_at: NOW,
        failure: Some(late),
    };
    let _ = store.settle_attempt(&settled).await.expect("an answer");
    let nobody = Event { client: auth_core::ClientInfo::default(), ..failed };
    assert_eq!(news(&*store, &mut known).await, [nobody]);
}

pub async fn an_account_that_is_deleted_twice_at_once_leaves_one_word_of_it(
    fresh: &dyn Deployment,
) {
    let store = fresh.connect().await;
    let (ada, _) = signed_in(&*store).await;
    assert_eq!(
        store.delete_user(ada.id, NOW).await.expect("an answer"),
        UpdateUserOutcome::Updated
    );
    assert_eq!(
        store.delete_user(ada.id, NOW).await.expect("an answer"),
        UpdateUserOutcome::NotFound
    );
    let deleted = Event::by_operator(EventKind::AccountDeleted, NOW).about(ada.id);
    assert_eq!(all(&*store).await, [deleted]);
}

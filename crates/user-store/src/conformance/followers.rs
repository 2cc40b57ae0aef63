//! Followers of the audit log.

use auth_core::{SystemRandom, Timestamp};
use futures_util::future::join_all;

use crate::audit::{Event, EventId, EventKind};
use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{
    NOW, SECOND, Server, client, creation, race, race_all, sign_up, sign_up_ada, two_servers,
};
use crate::followers::{
    AdvanceFollowerOutcome, ClaimFollowerOutcome, FOLLOWER_LEASE, FollowerLease, FollowerPosition,
    LeaseHolder, Start,
};
use crate::users::UpdateUserOutcome;

cases! {
    ($) followers_cases in followers;
    a_follower_begins_at_the_end_of_the_log,
    a_follower_begins_at_the_oldest_event_on_request,
    adding_a_follower_again_keeps_its_position,
    an_unknown_follower_is_not_found,
    only_one_server_holds_a_follower,
    a_follower_is_taken_over_when_its_lease_has_ended,
    a_released_follower_is_claimed_at_its_position,
    a_server_that_has_lost_its_lease_cannot_advance,
    a_late_renewal_keeps_a_follower_that_nobody_has_taken_over,
    of_concurrent_claims_one_succeeds,
    a_takeover_and_a_renewal_leave_one_holder,
    events_after_a_cursor_are_in_the_order_of_the_log,
    a_follower_misses_no_event_of_concurrent_transactions,
    a_follower_gets_events_that_are_recorded_after_the_newest_ones_were_deleted,
}

const NAME: &str = "notes";

const START: FollowerPosition =
    FollowerPosition { cursor: EventId::from_number(0), handled_until: NOW };

fn holder() -> LeaseHolder {
    LeaseHolder::generate(&SystemRandom)
}

async fn add(store: &Server, start: Start) {
    store.add_follower(NAME, start, NOW).await.unwrap();
}

/// Claims the follower, which must succeed.
async fn claim(store: &Server, holder: LeaseHolder, now: Timestamp) -> FollowerPosition {
    match store.claim_follower(NAME, holder, now).await.unwrap() {
        ClaimFollowerOutcome::Claimed(position) => position,
        outcome => unreachable!("not claimed: {outcome:?}"),
    }
}

/// Waits for transactions that are older than the newest event. Until they have ended, followers
/// do not get that event.
async fn settle(store: &Server) {
    store.events(None, None, 1_000).await.unwrap();
}

/// Returns up to `limit` events after `cursor`.
async fn events_after(store: &Server, cursor: EventId, limit: u32) -> Vec<(EventId, Event)> {
    settle(store).await;
    store.events_after(cursor, limit).await.unwrap()
}

async fn is_behind(store: &Server) -> bool {
    settle(store).await;
    store.follower(NAME).await.unwrap().unwrap().is_behind
}

/// Returns the kinds of the next events of the follower.
async fn next_kinds(store: &Server) -> Vec<EventKind> {
    let position = store.follower(NAME).await.unwrap().unwrap().position;
    let events = events_after(store, position.cursor, 100).await;
    events.into_iter().map(|(_, event)| event.kind).collect()
}

async fn a_follower_begins_at_the_end_of_the_log(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    assert_eq!(store.follower(NAME).await.unwrap(), None);
    sign_up_ada(&store).await;
    settle(&store).await;
    add(&store, Start::End).await;
    let added = store.follower(NAME).await.unwrap().unwrap();
    assert_eq!((added.position.handled_until, added.lease), (NOW, None));
    assert!(!added.is_behind);
    assert_eq!(next_kinds(&store).await, []);
    let event = Event::by_user(EventKind::SignInFailed, NOW, client());
    store.record_event(&event).await.unwrap();
    assert!(is_behind(&store).await);
    assert_eq!(next_kinds(&store).await, [EventKind::SignInFailed]);
}

async fn a_follower_begins_at_the_oldest_event_on_request(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    sign_up_ada(&store).await;
    add(&store, Start::Oldest).await;
    assert!(is_behind(&store).await);
    assert_eq!(next_kinds(&store).await, [EventKind::AccountCreated]);
}

async fn adding_a_follower_again_keeps_its_position(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    add(&here, Start::End).await;
    sign_up_ada(&here).await;
    settle(&here).await;
    let before = there.follower(NAME).await.unwrap();
    there.add_follower(NAME, Start::End, NOW + SECOND).await.unwrap();
    there.add_follower(NAME, Start::Oldest, NOW + SECOND).await.unwrap();
    assert_eq!(here.follower(NAME).await.unwrap(), before);
    assert!(is_behind(&here).await);
}

async fn an_unknown_follower_is_not_found(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    add(&store, Start::End).await;
    let (holder, position) = (holder(), START);
    let claimed = store.claim_follower("others", holder, NOW).await.unwrap();
    assert_eq!(claimed, ClaimFollowerOutcome::NotFound);
    let advanced = store.advance_follower("others", holder, position, NOW).await.unwrap();
    assert_eq!(advanced, AdvanceFollowerOutcome::Lost);
    let released = store.release_follower("others", holder, position).await.unwrap();
    assert_eq!(released, AdvanceFollowerOutcome::Lost);
    assert_eq!(store.follower("others").await.unwrap(), None);
}

async fn only_one_server_holds_a_follower(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (first, second) = (holder(), holder());
    add(&here, Start::End).await;
    claim(&here, first, NOW).await;
    let lease = FollowerLease { holder: first, until: NOW + FOLLOWER_LEASE };
    assert_eq!(there.follower(NAME).await.unwrap().unwrap().lease, Some(lease));
    let claimed = there.claim_follower(NAME, second, lease.until - SECOND).await.unwrap();
    assert_eq!(claimed, ClaimFollowerOutcome::Held);
    // The holder itself may claim the follower again, for example after an error.
    claim(&here, first, NOW + SECOND).await;
    // Other followers are not affected.
    there.add_follower("others", Start::End, NOW).await.unwrap();
    let other = there.claim_follower("others", second, NOW).await.unwrap();
    assert!(matches!(other, ClaimFollowerOutcome::Claimed(_)));
}

async fn a_follower_is_taken_over_when_its_lease_has_ended(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (first, second) = (holder(), holder());
    add(&here, Start::Oldest).await;
    sign_up_ada(&here).await;
    let position = claim(&here, first, NOW).await;
    let renewed = here.advance_follower(NAME, first, position, NOW + 10 * SECOND).await.unwrap();
    assert_eq!(renewed, AdvanceFollowerOutcome::Advanced);
    let end = NOW + 10 * SECOND + FOLLOWER_LEASE;
    let early = there.claim_follower(NAME, second, end - SECOND).await.unwrap();
    assert_eq!(early, ClaimFollowerOutcome::Held);
    assert_eq!(claim(&there, second, end).await, position);
    let claimed = here.claim_follower(NAME, first, end).await.unwrap();
    assert_eq!(claimed, ClaimFollowerOutcome::Held);
}

async fn a_released_follower_is_claimed_at_its_position(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (first, second) = (holder(), holder());
    add(&here, Start::End).await;
    sign_up_ada(&here).await;
    sign_up(&here, "grace@example.com").await;
    let start = claim(&here, first, NOW).await;
    let events = events_after(&here, start.cursor, 100).await;
    let position = FollowerPosition { cursor: events[0].0, handled_until: NOW + SECOND };
    let released = here.release_follower(NAME, first, position).await.unwrap();
    assert_eq!(released, AdvanceFollowerOutcome::Advanced);
    assert_eq!(there.follower(NAME).await.unwrap().unwrap().lease, None);
    assert_eq!(claim(&there, second, NOW).await, position);
    assert_eq!(next_kinds(&there).await, [EventKind::AccountCreated]);
    let end = FollowerPosition { cursor: events[1].0, ..position };
    let _ = there.release_follower(NAME, second, end).await.unwrap();
    assert!(!is_behind(&here).await);
}

async fn a_server_that_has_lost_its_lease_cannot_advance(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (first, second) = (holder(), holder());
    add(&here, Start::Oldest).await;
    sign_up_ada(&here).await;
    let start = claim(&here, first, NOW).await;
    let late = NOW + FOLLOWER_LEASE;
    claim(&there, second, late).await;
    let events = events_after(&here, start.cursor, 1).await;
    let position = FollowerPosition { cursor: events[0].0, ..start };
    let advanced = here.advance_follower(NAME, first, position, late).await.unwrap();
    assert_eq!(advanced, AdvanceFollowerOutcome::Lost);
    let released = here.release_follower(NAME, first, position).await.unwrap();
    assert_eq!(released, AdvanceFollowerOutcome::Lost);
    let found = here.follower(NAME).await.unwrap().unwrap();
    assert_eq!(found.position, start);
    assert_eq!(found.lease.map(|lease| lease.holder), Some(second));
    // A released follower has no holder.
    let _ = there.release_follower(NAME, second, start).await.unwrap();
    let advanced = there.advance_follower(NAME, second, position, late).await.unwrap();
    assert_eq!(advanced, AdvanceFollowerOutcome::Lost);
}

async fn a_late_renewal_keeps_a_follower_that_nobody_has_taken_over(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (first, second) = (holder(), holder());
    add(&here, Start::End).await;
    let position = claim(&here, first, NOW).await;
    let late = NOW + 3 * FOLLOWER_LEASE;
    let renewed = here.advance_follower(NAME, first, position, late).await.unwrap();
    assert_eq!(renewed, AdvanceFollowerOutcome::Advanced);
    let claimed = there.claim_follower(NAME, second, late).await.unwrap();
    assert_eq!(claimed, ClaimFollowerOutcome::Held);
}

async fn of_concurrent_claims_one_succeeds(deployment: &dyn Deployment) {
    let servers = join_all((0..4).map(|_| deployment.connect())).await;
    for round in 0..5_u32 {
        let name = format!("follower-{round}");
        // The servers also add the follower at the same time.
        let claims = servers.iter().map(async |store| {
            store.add_follower(&name, Start::End, NOW).await.unwrap();
            store.claim_follower(&name, holder(), NOW).await.unwrap()
        });
        let outcomes = race_all(claims);
        let is_claimed =
            |it: &&ClaimFollowerOutcome| matches!(it, ClaimFollowerOutcome::Claimed(_));
        assert_eq!(outcomes.iter().filter(is_claimed).count(), 1, "{outcomes:?}");
    }
}

async fn a_takeover_and_a_renewal_leave_one_holder(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    for round in 0..10_u32 {
        let name = format!("follower-{round}");
        let (first, second) = (holder(), holder());
        here.add_follower(&name, Start::End, NOW).await.unwrap();
        let _ = here.claim_follower(&name, first, NOW).await.unwrap();
        let late = NOW + FOLLOWER_LEASE;
        let (renewed, claimed) = race(
            here.advance_follower(&name, first, START, late),
            there.claim_follower(&name, second, late),
        );
        let lease = here.follower(&name).await.unwrap().unwrap().lease.unwrap();
        match (renewed.unwrap(), claimed.unwrap()) {
            (AdvanceFollowerOutcome::Advanced, ClaimFollowerOutcome::Held) => {
                assert_eq!(lease.holder, first);
            }
            (AdvanceFollowerOutcome::Lost, ClaimFollowerOutcome::Claimed(_)) => {
                assert_eq!(lease.holder, second);
            }
            outcomes => unreachable!("two holders: {outcomes:?}"),
        }
    }
}

async fn events_after_a_cursor_are_in_the_order_of_the_log(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let start = EventId::from_number(0);
    assert_eq!(events_after(&here, start, 10).await, []);
    let (ada, _) = sign_up_ada(&here).await;
    let (grace, _) = sign_up(&there, "grace@example.com").await;
    let all = events_after(&here, start, 10).await;
    let events: Vec<_> = all.iter().map(|(_, event)| event.clone()).collect();
    assert_eq!(events, [creation(&ada), creation(&grace)]);
    assert_eq!(there.events(None, None, 10).await.unwrap(), all);
    assert_eq!(events_after(&there, start, 1).await, all[..1]);
    assert_eq!(events_after(&there, all[0].0, 10).await, all[1..]);
    assert_eq!(events_after(&there, all[1].0, 10).await, []);
}

async fn a_follower_misses_no_event_of_concurrent_transactions(deployment: &dyn Deployment) {
    const EVENTS: usize = 40;
    let [here, there] = two_servers(deployment).await;
    let event = Event::by_user(EventKind::SignInFailed, NOW, client());
    let record = async || {
        join_all((0..EVENTS).map(|_| there.record_event(&event)))
            .await
            .into_iter()
            .for_each(Result::unwrap);
    };
    let follow = async || {
        let (mut cursor, mut seen) = (EventId::from_number(0), Vec::new());
        while seen.len() < EVENTS {
            let events = here.events_after(cursor, 7).await.unwrap();
            cursor = events.last().map_or(cursor, |(id, _)| *id);
            seen.extend(events.into_iter().map(|(id, _)| id));
        }
        seen
    };
    let ((), seen) = race(record(), follow());
    assert!(seen.is_sorted_by(|a, b| a < b), "{seen:?}");
    let listed = here.events(None, None, 100).await.unwrap();
    assert_eq!(seen, listed.into_iter().map(|(id, _)| id).collect::<Vec<_>>());
}

async fn a_follower_gets_events_that_are_recorded_after_the_newest_ones_were_deleted(
    deployment: &dyn Deployment,
) {
    let store = deployment.connect().await;
    sign_up(&store, "grace@example.com").await;
    let (ada, _) = sign_up_ada(&store).await;
    let failed = Event::by_user(EventKind::SignInFailed, NOW, client()).about(ada.id);
    for _ in 0..3 {
        store.record_event(&failed).await.unwrap();
    }
    settle(&store).await;
    add(&store, Start::End).await;
    assert!(!is_behind(&store).await);
    drop(store);
    // The newest events are deleted with their account, by a server that has recorded none of them.
    let restarted = deployment.connect().await;
    let deleted = restarted.delete_user(ada.id, None, NOW).await.unwrap();
    assert_eq!(deleted, UpdateUserOutcome::Updated);
    assert!(is_behind(&restarted).await);
    assert_eq!(next_kinds(&restarted).await, [EventKind::AccountDeleted]);
}

use auth_core::{SigningKey, SigningKeySeed, Timestamp};
use futures_util::future::{join, join_all};

use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{NOW, SECOND, Server, first_key, seed, sign_in_ada, two_servers};
use crate::keys::{RetireKeyOutcome, StoredSigningKey};

cases! {
    ($) keys_cases in keys;
    the_first_server_creates_the_signing_key,
    servers_that_start_together_get_one_signing_key,
    the_newest_key_signs_and_the_others_are_kept,
    concurrently_added_keys_have_the_same_order_on_every_server,
    a_key_is_retired_unless_it_signs,
    concurrent_retirements_of_a_key_succeed_once,
    retiring_a_key_during_rotations_keeps_the_newest,
    the_key_set_version_changes_with_every_added_or_retired_key,
}

async fn the_first_server_creates_the_signing_key(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    assert!(keys(&here).await.is_empty());
    let (first, second) = (seed(), seed());
    assert_eq!(first_key(&here, &first).await, first);
    assert_eq!(first_key(&there, &second).await, first);
    assert_eq!(keys(&here).await, [StoredSigningKey { seed: first, created_at: NOW }]);
}

async fn servers_that_start_together_get_one_signing_key(deployment: &dyn Deployment) {
    let keys = join_all((0..8).map(|_| async {
        let store = deployment.connect().await;
        first_key(&store, &seed()).await
    }))
    .await;
    assert!(keys.iter().all(|key| *key == keys[0]));
}

async fn the_newest_key_signs_and_the_others_are_kept(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (first, second) = (first_key(&here, &seed()).await, seed());
    add(&here, &second, NOW + SECOND).await;
    let third = seed();
    // The clock of this server is behind.
    add(&there, &third, NOW - SECOND).await;
    let created = [(third, NOW - SECOND), (second, NOW + SECOND), (first, NOW)];
    let created = created.map(|(seed, created_at)| StoredSigningKey { seed, created_at });
    assert_eq!(keys(&here).await, created);
    // A server that starts now adds no key.
    there.ensure_signing_key(&seed(), NOW).await.unwrap();
    assert_eq!(keys(&here).await.len(), 3);
}

async fn concurrently_added_keys_have_the_same_order_on_every_server(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    first_key(&here, &seed()).await;
    let new: Vec<_> = (0..8).map(|_| seed()).collect();
    let rotations = new.iter().enumerate().map(|(n, seed)| {
        let store = if n % 2 == 0 { &here } else { &there };
        add(store, seed, NOW)
    });
    join_all(rotations).await;
    let found = keys(&here).await;
    assert_eq!(found, keys(&there).await);
    assert_eq!(found.len(), 9);
    assert!(new.iter().all(|seed| found.iter().any(|key| key.seed == *seed)));
}

async fn a_key_is_retired_unless_it_signs(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (first, second) = (first_key(&here, &seed()).await, seed());
    assert_eq!(retire(&here, &first).await, RetireKeyOutcome::InUse);
    add(&here, &second, NOW).await;
    assert_eq!(retire(&there, &second).await, RetireKeyOutcome::InUse);
    assert_eq!(retire(&there, &seed()).await, RetireKeyOutcome::NotFound);
    assert_eq!(keys(&here).await.len(), 2);
    assert_eq!(retire(&there, &first).await, RetireKeyOutcome::Retired);
    assert_eq!(keys(&here).await, [StoredSigningKey { seed: second, created_at: NOW }]);
}

async fn concurrent_retirements_of_a_key_succeed_once(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let first = first_key(&here, &seed()).await;
    add(&here, &seed(), NOW).await;
    let (one, other) = join(retire(&here, &first), retire(&there, &first)).await;
    let mut outcomes = [one, other];
    outcomes.sort_by_key(|outcome| *outcome != RetireKeyOutcome::Retired);
    assert_eq!(outcomes, [RetireKeyOutcome::Retired, RetireKeyOutcome::NotFound]);
}

async fn retiring_a_key_during_rotations_keeps_the_newest(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let first = first_key(&here, &seed()).await;
    for _ in 0..20 {
        let (old, new) = (keys(&here).await.remove(0).seed, seed());
        let (outcome, ()) = join(retire(&there, &old), add(&here, &new, NOW)).await;
        let remaining: Vec<_> = keys(&here).await.into_iter().map(|key| key.seed).collect();
        assert_eq!(remaining[0], new);
        // The key was kept if it still signed, and deleted otherwise.
        assert_eq!(remaining.contains(&old), outcome == RetireKeyOutcome::InUse);
    }
    assert_ne!(keys(&there).await[0].seed, first);
}

async fn the_key_set_version_changes_with_every_added_or_retired_key(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let empty = here.signing_keys().await.unwrap().version;
    let first = first_key(&there, &seed()).await;
    let (_, session) = sign_in_ada(&here).await;
    // Both lookups return the same version, and other writes do not change it.
    let version = async || {
        let of_session = here.session(session.id, NOW).await.unwrap().unwrap().key_set_version;
        assert_eq!(here.signing_keys().await.unwrap().version, of_session);
        of_session
    };
    let one_key = version().await;
    assert_ne!(one_key, empty);
    assert_eq!(version().await, one_key);
    add(&there, &seed(), NOW).await;
    let two_keys = version().await;
    assert_eq!(retire(&there, &first).await, RetireKeyOutcome::Retired);
    let retired = version().await;
    assert_ne!(two_keys, one_key);
    assert!(retired != two_keys && retired != one_key, "a version is never reused");
    // A call that changes no key does not change the version.
    assert_eq!(retire(&there, &first).await, RetireKeyOutcome::NotFound);
    there.ensure_signing_key(&seed(), NOW).await.unwrap();
    assert_eq!(version().await, retired);
}

fn key(seed: &SigningKeySeed) -> SigningKey {
    SigningKey::from_seed(seed.clone()).unwrap()
}

async fn keys(store: &Server) -> Vec<StoredSigningKey> {
    store.signing_keys().await.unwrap().keys
}

/// Adds a key, which becomes the one that signs.
async fn add(store: &Server, seed: &SigningKeySeed, now: Timestamp) {
    store.add_signing_key(&key(seed), now).await.unwrap();
}

async fn retire(store: &Server, seed: &SigningKeySeed) -> RetireKeyOutcome {
    store.retire_signing_key(&key(seed), NOW).await.unwrap()
}

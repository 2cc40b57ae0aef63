use auth_core::{SigningKey, SigningKeySeed, Timestamp};
use futures_util::future::{join, join_all};

use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{NOW, SECOND, Server, first_key, seed, sign_in_ada, two_servers};
use crate::keys::{RetireKeyOutcome, StoredSigningKey};

cases! {
    ($) keys_cases in keys;
    the_first_server_creates_the_signing_key,
    servers_that_start_together_get_one_signing_key,
    keys_are_listed_newest_first_with_their_times,
    the_newest_active_key_signs_on_every_server,
    concurrently_added_keys_have_the_same_order_on_every_server,
    a_key_is_retired_unless_it_is_the_only_one_that_can_sign,
    retiring_the_key_that_signs_activates_the_published_one,
    concurrent_retirements_leave_a_key_that_signs,
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
    let stored = StoredSigningKey { seed: first, created_at: NOW, signs_from: NOW };
    assert_eq!(keys(&here).await, [stored]);
}

async fn servers_that_start_together_get_one_signing_key(deployment: &dyn Deployment) {
    let keys = join_all((0..8).map(|_| async {
        let store = deployment.connect().await;
        first_key(&store, &seed()).await
    }))
    .await;
    assert!(keys.iter().all(|key| *key == keys[0]));
}

async fn keys_are_listed_newest_first_with_their_times(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (first, second, third) = (first_key(&here, &seed()).await, seed(), seed());
    let later = NOW + SECOND;
    here.add_signing_key(&key(&second), later + SECOND, later).await.unwrap();
    // The clock of this server is behind.
    add(&there, &third, NOW - SECOND).await;
    let stored = |seed, created_at, signs_from| StoredSigningKey { seed, created_at, signs_from };
    let expected = [
        stored(third, NOW - SECOND, NOW - SECOND),
        stored(second, later, later + SECOND),
        stored(first, NOW, NOW),
    ];
    assert_eq!(keys(&here).await, expected);
    // A server that starts now adds no key.
    there.ensure_signing_key(&seed(), NOW).await.unwrap();
    assert_eq!(keys(&there).await, expected);
}

async fn the_newest_active_key_signs_on_every_server(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (first, second) = (first_key(&here, &seed()).await, seed());
    here.add_signing_key(&key(&second), NOW + SECOND, NOW).await.unwrap();
    let restarted = deployment.connect().await;
    for server in [&here, &there, &restarted] {
        assert_eq!(signing(server, NOW).await, first);
        assert_eq!(signing(server, NOW + SECOND).await, second);
        assert_eq!(signing(server, NOW - SECOND).await, first, "the clock was set back");
    }
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

async fn a_key_is_retired_unless_it_is_the_only_one_that_can_sign(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (first, second) = (first_key(&here, &seed()).await, seed());
    assert_eq!(retire(&here, &first).await, RetireKeyOutcome::InUse);
    add(&here, &second, NOW).await;
    assert_eq!(retire(&there, &second).await, RetireKeyOutcome::InUse);
    assert_eq!(retire(&there, &seed()).await, RetireKeyOutcome::NotFound);
    assert_eq!(keys(&here).await.len(), 2);
    assert_eq!(retire(&there, &first).await, RetireKeyOutcome::Retired);
    let remaining = StoredSigningKey { seed: second, created_at: NOW, signs_from: NOW };
    assert_eq!(keys(&here).await, [remaining]);
    // A key that has never signed can be retired too.
    let published = seed();
    here.add_signing_key(&key(&published), NOW + SECOND, NOW).await.unwrap();
    assert_eq!(retire(&there, &published).await, RetireKeyOutcome::Retired);
    assert_eq!(keys(&here).await.len(), 1);
}

async fn retiring_the_key_that_signs_activates_the_published_one(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let oldest = first_key(&here, &seed()).await;
    let [current, next, last] = [seed(), seed(), seed()];
    add(&here, &current, NOW).await;
    for (published, delay) in [(&next, SECOND), (&last, 2 * SECOND)] {
        here.add_signing_key(&key(published), NOW + delay, NOW).await.unwrap();
    }
    let activated = RetireKeyOutcome::RetiredAndActivated(next.clone());
    assert_eq!(retire(&here, &current).await, activated);
    for server in [&here, &there] {
        assert_eq!(signing(server, NOW).await, next, "not the older key");
        assert_eq!(signing(server, NOW + 2 * SECOND).await, last, "the later one keeps its time");
    }
    let remaining: Vec<_> = keys(&there).await.into_iter().map(|key| key.seed).collect();
    assert_eq!(remaining, [last, next, oldest]);
}

async fn concurrent_retirements_leave_a_key_that_signs(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    for _ in 0..10 {
        let first = first_key(&here, &seed()).await;
        let next = seed();
        here.add_signing_key(&key(&next), NOW + SECOND, NOW).await.unwrap();
        let (one, other) = join(retire(&here, &first), retire(&there, &next)).await;
        let signs = signing(&here, NOW).await;
        if one == RetireKeyOutcome::InUse {
            assert_eq!((other, signs), (RetireKeyOutcome::Retired, first));
        } else {
            let activated = RetireKeyOutcome::RetiredAndActivated(next.clone());
            assert_eq!((one, other), (activated, RetireKeyOutcome::InUse));
            assert_eq!(signs, next);
        }
        assert_eq!(keys(&there).await.len(), 1);
    }
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

/// Returns the key that signs at `now`.
async fn signing(store: &Server, now: Timestamp) -> SigningKeySeed {
    let set = store.signing_keys().await.unwrap();
    set.keys[set.signing_position(now).unwrap()].seed.clone()
}

/// Adds a key that signs at once.
async fn add(store: &Server, seed: &SigningKeySeed, now: Timestamp) {
    store.add_signing_key(&key(seed), now, now).await.unwrap();
}

async fn retire(store: &Server, seed: &SigningKeySeed) -> RetireKeyOutcome {
    store.retire_signing_key(&key(seed), NOW).await.unwrap()
}

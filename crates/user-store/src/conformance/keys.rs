use auth_core::{SigningKey, SigningKeySeed, SystemRandom, Timestamp};
use futures_util::future::{join, join_all};

use super::{Deployment, NOW, SECOND};
use crate::{RetireKeyOutcome, Store, StoredSigningKey};

pub(super) fn seed() -> SigningKeySeed {
    SigningKey::generate(&SystemRandom).seed().clone()
}

pub(super) async fn first_key(store: &dyn Store, candidate: &SigningKeySeed) -> SigningKeySeed {
    store.ensure_signing_key(candidate, NOW).await.expect("an answer");
    let keys = keys(store).await;
    assert_eq!(keys.len(), 1);
    keys[0].seed.clone()
}

fn key(seed: &SigningKeySeed) -> SigningKey {
    SigningKey::from_seed(seed.clone()).expect("a key")
}

async fn keys(store: &dyn Store) -> Vec<StoredSigningKey> {
    store.signing_keys().await.expect("an answer").keys
}

/// Makes a key the one that signs.
async fn add(store: &dyn Store, seed: &SigningKeySeed, now: Timestamp) {
    store.add_signing_key(&key(seed), now).await.expect("an answer");
}

async fn retire(store: &dyn Store, seed: &SigningKeySeed) -> RetireKeyOutcome {
    store.retire_signing_key(&key(seed), NOW).await.expect("an answer")
}

pub async fn the_first_server_makes_the_signing_key_and_the_others_get_it(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    assert!(keys(&*here).await.is_empty());
    let (first, second) = (seed(), seed());
    assert_eq!(first_key(&*here, &first).await, first);
    assert_eq!(first_key(&*there, &second).await, first);
    assert_eq!(keys(&*here).await, [StoredSigningKey { seed: first, created_at: NOW }]);
}

pub async fn of_servers_that_start_at_once_all_get_one_signing_key(fresh: &dyn Deployment) {
    let keys = join_all((0..8).map(|_| async {
        let store = fresh.connect().await;
        first_key(&*store, &seed()).await
    }))
    .await;
    assert!(keys.iter().all(|key| *key == keys[0]));
}

pub async fn the_key_that_was_made_last_signs_and_the_others_are_kept(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (first, second) = (first_key(&*here, &seed()).await, seed());
    add(&*here, &second, NOW + SECOND).await;
    let third = seed();
    // Its server's clock may be behind.
    add(&*there, &third, NOW - SECOND).await;
    let made = [(third, NOW - SECOND), (second, NOW + SECOND), (first, NOW)];
    let made = made.map(|(seed, created_at)| StoredSigningKey { seed, created_at });
    assert_eq!(keys(&*here).await, made);
    // Nor does a server that starts now add one.
    there.ensure_signing_key(&seed(), NOW).await.expect("an answer");
    assert_eq!(keys(&*here).await.len(), 3);
}

pub async fn of_rotations_at_once_none_is_lost_and_all_servers_see_one_order(
    fresh: &dyn Deployment,
) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    first_key(&*here, &seed()).await;
    let new: Vec<_> = (0..8).map(|_| seed()).collect();
    let rotations = new.iter().enumerate().map(|(n, seed)| {
        let store = if n % 2 == 0 { &here } else { &there };
        add(&**store, seed, NOW)
    });
    join_all(rotations).await;
    let found = keys(&*here).await;
    assert_eq!(found, keys(&*there).await);
    assert_eq!(found.len(), 9);
    assert!(new.iter().all(|seed| found.iter().any(|key| key.seed == *seed)));
}

pub async fn a_retired_key_is_gone_and_the_one_that_signs_stays(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (first, second) = (first_key(&*here, &seed()).await, seed());
    assert_eq!(retire(&*here, &first).await, RetireKeyOutcome::InUse);
    add(&*here, &second, NOW).await;
    assert_eq!(retire(&*there, &second).await, RetireKeyOutcome::InUse);
    assert_eq!(retire(&*there, &seed()).await, RetireKeyOutcome::NotFound);
    assert_eq!(keys(&*here).await.len(), 2);
    assert_eq!(retire(&*there, &first).await, RetireKeyOutcome::Retired);
    assert_eq!(keys(&*here).await, [StoredSigningKey { seed: second, created_at: NOW }]);
}

pub async fn a_key_that_is_retired_twice_at_once_is_retired_once(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let first = first_key(&*here, &seed()).await;
    add(&*here, &seed(), NOW).await;
    let (one, other) = join(retire(&*here, &first), retire(&*there, &first)).await;
    let mut outcomes = [one, other];
    outcomes.sort_by_key(|outcome| *outcome != RetireKeyOutcome::Retired);
    assert_eq!(outcomes, [RetireKeyOutcome::Retired, RetireKeyOutcome::NotFound]);
}

pub async fn retiring_that_races_with_rotations_leaves_the_newest_key(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let first = first_key(&*here, &seed()).await;
    for _ in 0..20 {
        let (old, new) = (keys(&*here).await.remove(0).seed, seed());
        let (outcome, ()) = join(retire(&*there, &old), add(&*here, &new, NOW)).await;
        let kept: Vec<_> = keys(&*here).await.into_iter().map(|key| key.seed).collect();
        assert_eq!(kept[0], new);
        // It was refused because it still signed then, or it is gone.
        assert_eq!(kept.contains(&old), outcome == RetireKeyOutcome::InUse);
    }
    assert_ne!(keys(&*there).await[0].seed, first);
}

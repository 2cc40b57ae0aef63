use auth_core::{SigningKey, SigningKeySeed, SystemRandom};
use futures_util::future::join_all;

use super::{Deployment, NOW};
use crate::UserStore;

pub(super) fn seed() -> SigningKeySeed {
    SigningKey::generate(&SystemRandom).seed().clone()
}

pub(super) async fn first_key(store: &dyn UserStore, candidate: &SigningKeySeed) -> [u8; 32] {
    let keys = store.signing_keys(candidate, NOW).await.expect("an answer");
    assert_eq!(keys.len(), 1);
    *keys[0].to_bytes()
}

pub async fn the_first_server_makes_the_signing_key_and_the_others_get_it(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let (first, second) = (seed(), seed());
    assert_eq!(first_key(&*here, &first).await, *first.to_bytes());
    assert_eq!(first_key(&*there, &second).await, *first.to_bytes());
}

pub async fn of_servers_that_start_at_once_all_get_one_signing_key(fresh: &dyn Deployment) {
    let keys = join_all((0..8).map(|_| async {
        let store = fresh.connect().await;
        first_key(&*store, &seed()).await
    }))
    .await;
    assert!(keys.iter().all(|key| *key == keys[0]));
}

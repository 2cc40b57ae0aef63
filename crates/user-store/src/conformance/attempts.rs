use auth_core::{Admission, CounterKey, Limit, Timestamp};
use futures_util::future::join_all;

use super::{Deployment, NOW, SECOND};
use crate::{LimitedCounter, Settlement, UserStore};

fn by_account(email: &str) -> LimitedCounter {
    LimitedCounter {
        key: CounterKey::sign_ins_by_account(email),
        limit: Limit::SIGN_INS_PER_ACCOUNT,
    }
}

fn by_address() -> LimitedCounter {
    let key = CounterKey::sign_ins_by_ip([192, 0, 2, 1].into());
    LimitedCounter { key, limit: Limit::SIGN_INS_PER_IP }
}

async fn begin(store: &dyn UserStore, counts: &[LimitedCounter]) -> Admission {
    store.begin_attempt(counts, NOW).await.expect("an answer")
}

async fn settle(store: &dyn UserStore, counts: &[LimitedCounter], how: Settlement) -> bool {
    let counts: Vec<_> = counts.iter().map(|count| (*count, how)).collect();
    store.settle_attempt(&counts, None, NOW, NOW).await.expect("an answer")
}

/// Fails so many times; answers whether the last began a wait.
async fn fail(store: &dyn UserStore, counts: &[LimitedCounter], times: usize) -> bool {
    let mut waits = false;
    for _ in 0..times {
        assert_eq!(begin(store, counts).await, Admission::Admitted);
        waits = settle(store, counts, Settlement::Counted).await;
    }
    waits
}

pub async fn attempts_are_counted_by_all_servers_together(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let ada = [by_account("ada@example.com")];
    assert!(!fail(&*here, &ada, 5).await);
    assert!(fail(&*there, &ada, 5).await);
    let refused = Admission::Rejected(60 * SECOND);
    assert_eq!(begin(&*here, &ada).await, refused);
    assert_eq!(begin(&*there, &ada).await, refused);
    assert_eq!(begin(&*here, &[by_account("grace@example.com")]).await, Admission::Admitted);
}

pub async fn of_forty_attempts_at_once_no_more_begin_than_may_fail(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let ada = [by_account("ada@example.com"), by_address()];
    let begun = join_all((0..40).map(|n| {
        let store = if n % 2 == 0 { &here } else { &there };
        store.begin_attempt(&ada, NOW)
    }))
    .await;
    let count =
        |wanted| begun.iter().filter(|one| *one.as_ref().expect("an answer") == wanted).count();
    assert_eq!((count(Admission::Admitted), count(Admission::Busy)), (10, 30));
    let counted = [(ada[0], Settlement::Counted), (ada[1], Settlement::Counted)];
    let ended = join_all((0..10).map(|n| {
        let store = if n % 2 == 0 { &here } else { &there };
        store.settle_attempt(&counted, None, NOW, NOW)
    }))
    .await;
    let waits = ended.into_iter().filter(|waits| *waits.as_ref().expect("an answer")).count();
    assert_eq!(waits, 1);
    assert_eq!(begin(&*here, &ada).await, Admission::Rejected(60 * SECOND));
    // Of the address's thirty, ten are used up and none is held.
    let grace = [by_account("grace@example.com"), by_address()];
    assert!(fail(&*there, &grace, 10).await);
    assert!(fail(&*there, &[by_account("edsger@example.com"), by_address()], 10).await);
    let refused = begin(&*here, &[by_account("barbara@example.com"), by_address()]).await;
    assert_eq!(refused, Admission::Rejected(15 * 60 * SECOND));
}

pub async fn an_attempt_that_one_counter_refuses_changes_none(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let ada = [by_account("ada@example.com"), by_address()];
    fail(&*store, &ada, 10).await;
    for _ in 0..30 {
        assert_eq!(begin(&*store, &ada).await, Admission::Rejected(60 * SECOND));
    }
    assert!(fail(&*store, &[by_address()], 20).await, "the thirtieth in all is the last");
    assert_eq!(begin(&*store, &[by_address()]).await, Admission::Rejected(15 * 60 * SECOND));
}

pub async fn what_was_given_back_does_not_count_and_a_success_clears(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let ada = [by_account("ada@example.com")];
    for how in [Settlement::Refunded, Settlement::Reset] {
        fail(&*store, &ada, 9).await;
        assert_eq!(begin(&*store, &ada).await, Admission::Admitted);
        assert!(!settle(&*store, &ada, how).await);
        // What was given back leaves one, what was reset ten.
        let left = if how == Settlement::Reset { 10 } else { 1 };
        assert!(fail(&*store, &ada, left).await);
        assert_eq!(begin(&*store, &ada).await, Admission::Rejected(60 * SECOND));
        let later = NOW + 60 * SECOND;
        let admission = store.begin_attempt(&ada, later).await.expect("an answer");
        assert_eq!(admission, Admission::Admitted);
        let reset = [(ada[0], Settlement::Reset)];
        assert!(!store.settle_attempt(&reset, None, later, later).await.expect("an answer"));
    }
}

pub async fn counts_survive_a_restart(fresh: &dyn Deployment) {
    let ada = [by_account("ada@example.com")];
    fail(&*fresh.connect().await, &ada, 10).await;
    assert_eq!(begin(&*fresh.connect().await, &ada).await, Admission::Rejected(60 * SECOND));
}

pub async fn counters_that_say_nothing_any_more_are_removed(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    fail(&*store, &[by_account("ada@example.com"), by_address()], 1).await;
    let removed = async |at: Timestamp, limit| {
        store.purge_expired(at, limit).await.expect("an answer").counters
    };
    assert_eq!(removed(NOW + 15 * 60 * SECOND, 10).await, 0);
    let end = NOW + 30 * 60 * SECOND;
    assert_eq!((removed(end, 1).await, removed(end, 1).await, removed(end, 1).await), (1, 1, 0));
}

pub async fn attempts_that_are_entered_in_another_order_than_they_began_are_all_settled(
    fresh: &dyn Deployment,
) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let ada = [by_account("ada@example.com")];
    let given_back = [(ada[0], Settlement::Refunded)];
    for _ in 0..20 {
        for (store, began) in [(&here, NOW + SECOND), (&there, NOW)] {
            let admission = store.begin_attempt(&ada, began).await.expect("an answer");
            assert_eq!(admission, Admission::Admitted);
        }
        for (store, began) in [(&here, NOW + SECOND), (&there, NOW)] {
            let settled = store.settle_attempt(&given_back, None, began, NOW).await;
            assert!(!settled.expect("an answer"));
        }
    }
}

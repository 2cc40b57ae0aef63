use auth_core::{Admission, CounterKey, Limit, Timestamp};
use futures_util::future::join_all;

use super::{Deployment, NOW, SECOND};
use crate::{LimitedCounter, SettleOutcome, SettledAttempt, Settlement, Store};

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

fn settled(
    counts: &[LimitedCounter],
    how: Settlement,
    began_at: Timestamp,
    settled_at: Timestamp,
) -> SettledAttempt {
    let counters = counts.iter().map(|count| (*count, how)).collect();
    SettledAttempt { counters, began_at, settled_at, failure: None }
}

async fn begin(store: &dyn Store, counts: &[LimitedCounter]) -> Admission {
    store.begin_attempt(counts, NOW).await.expect("an answer")
}

async fn settle(store: &dyn Store, counts: &[LimitedCounter], how: Settlement) -> SettleOutcome {
    store.settle_attempt(&settled(counts, how, NOW, NOW)).await.expect("an answer")
}

/// Fails so many times; answers whether the last began a wait.
async fn fail(store: &dyn Store, counts: &[LimitedCounter], times: usize) -> SettleOutcome {
    let mut waits = SettleOutcome::Settled;
    for _ in 0..times {
        assert_eq!(begin(store, counts).await, Admission::Admitted);
        waits = settle(store, counts, Settlement::Counted).await;
    }
    waits
}

pub async fn attempts_are_counted_by_all_servers_together(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let ada = [by_account("ada@example.com")];
    assert_eq!(fail(&*here, &ada, 5).await, SettleOutcome::Settled);
    assert_eq!(fail(&*there, &ada, 5).await, SettleOutcome::LockedOut);
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
    let counted = settled(&ada, Settlement::Counted, NOW, NOW);
    let ended = join_all((0..10).map(|n| {
        let store = if n % 2 == 0 { &here } else { &there };
        store.settle_attempt(&counted)
    }))
    .await;
    let waits = ended.into_iter().filter(|one| matches!(one, Ok(SettleOutcome::LockedOut))).count();
    assert_eq!(waits, 1);
    assert_eq!(begin(&*here, &ada).await, Admission::Rejected(60 * SECOND));
    // Of the address's thirty, ten are used up and none is held.
    let grace = [by_account("grace@example.com"), by_address()];
    assert_eq!(fail(&*there, &grace, 10).await, SettleOutcome::LockedOut);
    assert_eq!(
        fail(&*there, &[by_account("edsger@example.com"), by_address()], 10).await,
        SettleOutcome::LockedOut
    );
    let refused = begin(&*here, &[by_account("barbara@example.com"), by_address()]).await;
    assert_eq!(refused, Admission::Rejected(15 * 60 * SECOND));
}

pub async fn an_attempt_that_one_counter_refuses_changes_none(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let ada = [by_account("ada@example.com"), by_address()];
    let _ = fail(&*store, &ada, 10).await;
    for _ in 0..30 {
        assert_eq!(begin(&*store, &ada).await, Admission::Rejected(60 * SECOND));
    }
    assert_eq!(
        fail(&*store, &[by_address()], 20).await,
        SettleOutcome::LockedOut,
        "the thirtieth in all is the last"
    );
    assert_eq!(begin(&*store, &[by_address()]).await, Admission::Rejected(15 * 60 * SECOND));
}

pub async fn what_was_given_back_does_not_count_and_a_success_clears(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let ada = [by_account("ada@example.com")];
    for how in [Settlement::Refunded, Settlement::Reset] {
        let _ = fail(&*store, &ada, 9).await;
        assert_eq!(begin(&*store, &ada).await, Admission::Admitted);
        assert_eq!(settle(&*store, &ada, how).await, SettleOutcome::Settled);
        // What was given back leaves one, what was reset ten.
        let left = if how == Settlement::Reset { 10 } else { 1 };
        assert_eq!(fail(&*store, &ada, left).await, SettleOutcome::LockedOut);
        assert_eq!(begin(&*store, &ada).await, Admission::Rejected(60 * SECOND));
        let later = NOW + 60 * SECOND;
        let admission = store.begin_attempt(&ada, later).await.expect("an answer");
        assert_eq!(admission, Admission::Admitted);
        let reset = settled(&ada, Settlement::Reset, later, later);
        let outcome = store.settle_attempt(&reset).await.expect("an answer");
        assert_eq!(outcome, SettleOutcome::Settled);
    }
}

pub async fn counts_survive_a_restart(fresh: &dyn Deployment) {
    let ada = [by_account("ada@example.com")];
    let _ = fail(&*fresh.connect().await, &ada, 10).await;
    assert_eq!(begin(&*fresh.connect().await, &ada).await, Admission::Rejected(60 * SECOND));
}

pub async fn counters_that_say_nothing_any_more_are_removed(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let _ = fail(&*store, &[by_account("ada@example.com"), by_address()], 1).await;
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
    for _ in 0..20 {
        for (store, began) in [(&here, NOW + SECOND), (&there, NOW)] {
            let admission = store.begin_attempt(&ada, began).await.expect("an answer");
            assert_eq!(admission, Admission::Admitted);
        }
        for (store, began) in [(&here, NOW + SECOND), (&there, NOW)] {
            let refunded = settled(&ada, Settlement::Refunded, began, NOW);
            let outcome = store.settle_attempt(&refunded).await.expect("an answer");
            assert_eq!(outcome, SettleOutcome::Settled);
        }
    }
}

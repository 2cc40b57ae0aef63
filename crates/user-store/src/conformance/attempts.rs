use auth_core::{Admission, CounterKey, Limit, Timestamp};
use futures_util::future::join_all;

use crate::attempts::{LimitedCounter, SettleOutcome, SettledAttempt, Settlement};
use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{NOW, SECOND, Server, two_servers};

cases! {
    ($) attempts_cases in attempts;
    attempts_are_counted_across_servers,
    concurrent_attempts_cannot_exceed_the_limit,
    an_attempt_rejected_by_one_counter_changes_no_counter,
    a_refund_does_not_count_and_a_success_clears_the_counter,
    counters_survive_a_restart,
    expired_counters_are_purged,
    attempts_written_out_of_order_are_all_settled,
}

async fn attempts_are_counted_across_servers(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let ada = [by_account("ada@example.com")];
    assert_eq!(fail(&here, &ada, 5).await, SettleOutcome::Settled);
    assert_eq!(fail(&there, &ada, 5).await, SettleOutcome::LockedOut);
    let rejected = Admission::Rejected(60 * SECOND);
    assert_eq!(begin(&here, &ada).await, rejected);
    assert_eq!(begin(&there, &ada).await, rejected);
    assert_eq!(begin(&here, &[by_account("grace@example.com")]).await, Admission::Admitted);
}

async fn concurrent_attempts_cannot_exceed_the_limit(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let ada = [by_account("ada@example.com"), by_ip()];
    let admissions = join_all((0..40).map(|n| {
        let store = if n % 2 == 0 { &here } else { &there };
        store.begin_attempt(&ada, NOW)
    }))
    .await;
    let count =
        |expected| admissions.iter().filter(|one| *one.as_ref().unwrap() == expected).count();
    assert_eq!((count(Admission::Admitted), count(Admission::Busy)), (10, 30));
    let counted = settled(&ada, Settlement::Counted, NOW, NOW);
    let ended = join_all((0..10).map(|n| {
        let store = if n % 2 == 0 { &here } else { &there };
        store.settle_attempt(&counted)
    }))
    .await;
    let lockouts = ended.iter().filter(|one| matches!(one, Ok(SettleOutcome::LockedOut)));
    assert_eq!(lockouts.count(), 1);
    assert_eq!(begin(&here, &ada).await, Admission::Rejected(60 * SECOND));
    // Ten of the thirty attempts of the IP address are used, and none is pending.
    let grace = [by_account("grace@example.com"), by_ip()];
    assert_eq!(fail(&there, &grace, 10).await, SettleOutcome::LockedOut);
    assert_eq!(
        fail(&there, &[by_account("edsger@example.com"), by_ip()], 10).await,
        SettleOutcome::LockedOut
    );
    let rejected = begin(&here, &[by_account("barbara@example.com"), by_ip()]).await;
    assert_eq!(rejected, Admission::Rejected(15 * 60 * SECOND));
}

async fn an_attempt_rejected_by_one_counter_changes_no_counter(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = [by_account("ada@example.com"), by_ip()];
    let _ = fail(&store, &ada, 10).await;
    for _ in 0..30 {
        assert_eq!(begin(&store, &ada).await, Admission::Rejected(60 * SECOND));
    }
    assert_eq!(
        fail(&store, &[by_ip()], 20).await,
        SettleOutcome::LockedOut,
        "the thirtieth failure of the IP address"
    );
    assert_eq!(begin(&store, &[by_ip()]).await, Admission::Rejected(15 * 60 * SECOND));
}

async fn a_refund_does_not_count_and_a_success_clears_the_counter(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = [by_account("ada@example.com")];
    for settlement in [Settlement::Refunded, Settlement::Reset] {
        let _ = fail(&store, &ada, 9).await;
        assert_eq!(begin(&store, &ada).await, Admission::Admitted);
        assert_eq!(settle(&store, &ada, settlement).await, SettleOutcome::Settled);
        // After a refund, one attempt is left. After a reset, ten are left.
        let remaining = if settlement == Settlement::Reset { 10 } else { 1 };
        assert_eq!(fail(&store, &ada, remaining).await, SettleOutcome::LockedOut);
        assert_eq!(begin(&store, &ada).await, Admission::Rejected(60 * SECOND));
        let later = NOW + 60 * SECOND;
        let admission = store.begin_attempt(&ada, later).await.unwrap();
        assert_eq!(admission, Admission::Admitted);
        let reset = settled(&ada, Settlement::Reset, later, later);
        let outcome = store.settle_attempt(&reset).await.unwrap();
        assert_eq!(outcome, SettleOutcome::Settled);
    }
}

async fn counters_survive_a_restart(deployment: &dyn Deployment) {
    let ada = [by_account("ada@example.com")];
    let _ = fail(&deployment.connect().await, &ada, 10).await;
    assert_eq!(begin(&deployment.connect().await, &ada).await, Admission::Rejected(60 * SECOND));
}

async fn expired_counters_are_purged(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let _ = fail(&store, &[by_account("ada@example.com"), by_ip()], 1).await;
    let purged =
        async |at: Timestamp, limit| store.purge_expired(at, limit).await.unwrap().counters;
    assert_eq!(purged(NOW + 15 * 60 * SECOND, 10).await, 0);
    let end = NOW + 30 * 60 * SECOND;
    assert_eq!((purged(end, 1).await, purged(end, 1).await, purged(end, 1).await), (1, 1, 0));
}

async fn attempts_written_out_of_order_are_all_settled(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let ada = [by_account("ada@example.com")];
    for _ in 0..20 {
        for (store, began) in [(&here, NOW + SECOND), (&there, NOW)] {
            let admission = store.begin_attempt(&ada, began).await.unwrap();
            assert_eq!(admission, Admission::Admitted);
        }
        for (store, began) in [(&here, NOW + SECOND), (&there, NOW)] {
            let refunded = settled(&ada, Settlement::Refunded, began, NOW);
            let outcome = store.settle_attempt(&refunded).await.unwrap();
            assert_eq!(outcome, SettleOutcome::Settled);
        }
    }
}

fn by_account(email: &str) -> LimitedCounter {
    let key = CounterKey::sign_ins_by_account(email);
    LimitedCounter { key, limit: Limit::SIGN_INS_PER_ACCOUNT }
}

fn by_ip() -> LimitedCounter {
    let key = CounterKey::sign_ins_by_ip([192, 0, 2, 1].into());
    LimitedCounter { key, limit: Limit::SIGN_INS_PER_IP }
}

async fn begin(store: &Server, counters: &[LimitedCounter]) -> Admission {
    store.begin_attempt(counters, NOW).await.unwrap()
}

/// Builds an attempt with the same settlement on all its counters.
fn settled(
    counters: &[LimitedCounter],
    settlement: Settlement,
    began_at: Timestamp,
    settled_at: Timestamp,
) -> SettledAttempt {
    let counters = counters.iter().map(|counter| (*counter, settlement)).collect();
    SettledAttempt { counters, began_at, settled_at, failure: None }
}

async fn settle(
    store: &Server,
    counters: &[LimitedCounter],
    settlement: Settlement,
) -> SettleOutcome {
    store.settle_attempt(&settled(counters, settlement, NOW, NOW)).await.unwrap()
}

/// Makes this many attempts, all of which fail. Returns the outcome of the last one.
async fn fail(store: &Server, counters: &[LimitedCounter], times: usize) -> SettleOutcome {
    let mut outcome = SettleOutcome::Settled;
    for _ in 0..times {
        assert_eq!(begin(store, counters).await, Admission::Admitted);
        outcome = settle(store, counters, Settlement::Counted).await;
    }
    outcome
}

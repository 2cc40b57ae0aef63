use auth_core::{Admission, CounterKey, Limit, Timestamp};
use user_store::{
    AttemptStore as _, LimitedCounter, PostgresStore, SettleOutcome, SettledAttempt, Settlement,
};

use crate::postgres::{new_database, open};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn counters() -> [LimitedCounter; 3] {
    ["ada@example.com", "grace@example.com", "edsger@example.com"].map(|email| {
        let key = CounterKey::sign_ins_by_account(email);
        LimitedCounter { key, limit: Limit::SIGN_INS_PER_ACCOUNT }
    })
}

async fn attempt(store: &PostgresStore, counters: &[LimitedCounter], settlement: Settlement) {
    let begun = store.begin_attempt(counters, NOW).await.unwrap();
    assert_eq!(begun, Admission::Admitted);
    let counters = counters.iter().map(|counter| (*counter, settlement)).collect();
    let settled = SettledAttempt { counters, began_at: NOW, settled_at: NOW, failure: None };
    assert_eq!(store.settle_attempt(&settled).await.unwrap(), SettleOutcome::Settled);
}

/// The rows are inserted and deleted continuously, because a counter without attempts has none.
#[tokio::test(flavor = "multi_thread")]
async fn attempts_that_begin_while_a_counter_is_deleted_are_counted() {
    let database = new_database();
    let stores = [open(&database.url()).await, open(&database.url()).await];
    let tasks = (0..4).map(|task| {
        let store = stores[task % 2].clone();
        let mut counters = counters();
        if task >= 2 {
            counters.reverse();
        }
        tokio::spawn(async move {
            for round in 0..20 {
                let counters = &counters[round % 3..];
                attempt(&store, counters, Settlement::Refunded).await;
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(database.sql("SELECT count(*) FROM counters"), "0");
    for store in &stores {
        attempt(store, &counters(), Settlement::Counted).await;
    }
    let states = database.sql("SELECT count(*), count(DISTINCT state) FROM counters");
    assert_eq!(states, "3|1");
}

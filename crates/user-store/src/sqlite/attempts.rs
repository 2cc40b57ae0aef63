use async_trait::async_trait;
use auth_core::{Admission, Timestamp};
use rusqlite::Connection;

use crate::attempts::{AttemptStore, LimitedCounter, SettleOutcome, SettledAttempt};
use crate::error::StoreError;
use crate::rules;
use crate::rules::attempts::CounterState;
use crate::sqlite::statements::{attempts, audit, users};
use crate::sqlite::store::SqliteStore;

#[async_trait]
impl AttemptStore for SqliteStore {
    async fn begin_attempt(
        &self,
        counters: &[LimitedCounter],
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        // Judge the attempt in a read first, so that rejected attempts do not hold up writers.
        let limited = counters.to_vec();
        let admission = self.database.read(move |connection| {
            Ok(rules::attempts::judge(&mut find_all(connection, &limited)?, now))
        });
        let admission = admission.await?;
        if admission != Admission::Admitted {
            return Ok(admission);
        }
        let limited = counters.to_vec();
        self.database
            .write(move |tx| {
                let mut counters = find_all(tx, &limited)?;
                let admission = rules::attempts::begin(&mut counters, now);
                if admission == Admission::Admitted {
                    for counter in &counters {
                        attempts::save(tx, counter)?;
                    }
                }
                Ok(admission)
            })
            .await
    }

    async fn settle_attempt(&self, attempt: &SettledAttempt) -> Result<SettleOutcome, StoreError> {
        let attempt = attempt.clone();
        self.database
            .write(move |tx| {
                let mut outcome = SettleOutcome::Settled;
                for (limited, settlement) in &attempt.counters {
                    let mut counter = attempts::find(tx, *limited)?;
                    outcome =
                        outcome.max(rules::attempts::settle(&mut counter, *settlement, &attempt));
                    attempts::save(tx, &counter)?;
                }
                if let Some(failure) = &attempt.failure {
                    let user = rules::attempts::user_to_look_up(failure);
                    let found = users::account_state(tx, user)?.map(|account| account.id);
                    for event in rules::attempts::failure_events(failure, outcome, found) {
                        audit::insert(tx, &event)?;
                    }
                }
                Ok(outcome)
            })
            .await
    }

    async fn purge_counters(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        self.database.write(move |tx| attempts::delete_expired(tx, now, limit)).await
    }
}

fn find_all(
    connection: &Connection,
    limited: &[LimitedCounter],
) -> rusqlite::Result<Vec<CounterState>> {
    limited.iter().map(|limited| attempts::find(connection, *limited)).collect()
}

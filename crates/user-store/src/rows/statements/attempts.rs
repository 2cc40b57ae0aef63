use auth_core::{Counter, CounterKey, Timestamp};

use crate::attempts::LimitedCounter;
use crate::rows::{Result, Tx};
use crate::rules::attempts::CounterState;

pub(in crate::rows) fn find_all(
    tx: Tx<'_>,
    limited: &[LimitedCounter],
) -> Result<Vec<CounterState>> {
    let state = |limited: &LimitedCounter| {
        let counter = tx.counter(&limited.key)?.unwrap_or_default();
        Ok(CounterState { limited: *limited, counter })
    };
    limited.iter().map(state).collect()
}

/// Saves counters, and deletes those that have no attempts.
pub(in crate::rows) fn save_all(tx: Tx<'_>, states: &[CounterState]) -> Result<()> {
    for CounterState { limited: LimitedCounter { key, limit }, counter } in states {
        if *counter == Counter::default() {
            tx.delete_counter(key)?;
        } else {
            tx.save_counter(key, counter, counter.ends(limit))?;
        }
    }
    Ok(())
}

pub(in crate::rows) fn of_account(tx: Tx<'_>, email: &str) -> Result<Vec<(CounterKey, Counter)>> {
    tx.counters(CounterKey::range_of_account(email))
}

pub(in crate::rows) fn delete_of_account(tx: Tx<'_>, email: &str) -> Result<()> {
    for (key, _) in of_account(tx, email)? {
        tx.delete_counter(&key)?;
    }
    Ok(())
}

pub(in crate::rows) fn delete_expired(tx: Tx<'_>, now: Timestamp, limit: u32) -> Result<usize> {
    tx.delete_expired_counters(now, limit)
}

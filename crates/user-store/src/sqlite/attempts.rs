//! Attempts and the counters that they fall under, in one transaction each.

use auth_core::{Admission, Timestamp};
use rusqlite::Transaction;

use super::queries::{counters, events};
use crate::{Count, Event, EventKind, Settlement};

/// Begins an attempt if every counter lets it through.
pub(super) fn begin(
    tx: &Transaction<'_>,
    counts: &[Count],
    now: Timestamp,
) -> rusqlite::Result<Admission> {
    let mut admission = Admission::Admitted;
    let mut found = Vec::with_capacity(counts.len());
    for count in counts {
        let mut counter = counters::find(tx, &count.key)?;
        admission = admission.max(counter.judge(&count.limit, now));
        found.push((count, counter));
    }
    if admission == Admission::Admitted {
        for (count, mut counter) in found {
            counter.begin(now);
            counters::keep(tx, count, &counter)?;
        }
    }
    Ok(admission)
}

/// Ends an attempt; answers whether the next has to wait for it.
pub(super) fn settle(
    tx: &Transaction<'_>,
    counts: &[(Count, Settlement)],
    event: Option<&Event>,
    began: Timestamp,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let mut waits = false;
    for (count, settlement) in counts {
        let mut counter = counters::find(tx, &count.key)?;
        match settlement {
            Settlement::Counted => waits |= counter.count(&count.limit, began, now),
            Settlement::GivenBack => counter.give_back(began),
            Settlement::Reset => counter.reset(began),
        }
        counters::keep(tx, count, &counter)?;
    }
    if let Some(event) = event {
        events::insert(tx, event)?;
        if waits {
            events::insert(tx, &Event { kind: EventKind::SignInsThrottled, ..event.clone() })?;
        }
    }
    Ok(waits)
}

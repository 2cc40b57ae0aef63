//! Attempts and the counters that they fall under, in one transaction each.

use auth_core::{Admission, ClientInfo, Timestamp, UserId};
use rusqlite::{Connection, Transaction};

use super::queries::{counters, events, users};
use crate::{Event, EventKind, LimitedCounter, SettleOutcome, SettledAttempt, Settlement};

/// Whether every counter lets an attempt through.
pub(super) fn judge(
    connection: &Connection,
    counts: &[LimitedCounter],
    now: Timestamp,
) -> rusqlite::Result<Admission> {
    let mut admission = Admission::Admitted;
    for count in counts {
        let mut counter = counters::find(connection, &count.key)?;
        admission = admission.max(counter.judge(&count.limit, now));
    }
    Ok(admission)
}

/// Begins an attempt if every counter lets it through.
pub(super) fn begin(
    tx: &Transaction<'_>,
    counts: &[LimitedCounter],
    now: Timestamp,
) -> rusqlite::Result<Admission> {
    let admission = judge(tx, counts, now)?;
    if admission == Admission::Admitted {
        for count in counts {
            let mut counter = counters::find(tx, &count.key)?;
            counter.begin(now);
            counters::keep(tx, count, &counter)?;
        }
    }
    Ok(admission)
}

/// Settles an attempt.
pub(super) fn settle(
    tx: &Transaction<'_>,
    attempt: &SettledAttempt,
) -> rusqlite::Result<SettleOutcome> {
    let (began, now) = (attempt.began_at, attempt.settled_at);
    let mut outcome = SettleOutcome::Settled;
    for (count, settlement) in &attempt.counters {
        let mut counter = counters::find(tx, &count.key)?;
        match settlement {
            Settlement::Counted => {
                if counter.count(&count.limit, began, now) {
                    outcome = SettleOutcome::LockedOut;
                }
            }
            Settlement::Refunded => counter.refund(began),
            Settlement::Reset => counter.reset(&count.limit, began, now),
        }
        counters::keep(tx, count, &counter)?;
    }
    if let Some(event) = &attempt.failure {
        let event = of_who_is_there(tx, event)?;
        events::insert(tx, &event)?;
        if outcome == SettleOutcome::LockedOut {
            events::insert(tx, &Event { kind: EventKind::SignInsThrottled, ..event })?;
        }
    }
    Ok(outcome)
}

/// An account may have been deleted meanwhile: then nothing of its user is kept. Without a user
/// it is looked all the same, so that the time does not tell whether there is one.
fn of_who_is_there(tx: &Transaction<'_>, event: &Event) -> rusqlite::Result<Event> {
    let nobody = UserId::from_uuid_bytes([0; 16]);
    let is_there = users::is_there(tx, event.user.unwrap_or(nobody))?;
    Ok(match event.user {
        Some(_) if !is_there => {
            Event { user: None, session: None, client: ClientInfo::default(), ..event.clone() }
        }
        _ => event.clone(),
    })
}

use async_trait::async_trait;
use auth_core::{Admission, Timestamp, UserId};

use super::statements::{attempts, audit, factors, users};
use super::{BackendStore, Result, Tx};
use crate::attempts::{
    AttemptStore, LimitedCounter, Lockouts, SettleOutcome, SettledAttempt, UnlockOutcome,
};
use crate::error::StoreError;
use crate::rules::{self, Decision};

#[async_trait]
impl AttemptStore for BackendStore {
    async fn begin_attempt(
        &self,
        counters: &[LimitedCounter],
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        // Judge the attempt in a read first, so that rejected attempts do not hold up writers.
        let limited = counters.to_vec();
        let admission = self.database.read(move |tx| {
            Ok(rules::attempts::judge(&mut attempts::find_all(tx, &limited)?, now))
        });
        let admission = admission.await?;
        if admission != Admission::Admitted {
            return Ok(admission);
        }
        let limited = counters.to_vec();
        self.database
            .write(move |tx| {
                let mut counters = attempts::find_all(tx, &limited)?;
                let admission = rules::attempts::begin(&mut counters, now);
                if admission == Admission::Admitted {
                    attempts::save_all(tx, &counters)?;
                }
                Ok(admission)
            })
            .await
    }

    async fn settle_attempt(&self, attempt: &SettledAttempt) -> Result<SettleOutcome, StoreError> {
        let attempt = attempt.clone();
        self.database
            .write(move |tx| {
                let limited: Vec<_> =
                    attempt.counters.iter().map(|(limited, _)| *limited).collect();
                let mut counters = attempts::find_all(tx, &limited)?;
                let outcome = rules::attempts::settle_all(&mut counters, &attempt);
                attempts::save_all(tx, &counters)?;
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

    async fn unlock_user(&self, user: UserId, now: Timestamp) -> Result<UnlockOutcome, StoreError> {
        self.database
            .write(move |tx| {
                let Some(email) = users::email_key(tx, user)? else {
                    return Ok(UnlockOutcome::NotFound);
                };
                let counters = attempts::of_account(tx, &email)?;
                let failures = factors::failures(tx, user)?;
                let event = match rules::attempts::unlock_user(user, &counters, &failures, now) {
                    Decision::Write(event) => event,
                    Decision::Return(outcome) => return Ok(outcome),
                };
                attempts::delete_of_account(tx, &email)?;
                factors::delete_failures(tx, user)?;
                audit::insert(tx, &event)?;
                let lockouts = rules::attempts::lockouts(&email, &counters, &failures, now);
                Ok(UnlockOutcome::Unlocked(lockouts))
            })
            .await
    }

    async fn lockouts(&self, user: UserId, now: Timestamp) -> Result<Option<Lockouts>, StoreError> {
        self.database
            .read(move |tx| {
                let Some(email) = users::email_key(tx, user)? else { return Ok(None) };
                let counters = attempts::of_account(tx, &email)?;
                let failures = factors::failures(tx, user)?;
                Ok(Some(rules::attempts::lockouts(&email, &counters, &failures, now)))
            })
            .await
    }

    async fn purge_counters(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        self.database.write(move |tx| attempts::delete_expired(tx, now, limit)).await
    }
}

/// Deletes the counters of failed sign-ins to an account.
pub(super) fn delete_counters(tx: Tx<'_>, user: UserId) -> Result<()> {
    match users::email_key(tx, user)? {
        Some(email) => attempts::delete_of_account(tx, &email),
        None => Ok(()),
    }
}

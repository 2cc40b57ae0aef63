use async_trait::async_trait;
use auth_core::{Admission, Timestamp, UserId};

use crate::attempts::{
    AttemptStore, LimitedCounter, Lockouts, SettleOutcome, SettledAttempt, UnlockOutcome,
};
use crate::error::StoreError;
use crate::postgres::database::{Database, Plan, WriteError};
use crate::postgres::database_error::{DatabaseError, ErrorKind};
use crate::postgres::query::Reply;
use crate::postgres::statements::{attempts, audit, factors};
use crate::postgres::store::PostgresStore;
use crate::rules::{self, Decision};

#[async_trait]
impl AttemptStore for PostgresStore {
    async fn begin_attempt(
        &self,
        counters: &[LimitedCounter],
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        // Judge the attempt in a read first, so that rejected attempts do not lock the counters.
        let database = self.database.one_call();
        let reply = database.read(vec![attempts::find(counters)]).await?;
        let mut found = attempts::read_states(counters, reply.rows(0))?;
        let admission = rules::attempts::judge(&mut found, now);
        if admission != Admission::Admitted {
            return Ok(admission);
        }
        let reads = vec![attempts::insert_missing(counters)?, attempts::lock(counters)];
        let limited = counters.to_vec();
        let decide = move |reply: &Reply| {
            let mut counters = attempts::read_locked(&limited, reply.rows(1))?;
            let outcome = rules::attempts::begin(&mut counters, now);
            if outcome != Admission::Admitted {
                return Ok(Plan::unchanged(outcome));
            }
            Ok(Plan { writes: attempts::save(&counters)?, outcome })
        };
        Ok(database.write(reads, decide).await?)
    }

    async fn settle_attempt(&self, attempt: &SettledAttempt) -> Result<SettleOutcome, StoreError> {
        let attempt = attempt.clone();
        let limited: Vec<_> = attempt.counters.iter().map(|(limited, _)| *limited).collect();
        let mut reads = vec![attempts::insert_missing(&limited)?, attempts::lock(&limited)];
        let user = attempt.failure.as_ref().map(rules::attempts::user_to_look_up);
        reads.extend(user.map(audit::lock_user));
        let decide = move |reply: &Reply| {
            let mut counters = attempts::read_locked(&limited, reply.rows(1))?;
            let outcome = rules::attempts::settle_all(&mut counters, &attempt);
            let mut writes = attempts::save(&counters)?;
            if let Some(failure) = &attempt.failure {
                let found = audit::read_user(reply.first(2))?;
                let events = rules::attempts::failure_events(failure, outcome, found);
                writes.extend(events.iter().map(audit::insert));
            }
            Ok(Plan { writes, outcome })
        };
        Ok(self.database.write(reads, decide).await?)
    }

    async fn unlock_user(&self, user: UserId, now: Timestamp) -> Result<UnlockOutcome, StoreError> {
        let database = self.database.one_call();
        let change = |email: String| {
            let reads = vec![
                attempts::lock_of_account(&email),
                attempts::lock_email_key(user),
                factors::failures(user),
            ];
            let decide = move |reply: &Reply| {
                match attempts::read_email_key(reply.first(1))? {
                    None => return Ok(Plan::unchanged(UnlockOutcome::NotFound)),
                    // The locked counters are those of `email`.
                    Some(current) if current != email => return Err(email_changed()),
                    Some(_) => {}
                }
                let counters = attempts::read_all(reply.rows(0))?;
                let failures = factors::read_failures(reply.first(2))?;
                match rules::attempts::unlock_user(user, &counters, &failures, now) {
                    Decision::Write(event) => {
                        let keys = counters.iter().map(|(key, _)| key);
                        let writes = vec![
                            attempts::delete(keys),
                            factors::delete_failures(user),
                            audit::insert(&event),
                        ];
                        let lockouts = rules::attempts::lockouts(&email, &counters, &failures, now);
                        Ok(Plan { writes, outcome: UnlockOutcome::Unlocked(lockouts) })
                    }
                    Decision::Return(outcome) => Ok(Plan::unchanged(outcome)),
                }
            };
            database.write(reads, decide)
        };
        change_with_counters(&database, user, UnlockOutcome::NotFound, change).await
    }

    async fn lockouts(&self, user: UserId, now: Timestamp) -> Result<Option<Lockouts>, StoreError> {
        let database = self.database.one_call();
        let Some(email) = email_key(&database, user).await? else { return Ok(None) };
        let reads = vec![attempts::of_account(&email), factors::failures(user)];
        let reply = database.read(reads).await?;
        let counters = attempts::read_all(reply.rows(0))?;
        let failures = factors::read_failures(reply.first(1))?;
        Ok(Some(rules::attempts::lockouts(&email, &counters, &failures, now)))
    }

    async fn purge_counters(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let decide = |reply: &Reply| {
            let expired = attempts::read_keys(reply.rows(0))?;
            let outcome = expired.len();
            let writes =
                if expired.is_empty() { vec![] } else { vec![attempts::delete(expired.iter())] };
            Ok(Plan { writes, outcome })
        };
        Ok(self.database.write(vec![attempts::lock_expired(now, limit)], decide).await?)
    }
}

/// Runs a change that locks the counters of an account, which belong to its email address. `change`
/// gets the normalised email address, and fails with [`email_changed`] if that of the locked
/// account is another one. Then it runs again. Returns `missing` if there is no such account.
pub(super) async fn change_with_counters<T, F>(
    database: &Database,
    user: UserId,
    missing: T,
    change: impl Fn(String) -> F + Sync,
) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, WriteError>> + Send,
{
    loop {
        let Some(email) = email_key(database, user).await? else { return Ok(missing) };
        match change(email).await {
            Err(WriteError::Unchanged(error)) if error.kind == ErrorKind::Stale => {}
            changed => return Ok(changed?),
        }
    }
}

/// Returns the error for an account whose email address was changed after it had been read.
pub(super) fn email_changed() -> DatabaseError {
    let message = "the email address of the account was changed at the same time";
    DatabaseError::new(ErrorKind::Stale, message)
}

/// Returns the normalised email address of an account, to which its counters belong.
async fn email_key(database: &Database, user: UserId) -> Result<Option<String>, StoreError> {
    let reply = database.read(vec![attempts::email_key(user)]).await?;
    Ok(attempts::read_email_key(reply.first(0))?)
}

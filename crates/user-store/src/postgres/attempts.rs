use async_trait::async_trait;
use auth_core::{Admission, Timestamp, UserId};

use crate::attempts::{
    AttemptStore, LimitedCounter, Lockouts, SettleOutcome, SettledAttempt, UnlockOutcome,
};
use crate::error::StoreError;
use crate::postgres::database::{Database, Plan};
use crate::postgres::query::Reply;
use crate::postgres::statements::{attempts, audit};
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
        let Some(email) = email_key(&database, user).await? else {
            return Ok(UnlockOutcome::NotFound);
        };
        // The email address of an account does not change.
        let reads = vec![attempts::lock_of_account(&email), attempts::lock_email_key(user)];
        let decide = move |reply: &Reply| {
            if reply.first(1).is_none() {
                return Ok(Plan::unchanged(UnlockOutcome::NotFound));
            }
            let counters = attempts::read_all(reply.rows(0))?;
            match rules::attempts::unlock_user(user, &counters, now) {
                Decision::Write(event) => {
                    let keys = counters.iter().map(|(key, _)| key);
                    let writes = vec![attempts::delete(keys), audit::insert(&event)];
                    let lockouts = rules::attempts::lockouts(&email, &counters, now);
                    Ok(Plan { writes, outcome: UnlockOutcome::Unlocked(lockouts) })
                }
                Decision::Return(outcome) => Ok(Plan::unchanged(outcome)),
            }
        };
        Ok(database.write(reads, decide).await?)
    }

    async fn lockouts(&self, user: UserId, now: Timestamp) -> Result<Option<Lockouts>, StoreError> {
        let database = self.database.one_call();
        let Some(email) = email_key(&database, user).await? else { return Ok(None) };
        let reply = database.read(vec![attempts::of_account(&email)]).await?;
        let counters = attempts::read_all(reply.rows(0))?;
        Ok(Some(rules::attempts::lockouts(&email, &counters, now)))
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

/// Returns the normalised email address of an account, to which its counters belong.
pub(super) async fn email_key(
    database: &Database,
    user: UserId,
) -> Result<Option<String>, StoreError> {
    let reply = database.read(vec![attempts::email_key(user)]).await?;
    Ok(attempts::read_email_key(reply.first(0))?)
}

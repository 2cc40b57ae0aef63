use std::time::Duration;

use async_trait::async_trait;
use auth_core::{Timestamp, UserId};
use tokio::time::{Instant, sleep};

use crate::audit::{AuditLog, Event, EventId};
use crate::error::StoreError;
use crate::postgres::database::Plan;
use crate::postgres::query::{Query, Reply};
use crate::postgres::rows::Result as RowResult;
use crate::postgres::statements::audit;
use crate::postgres::store::PostgresStore;
use crate::rules;

/// The pause between two checks whether older transactions have ended.
const PAUSE: Duration = Duration::from_millis(10);

#[async_trait]
impl AuditLog for PostgresStore {
    async fn record_event(&self, event: &Event) -> Result<(), StoreError> {
        let event = event.clone();
        let reads = event.user.map(audit::lock_user).into_iter().collect();
        let decide = move |reply: &Reply| {
            let found = audit::read_user(reply.first(0))?;
            let writes = match rules::audit::is_recorded(&event, found) {
                true => vec![audit::insert(&event)],
                false => vec![],
            };
            Ok(Plan { writes, outcome: () })
        };
        Ok(self.database.write(reads, decide).await?)
    }

    async fn activity(&self, user: UserId, limit: u32) -> Result<Vec<Event>, StoreError> {
        let reply = self.database.read(vec![audit::of_user(user, limit)]).await?;
        let events: RowResult<_> = reply.rows(0).iter().map(audit::read).collect();
        Ok(events?)
    }

    /// A transaction that is still running may have an earlier position than the newest events. So
    /// the returned log ends before the oldest transaction that is still running, in any database
    /// of the cluster. This method waits a few seconds for such transactions, so that it returns
    /// all events that were recorded before the call. If they run for longer, later calls return
    /// the rest.
    async fn events(
        &self,
        user: Option<UserId>,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<(EventId, Event)>, StoreError> {
        let database = self.database.one_call();
        // The last check must also end within the time limit of the call.
        let deadline = Instant::now() + database.call_timeout() / 5 * 4;
        let mut newest_at_start = None;
        loop {
            let queries = vec![audit::end(), audit::page(user, after, limit)];
            let reply = database.snapshot(queries).await?;
            let (end, newest) = audit::read_end(reply.first(0))?;
            let newest = *newest_at_start.get_or_insert(newest);
            let rows = reply.rows(1);
            let is_full = u32::try_from(rows.len()).is_ok_and(|rows| rows == limit);
            if newest < end || is_full || Instant::now() > deadline {
                let events: RowResult<_> = rows.iter().map(audit::read_listed).collect();
                return Ok(events?);
            }
            sleep(PAUSE).await;
        }
    }

    async fn purge_events(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let database = self.database.one_call();
        let reply = database.read(vec![audit::newest()]).await?;
        let Some(newest) = audit::read_newest(reply.first(0))? else { return Ok(0) };
        let until = rules::audit::purge_until(newest, now);
        let decide = |reply: &Reply| {
            // The deletion is committed with a statement that does nothing.
            let outcome = audit::read_purged(reply.first(0))?;
            Ok(Plan { writes: vec![Query::new("SELECT")], outcome })
        };
        Ok(database.write(vec![audit::purge(until, limit)], decide).await?)
    }
}

use async_trait::async_trait;
use auth_core::{DecoyKey, Timestamp};

use crate::decoys::{DecoyStore, RecountOutcome};
use crate::error::StoreError;
use crate::postgres::database::Plan;
use crate::postgres::database_error::{DatabaseError, ErrorKind};
use crate::postgres::query::Reply;
use crate::postgres::statements::decoys;
use crate::postgres::store::PostgresStore;
use crate::rules::decoys::{AccountCount, DecoyState, is_recount_due, max_memory};

/// The number of accounts that a count reads with one statement.
const PAGE: u32 = 10_000;

#[async_trait]
impl DecoyStore for PostgresStore {
    async fn ensure_decoy_key(&self, candidate: &DecoyKey) -> Result<DecoyKey, StoreError> {
        let database = self.database.one_call();
        let reply = database.read(vec![decoys::key()]).await?;
        if let Some(key) = reply.first(0).map(decoys::read_key).transpose()?.flatten() {
            return Ok(key);
        }
        let candidate = candidate.clone();
        let decide = move |reply: &Reply| {
            let stored = reply.first(0).map(decoys::read_key).transpose()?.flatten();
            Ok(match stored {
                Some(key) => Plan::unchanged(key),
                None => {
                    Plan { writes: vec![decoys::set_key(&candidate)], outcome: candidate.clone() }
                }
            })
        };
        Ok(database.write(vec![decoys::lock_key()], decide).await?)
    }

    async fn recount_decoys(&self, now: Timestamp) -> Result<RecountOutcome, StoreError> {
        let reply = self.database.read(vec![decoys::state()]).await?;
        let state = read_state(&reply)?;
        if !is_recount_due(state.counted_at, now) {
            return Ok(RecountOutcome::NotDue);
        }
        let count = self.count_hashes().await?;
        let reads = vec![decoys::lock_state(), decoys::classes(), decoys::templates()];
        let decide = move |reply: &Reply| {
            if read_state(reply)? != state {
                return Ok(Plan::unchanged(RecountOutcome::Changed));
            }
            let before = decoys::read(reply.rows(1), reply.rows(2))?;
            let mut after = before.clone();
            after.recount(&count, state.counted_at);
            let mut writes = Vec::new();
            if after != before {
                writes.extend(decoys::replace(&after));
            }
            writes.push(decoys::set_counted_at(now));
            Ok(Plan { writes, outcome: RecountOutcome::Recounted })
        };
        Ok(self.database.write(reads, decide).await?)
    }

    async fn max_hash_memory(&self) -> Result<u64, StoreError> {
        let reply = self.database.read(vec![decoys::classes()]).await?;
        let decoys = decoys::read(reply.rows(0), &[])?;
        Ok(max_memory(decoys.classes.keys()))
    }
}

impl PostgresStore {
    /// Counts the accounts, and their hashes by template. Reads them in pages, because a statement
    /// that reads all of them could exceed the limit on its time.
    async fn count_hashes(&self) -> Result<AccountCount, StoreError> {
        let mut count = AccountCount::default();
        let mut after = None;
        loop {
            let reply = self.database.snapshot(vec![decoys::page_of_hashes(after, PAGE)]).await?;
            let rows = reply.rows(0);
            after = decoys::count_page(rows, &mut count.by_template)?;
            let accounts = u32::try_from(rows.len()).unwrap_or(u32::MAX);
            count.total = count.total.saturating_add(accounts);
            if accounts < PAGE {
                return Ok(count);
            }
        }
    }
}

fn read_state(reply: &Reply) -> Result<DecoyState, DatabaseError> {
    match reply.first(0) {
        Some(row) => decoys::read_state(row),
        None => Err(DatabaseError::new(ErrorKind::Defect, "the table decoy_state has no row")),
    }
}

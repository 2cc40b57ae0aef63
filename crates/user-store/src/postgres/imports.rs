//! Imports of accounts.

use std::collections::HashSet;
use std::sync::Arc;

use auth_core::{PasswordHash, Timestamp};

use crate::error::StoreError;
use crate::metadata::Metadata;
use crate::postgres::database::Plan;
use crate::postgres::database_error::DatabaseError;
use crate::postgres::query::{Query, Reply};
use crate::postgres::statements::{audit, decoys, imports, metadata};
use crate::postgres::store::PostgresStore;
use crate::rules;
use crate::rules::decoys::count_by_template;
use crate::users::{ImportUsersOutcome, StoredUser};

/// The number of accounts in one statement. A statement takes a fraction of a second.
const BATCH: usize = 5_000;

impl PostgresStore {
    /// Imports accounts in one transaction. If another transaction takes an email address or an id
    /// at the same time, the import runs again, and finds that it is taken.
    pub(super) async fn import(
        &self,
        users: Arc<[StoredUser]>,
        now: Timestamp,
    ) -> Result<ImportUsersOutcome, StoreError> {
        let mut reads = vec![decoys::lock_state(), decoys::classes(), decoys::templates()];
        reads.push(imports::total());
        reads.extend(users.chunks(BATCH).map(imports::taken));
        let batches = u32::try_from(users.len().div_ceil(BATCH)).unwrap_or(u32::MAX);
        // Conflicts with other transactions must not use up the time.
        let database = self.database.within_calls(batches.saturating_add(1));
        let decide = move |reply: &Reply| {
            let taken = (0..users.len().div_ceil(BATCH)).map(|batch| reply.rows(4 + batch));
            let existing = read_existing(taken.map(imports::read_taken))?;
            let outcome = rules::users::check_import(&users, &existing);
            if outcome != ImportUsersOutcome::Imported {
                return Ok(Plan::unchanged(outcome));
            }
            let mut writes = insert_all(&users, now);
            writes.extend(adapt_decoys(reply, &users)?);
            Ok(Plan { writes, outcome })
        };
        Ok(database.write(reads, decide).await?)
    }

    /// Returns the outcome that [`import`](Self::import) would have.
    pub(super) async fn check_list(
        &self,
        users: &[StoredUser],
    ) -> Result<ImportUsersOutcome, StoreError> {
        let mut taken = Vec::new();
        for batch in users.chunks(BATCH) {
            let reply = self.database.snapshot(vec![imports::taken(batch)]).await?;
            taken.push(imports::read_taken(reply.rows(0)));
        }
        Ok(rules::users::check_import(users, &read_existing(taken)?))
    }
}

/// Returns the indices of the entries that belong to existing accounts, from the indices in each
/// batch.
fn read_existing(
    batches: impl IntoIterator<Item = Result<Vec<usize>, DatabaseError>>,
) -> Result<HashSet<usize>, DatabaseError> {
    let mut existing = HashSet::new();
    for (number, taken) in batches.into_iter().enumerate() {
        existing.extend(taken?.into_iter().map(|index| number * BATCH + index));
    }
    Ok(existing)
}

/// Inserts accounts and their events. The accounts are inserted in the order of their email
/// addresses, so that concurrent imports of the same ones wait for each other instead of
/// deadlocking. The events are in the order of the list.
fn insert_all(users: &[StoredUser], now: Timestamp) -> Vec<Query> {
    let mut sorted: Vec<_> = users.iter().collect();
    sorted.sort_unstable_by_key(|stored| stored.user.email.key());
    let mut writes: Vec<_> = sorted.chunks(BATCH).map(imports::insert_all).collect();
    sorted.retain(|stored| stored.metadata != Metadata::default());
    writes.extend(sorted.chunks(BATCH).map(metadata::insert_all));
    for batch in users.chunks(BATCH) {
        let events = |stored| rules::users::account_imported(stored, now);
        let events: Vec<_> = batch.iter().flat_map(events).collect();
        writes.push(audit::insert_all(&events));
    }
    writes
}

/// Adapts the decoys to an import.
fn adapt_decoys(reply: &Reply, users: &[StoredUser]) -> Result<Vec<Query>, DatabaseError> {
    let hashes = users.iter().map(|stored| -> &PasswordHash { &stored.password_hash });
    let imported = count_by_template(hashes);
    if imported.is_empty() {
        return Ok(Vec::new());
    }
    let before = reply.first(3).map(imports::read_total).transpose()?.unwrap_or(0);
    let total = before.saturating_add(u32::try_from(users.len()).unwrap_or(u32::MAX));
    let mut decoys = decoys::read(reply.rows(1), reply.rows(2))?;
    decoys.import(&imported, total);
    Ok(decoys::replace(&decoys).into())
}

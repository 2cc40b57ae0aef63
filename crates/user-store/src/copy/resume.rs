//! Decides where a copy begins.

use sha2::{Digest as _, Sha256};

use crate::copy::summary::{Range, summarise};
use crate::copy_end::{CopyEnd, CopyError, DECOY_STATE, Page, TABLES, Table, TableKind, Value};

/// The work that was necessary to complete a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum CopyOutcome {
    /// The target was empty.
    Copied,
    /// The target was an unfinished copy. This call has copied the rest.
    Resumed,
    /// The target was an unfinished copy, and the source has changed since then. This call has
    /// deleted the rows of the unfinished copy and copied everything.
    Restarted,
    /// The target was a complete copy. This call has only compared it with the source.
    Unchanged,
}

/// The rows that are missing in the target.
pub(super) enum Start {
    /// None, if the comparison of all rows succeeds.
    Complete,
    /// The rows after these positions, one of which is given for each table.
    Incomplete(CopyOutcome, Vec<Position>),
}

/// The part of a table that has been copied. Rows are copied in the order of their keys.
#[derive(Debug, Default)]
pub(super) struct Position {
    /// The key of the last row.
    pub(super) key: Option<Value>,
    /// The number of rows.
    pub(super) rows: u64,
}

/// Marks the target as an unfinished copy of the source, unless it is one already. A target with
/// other data is rejected.
pub(super) async fn start(source: &dyn CopyEnd, target: &dyn CopyEnd) -> Result<Start, CopyError> {
    let id = identity(source).await?;
    match target.unfinished_copy().await? {
        Some(found) if found == id => resume(source, target).await,
        Some(_) => Err(CopyError::CopyOfAnother(target.location())),
        None if is_empty(target).await? => {
            target.begin_copy(&id).await?;
            Ok(Start::Incomplete(CopyOutcome::Copied, beginning()))
        }
        None if identity(target).await? == id && is_copy(source, target).await? => {
            Ok(Start::Complete)
        }
        None => Err(CopyError::NotEmpty(target.location())),
    }
}

/// Continues an unfinished copy. If its rows no longer match those of the source, they are deleted.
async fn resume(source: &dyn CopyEnd, target: &dyn CopyEnd) -> Result<Start, CopyError> {
    let mut positions = Vec::new();
    for table in TABLES {
        // A table of one row is copied again.
        if table.kind == TableKind::OneRow {
            positions.push(Position::default());
            continue;
        }
        let copied = summarise(target, table, Range { until: None, progress: &|_| {} }).await?;
        if let Some(last) = &copied.last {
            let until = Some(last);
            let found = summarise(source, table, Range { until, progress: &|_| {} }).await?;
            if found != copied {
                target.clear().await?;
                return Ok(Start::Incomplete(CopyOutcome::Restarted, beginning()));
            }
        }
        positions.push(Position { key: copied.last, rows: copied.rows });
    }
    Ok(Start::Incomplete(CopyOutcome::Resumed, positions))
}

fn beginning() -> Vec<Position> {
    TABLES.iter().map(|_| Position::default()).collect()
}

/// Returns `true` if each table has the same number of rows in both stores. The rows are compared
/// later.
async fn is_copy(source: &dyn CopyEnd, target: &dyn CopyEnd) -> Result<bool, CopyError> {
    for table in TABLES {
        if source.count(table).await? != target.count(table).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn is_empty(store: &dyn CopyEnd) -> Result<bool, CopyError> {
    for table in TABLES {
        if table.kind == TableKind::Rows && store.count(table).await? > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns a value that identifies a store and its copies: the hash of the key of its decoys, which
/// the first server creates and which never changes.
async fn identity(store: &dyn CopyEnd) -> Result<Vec<u8>, CopyError> {
    let mut hasher = Sha256::new();
    hasher.update(b"latchkey store\0");
    let state = TABLES.iter().find(|table| table.name == DECOY_STATE);
    if let Some(table) = state
        && let Some(key) = decoy_key(store, table).await?
    {
        hasher.update(key);
    }
    Ok(hasher.finalize().to_vec())
}

async fn decoy_key(
    store: &dyn CopyEnd,
    table: &'static Table,
) -> Result<Option<Vec<u8>>, CopyError> {
    let rows = store.page(table, Page { after: None, until: None, limit: 1 }).await?;
    let values = rows.into_iter().flatten().zip(table.columns);
    let key = values.filter_map(|(value, column)| match value {
        Value::Bytes(bytes) if *column == "key" => Some(bytes),
        _ => None,
    });
    Ok(key.last())
}

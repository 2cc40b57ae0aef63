//! Copies everything in a store to another store, of the same kind or the other one.
//!
//! The rows are copied as they are stored, not through the storage traits, so rows that Latchkey
//! cannot parse and rows that have expired are copied too.

mod resume;
mod summary;

use std::fmt;
use std::path::PathBuf;

use futures_util::future::try_join;

use crate::copy_end::{CopyEnd, CopyError, PAGE, Page, TABLES};
use crate::postgres::{PostgresConfig, PostgresEnd};
use crate::sqlite::SqliteEnd;

pub use resume::CopyOutcome;
use resume::{Position, Start, start};
pub use summary::TableChecksum;
use summary::{Range, summarise};

/// The kind and the location of a store.
///
/// `Debug` and `Display` do not show the password of a PostgreSQL database.
#[derive(Debug, Clone)]
pub enum StoreLocation {
    /// The path of a SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres(Box<PostgresConfig>),
}

impl fmt::Display for StoreLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(config) => config.fmt(f),
        }
    }
}

/// The progress of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyProgress {
    /// The current phase.
    pub phase: CopyPhase,
    /// The table that the current rows belong to.
    pub table: &'static str,
    /// The number of rows that are done, in all tables. Each phase begins at zero.
    pub rows: u64,
    /// The number of rows in all tables.
    pub total: u64,
}

/// A part of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyPhase {
    /// Rows are written to the target.
    Copy,
    /// Both stores are read and compared.
    Verification,
}

/// A completed copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreCopy {
    /// The work that was necessary to complete the copy.
    pub outcome: CopyOutcome,
    /// The tables, all of which have the same rows in both stores.
    pub tables: Vec<CopiedTable>,
}

/// A table that has the same rows in both stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopiedTable {
    /// The name of the table.
    pub name: &'static str,
    /// The number of rows.
    pub rows: u64,
    /// The checksum of the rows.
    pub checksum: TableChecksum,
}

/// Copies all users, sessions, second factors, passkeys, signing keys, counters, decoys and audit
/// events from one store to another one, and then compares the two by counts and checksums. Users
/// stay signed in.
///
/// No server may use either store meanwhile. A SQLite file is locked, so that no other process can
/// open it. The tables of a PostgreSQL source are locked against changes. The role must own the
/// tables of a PostgreSQL database.
///
/// The source must have the schema of this version, and is not changed. A SQLite file that does not
/// exist is created, and so are the tables in a PostgreSQL database. The target must be empty or an
/// unfinished copy of the same source, which is then completed. Until the copy is complete, servers
/// and commands reject the target.
///
/// # Errors
///
/// Returns a [`CopyError`] if the copy is not complete. Call this function again to complete it.
pub async fn copy_store(
    from: &StoreLocation,
    to: &StoreLocation,
    progress: &(dyn Fn(CopyProgress) + Send + Sync),
) -> Result<StoreCopy, CopyError> {
    reject_same_database(from, to)?;
    let source = open_source(from).await?;
    if source.unfinished_copy().await?.is_some() {
        return Err(CopyError::UnfinishedSource(source.location()));
    }
    let target = open_target(to).await?;
    let copy = Copy { source: &*source, target: &*target, progress };
    copy.run().await
}

/// Rejects a database as its own copy. It would otherwise be reported as locked or in use.
fn reject_same_database(from: &StoreLocation, to: &StoreLocation) -> Result<(), CopyError> {
    let is_same = match (from, to) {
        (StoreLocation::Sqlite(from), StoreLocation::Sqlite(to)) => {
            matches!((from.canonicalize(), to.canonicalize()), (Ok(from), Ok(to)) if from == to)
        }
        _ => from.to_string() == to.to_string(),
    };
    if is_same { Err(CopyError::SameDatabase(from.to_string())) } else { Ok(()) }
}

async fn open_source(location: &StoreLocation) -> Result<Box<dyn CopyEnd>, CopyError> {
    Ok(match location {
        StoreLocation::Sqlite(path) => Box::new(SqliteEnd::open_source(path).await?),
        StoreLocation::Postgres(config) => Box::new(PostgresEnd::open_source(config).await?),
    })
}

async fn open_target(location: &StoreLocation) -> Result<Box<dyn CopyEnd>, CopyError> {
    Ok(match location {
        StoreLocation::Sqlite(path) => Box::new(SqliteEnd::open_target(path).await?),
        StoreLocation::Postgres(config) => Box::new(PostgresEnd::open_target(config).await?),
    })
}

/// A copy in progress.
struct Copy<'a> {
    source: &'a dyn CopyEnd,
    target: &'a dyn CopyEnd,
    progress: &'a (dyn Fn(CopyProgress) + Send + Sync),
}

impl Copy<'_> {
    async fn run(&self) -> Result<StoreCopy, CopyError> {
        let outcome = match start(self.source, self.target).await? {
            Start::Complete => CopyOutcome::Unchanged,
            Start::Incomplete(outcome, positions) => {
                self.copy_rows(&positions).await?;
                self.target.set_last_event(self.source.last_event().await?).await?;
                outcome
            }
        };
        let tables = match (self.verify().await, outcome) {
            (Err(CopyError::Different { .. }), CopyOutcome::Unchanged) => {
                return Err(CopyError::NotEmpty(self.target.location()));
            }
            (result, _) => result?,
        };
        if outcome != CopyOutcome::Unchanged {
            self.target.complete_copy().await?;
        }
        Ok(StoreCopy { outcome, tables })
    }

    /// Copies the rows after `positions`, one of which is given for each table.
    async fn copy_rows(&self, positions: &[Position]) -> Result<(), CopyError> {
        let total = total(self.source).await?;
        let mut rows = positions.iter().map(|position| position.rows).sum();
        for (table, position) in TABLES.iter().zip(positions) {
            let next = |after| self.source.page(table, Page { after, until: None, limit: PAGE });
            let mut page = next(position.key.clone()).await?;
            while let Some(last) = page.last() {
                let after = last.first().cloned();
                rows += page.len() as u64;
                let (following, ()) =
                    try_join(next(after), self.target.insert(table, page)).await?;
                (self.progress)(CopyProgress {
                    phase: CopyPhase::Copy,
                    table: table.name,
                    rows,
                    total,
                });
                page = following;
            }
        }
        Ok(())
    }

    /// Compares all rows of both stores.
    async fn verify(&self) -> Result<Vec<CopiedTable>, CopyError> {
        let total = total(self.source).await?;
        let (mut rows, mut tables) = (0, Vec::new());
        for table in TABLES {
            let report = |done| {
                let phase = CopyPhase::Verification;
                (self.progress)(CopyProgress {
                    phase,
                    table: table.name,
                    rows: rows + done,
                    total,
                });
            };
            let (found, copied) = try_join(
                summarise(self.source, table, Range { until: None, progress: &report }),
                summarise(self.target, table, Range { until: None, progress: &|_| {} }),
            )
            .await?;
            if found != copied {
                return Err(CopyError::Different {
                    table: table.name,
                    source_rows: found.rows,
                    target_rows: copied.rows,
                });
            }
            rows += found.rows;
            let (name, checksum) = (table.name, found.checksum);
            tables.push(CopiedTable { name, rows: found.rows, checksum });
        }
        Ok(tables)
    }
}

/// Returns the number of rows in all tables.
async fn total(store: &dyn CopyEnd) -> Result<u64, CopyError> {
    let mut total = 0;
    for table in TABLES {
        total += store.count(table).await?;
    }
    Ok(total)
}

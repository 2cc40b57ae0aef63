use async_trait::async_trait;

use crate::copy_end::error::CopyError;
use crate::copy_end::tables::Table;
use crate::copy_end::value::{Row, Value};

/// The number of rows that are read at a time, and written in one transaction.
pub(crate) const PAGE: u32 = 5_000;

/// One of the two stores of a copy. No other process changes it during the copy.
#[async_trait]
pub(crate) trait CopyEnd: Send + Sync {
    /// Returns the path, or the URL without its password.
    fn location(&self) -> String;

    async fn count(&self, table: &'static Table) -> Result<u64, CopyError>;

    /// Returns rows of a table, in the order of their keys. All stores have the same order. A row
    /// begins with the columns of the table. Only another store of the same kind reads the rest.
    async fn page(&self, table: &'static Table, page: Page) -> Result<Vec<Row>, CopyError>;

    /// Adds rows in one transaction. For a table of one row, replaces that row.
    async fn insert(&self, table: &'static Table, rows: Vec<Row>) -> Result<(), CopyError>;

    /// Returns the identity of the source if this store is an unfinished copy.
    async fn unfinished_copy(&self) -> Result<Option<Vec<u8>>, CopyError>;

    /// Marks this store as an unfinished copy.
    async fn begin_copy(&self, source: &[u8]) -> Result<(), CopyError>;

    /// Deletes all rows of an unfinished copy.
    async fn clear(&self) -> Result<(), CopyError>;

    /// Marks an unfinished copy as complete.
    async fn complete_copy(&self) -> Result<(), CopyError>;

    /// Returns the largest id that an event has ever had. Zero if there was none.
    async fn last_event(&self) -> Result<i64, CopyError>;

    /// Makes the ids of new rows higher than those of existing rows, and the ids of new events also
    /// higher than `last_event`. New events come after the existing ones in the audit log.
    async fn set_last_event(&self, last_event: i64) -> Result<(), CopyError>;
}

/// A part of the rows of a table.
#[derive(Debug)]
pub(crate) struct Page {
    /// Only rows with larger keys.
    pub(crate) after: Option<Value>,
    /// Only rows up to this key.
    pub(crate) until: Option<Value>,
    /// The maximum number of rows.
    pub(crate) limit: u32,
}

/// The columns that a store reads for a table.
pub(crate) struct Select<'a> {
    pub(crate) columns: &'a [&'a str],
    /// A table or a subquery.
    pub(crate) from: &'a str,
    /// The column of the key.
    pub(crate) key: &'a str,
}

impl Page {
    /// Returns the statement that reads the page. Both kinds of stores accept it.
    pub(crate) fn sql(&self, select: &Select<'_>) -> String {
        let Select { columns, from, key } = *select;
        let condition = match (&self.after, &self.until) {
            (None, None) => String::new(),
            (Some(_), None) => format!("WHERE {key} > $1"),
            (None, Some(_)) => format!("WHERE {key} <= $1"),
            (Some(_), Some(_)) => format!("WHERE {key} > $1 AND {key} <= $2"),
        };
        let (columns, limit) = (columns.join(", "), self.limit);
        format!("SELECT {columns} FROM {from} {condition} ORDER BY {key} LIMIT {limit}")
    }

    /// Returns the parameters of the statement.
    pub(crate) fn into_parameters(self) -> Vec<Value> {
        self.after.into_iter().chain(self.until).collect()
    }
}

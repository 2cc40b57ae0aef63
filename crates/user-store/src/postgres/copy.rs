//! A PostgreSQL database as the source or the target of a copy.

mod in_use;
mod value;

use std::pin::pin;

use async_trait::async_trait;
use deadpool_postgres::ClientWrapper;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};

use crate::copy_end::{
    CopyEnd, CopyError, EVENTS, Page, Row, Select, TABLES, Table, TableKind, Value,
};
use crate::postgres::config::PostgresConfig;
use crate::postgres::copy::in_use::{Usage, wait_until_unused};
use crate::postgres::database_error::DatabaseError;
use crate::postgres::error::PostgresOpenError;
use crate::postgres::open::{Schema, connect_for_copy};

/// A PostgreSQL database as one end of a copy. No server uses it during the copy.
pub(crate) struct PostgresEnd {
    location: String,
    client: ClientWrapper,
}

const SESSIONS: &str = "sessions";

/// Turns off the time limits. The statements of a copy may take long, and the source is idle while
/// the target is written.
const NO_TIMEOUTS: &str = "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0";

/// Raises the epoch of the audit log to the latest one of the copied events. The first server begins
/// a new epoch if the transaction ids of this cluster are lower than those of that epoch.
const RAISE_EVENT_EPOCH: &str = "UPDATE latchkey_meta
     SET event_epoch = greatest(event_epoch, (SELECT max(xid) FROM events) / 17592186044416)";

impl PostgresEnd {
    /// Opens a database and locks its tables against changes. The lock also excludes another copy
    /// of the same source, and ends with the connection.
    pub(crate) async fn open_source(config: &PostgresConfig) -> Result<Self, CopyError> {
        let source = Self::open(config, Schema::Require).await?;
        let names: Vec<_> = TABLES.iter().map(|table| table.name).collect();
        // The first statement that reads rows takes the snapshot, after the lock.
        let lock = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ; LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE",
            names.join(", ")
        );
        source.execute(&lock).await?;
        Ok(source)
    }

    /// Opens a database. Creates the schema if there is none.
    pub(crate) async fn open_target(config: &PostgresConfig) -> Result<Self, CopyError> {
        Self::open(config, Schema::Create).await
    }

    async fn open(config: &PostgresConfig, schema: Schema) -> Result<Self, CopyError> {
        let client = connect_for_copy(config, schema).await?;
        let end = Self { location: config.location(), client };
        end.execute(NO_TIMEOUTS).await?;
        match wait_until_unused(&end.client).await {
            Ok(Usage::Unused) => Ok(end),
            Ok(Usage::InUse) => Err(CopyError::InUse(end.location)),
            Err(error) => Err(end.failed(error)),
        }
    }

    async fn execute(&self, sql: &str) -> Result<(), CopyError> {
        self.client.batch_execute(sql).await.map_err(|error| self.failed(error))
    }

    async fn query(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<tokio_postgres::Row>, CopyError> {
        let statement =
            self.client.prepare_cached(sql).await.map_err(|error| self.failed(error))?;
        self.client.query(&statement, parameters).await.map_err(|error| self.failed(error))
    }

    /// Runs a query that returns one value.
    async fn value(&self, sql: &str) -> Result<Value, CopyError> {
        let rows = self.query(sql, &[]).await?;
        let value = rows.first().map(|row| row.try_get(0)).transpose();
        Ok(value.map_err(|error| self.failed(error))?.unwrap_or(Value::Null))
    }

    async fn number(&self, sql: &str) -> Result<i64, CopyError> {
        match self.value(sql).await? {
            Value::Integer(number) => Ok(number),
            _ => Ok(0),
        }
    }

    fn failed(&self, error: tokio_postgres::Error) -> CopyError {
        let reason = DatabaseError::from(error).to_string();
        CopyError::Store { location: self.location.clone(), reason }
    }

    async fn replace_row(&self, table: &Table, row: &Row) -> Result<(), CopyError> {
        let columns = table.columns.join(", ");
        let placeholders: Vec<_> =
            (1..=table.columns.len()).map(|number| format!("${number}")).collect();
        let (name, placeholders) = (table.name, placeholders.join(", "));
        let sql = format!("UPDATE {name} SET ({columns}) = ROW ({placeholders})");
        let statement =
            self.client.prepare_cached(&sql).await.map_err(|error| self.failed(error))?;
        let values: Vec<_> = row.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        self.client.execute(&statement, &values).await.map_err(|error| self.failed(error))?;
        Ok(())
    }

    async fn add_rows(&self, table: &Table, rows: &[Row]) -> Result<(), CopyError> {
        let columns = columns(table).join(", ");
        let types = self.types(table, &columns).await?;
        let sql = format!("COPY {} ({columns}) FROM STDIN (FORMAT binary)", table.name);
        let write = async {
            let sink = self.client.copy_in(&sql).await?;
            let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
            for row in rows {
                // The position of an event from another kind of store is its id alone.
                let values = row.iter().chain([&Value::Integer(0)]).take(types.len());
                let values: Vec<_> = values.map(|value| value as &(dyn ToSql + Sync)).collect();
                writer.as_mut().write(&values).await?;
            }
            writer.finish().await
        };
        write.await.map_err(|error| self.failed(error))?;
        Ok(())
    }

    /// Adds sessions. The trigger that requires a second factor does not check them: they were
    /// checked when they were opened, and the clocks of the servers may have differed.
    async fn add_sessions(&self, table: &Table, rows: &[Row]) -> Result<(), CopyError> {
        let disable = "BEGIN;
             ALTER TABLE sessions DISABLE TRIGGER sessions_have_the_second_factor";
        self.execute(disable).await?;
        self.add_rows(table, rows).await?;
        let enable = "ALTER TABLE sessions ENABLE TRIGGER sessions_have_the_second_factor;
             COMMIT";
        self.execute(enable).await
    }

    async fn types(&self, table: &Table, columns: &str) -> Result<Vec<Type>, CopyError> {
        let sql = format!("SELECT {columns} FROM {}", table.name);
        let statement =
            self.client.prepare_cached(&sql).await.map_err(|error| self.failed(error))?;
        Ok(statement.columns().iter().map(|column| column.type_().clone()).collect())
    }
}

#[async_trait]
impl CopyEnd for PostgresEnd {
    fn location(&self) -> String {
        self.location.clone()
    }

    async fn count(&self, table: &'static Table) -> Result<u64, CopyError> {
        let count = self.number(&format!("SELECT count(*) FROM {}", table.name)).await?;
        Ok(count.unsigned_abs())
    }

    async fn page(&self, table: &'static Table, page: Page) -> Result<Vec<Row>, CopyError> {
        let select = Select { columns: &columns(table), from: table.name, key: table.key() };
        let sql = page.sql(&select);
        let parameters = page.into_parameters();
        let parameters: Vec<_> =
            parameters.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let rows = self.query(&sql, &parameters).await?;
        let read = |row: &tokio_postgres::Row| (0..row.len()).map(|n| row.try_get(n)).collect();
        let rows: Result<Vec<Row>, _> = rows.iter().map(read).collect();
        rows.map_err(|error| self.failed(error))
    }

    async fn insert(&self, table: &'static Table, rows: Vec<Row>) -> Result<(), CopyError> {
        reject_null_characters(table, &rows)?;
        match (table.kind, rows.first()) {
            (TableKind::OneRow, Some(row)) => self.replace_row(table, row).await,
            _ if table.name == SESSIONS => self.add_sessions(table, &rows).await,
            _ => self.add_rows(table, &rows).await,
        }
    }

    async fn unfinished_copy(&self) -> Result<Option<Vec<u8>>, CopyError> {
        match self.value("SELECT copy_of FROM latchkey_meta").await? {
            Value::Bytes(source) => Ok(Some(source)),
            _ => Ok(None),
        }
    }

    async fn begin_copy(&self, source: &[u8]) -> Result<(), CopyError> {
        let sql = "UPDATE latchkey_meta SET copy_of = $1 WHERE copy_of IS NULL";
        match self.client.execute(sql, &[&source]).await {
            Ok(1) => Ok(()),
            // Another copy has begun meanwhile.
            Ok(_) => Err(CopyError::InUse(self.location())),
            Err(error) => Err(self.failed(error)),
        }
    }

    async fn clear(&self) -> Result<(), CopyError> {
        let tables = TABLES.iter().filter(|table| table.kind == TableKind::Rows);
        let names: Vec<_> = tables.map(|table| table.name).collect();
        // A trigger prevents the early deletion of events.
        let sql = format!(
            "BEGIN;
             ALTER TABLE events DISABLE TRIGGER events_are_not_truncated;
             TRUNCATE {};
             ALTER TABLE events ENABLE TRIGGER events_are_not_truncated;
             COMMIT",
            names.join(", ")
        );
        self.execute(&sql).await
    }

    async fn complete_copy(&self) -> Result<(), CopyError> {
        // Without statistics, the first queries would have bad plans.
        let names: Vec<_> = TABLES.iter().map(|table| table.name).collect();
        self.execute(&format!("ANALYZE {}", names.join(", "))).await?;
        self.execute("UPDATE latchkey_meta SET copy_of = NULL").await
    }

    async fn last_event(&self) -> Result<i64, CopyError> {
        let sql =
            "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('events', 'id')), 0)";
        self.number(sql).await
    }

    async fn set_last_event(&self, last_event: i64) -> Result<(), CopyError> {
        for (table, at_least) in [(EVENTS, last_event), ("signing_keys", 0)] {
            let sql = format!(
                "SELECT setval(
                     pg_get_serial_sequence('{table}', 'id'), greatest(last, 1), last > 0
                 ) FROM (SELECT greatest(coalesce(max(id), 0), {at_least}) AS last FROM {table}) t"
            );
            self.value(&sql).await?;
        }
        self.execute(RAISE_EVENT_EPOCH).await
    }
}

/// Returns the columns of a table. Events have a column that other kinds of stores lack: the first
/// part of their position in the audit log.
fn columns(table: &Table) -> Vec<&'static str> {
    let position = if table.name == EVENTS { &["xid"][..] } else { &[] };
    [table.columns, position].concat()
}

/// Rejects a text that PostgreSQL cannot store.
fn reject_null_characters(table: &Table, rows: &[Row]) -> Result<(), CopyError> {
    for row in rows {
        for (value, column) in row.iter().zip(table.columns) {
            if matches!(value, Value::Text(text) if text.contains('\0')) {
                return Err(CopyError::NullCharacter { table: table.name, column });
            }
        }
    }
    Ok(())
}

impl From<PostgresOpenError> for CopyError {
    fn from(error: PostgresOpenError) -> Self {
        Self::Open(error.into())
    }
}

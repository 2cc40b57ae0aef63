//! A SQLite file as the source or the target of a copy.

use std::borrow::Cow;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _, ToSql, params, params_from_iter};

use crate::copy_end::{
    CopyEnd, CopyError, EVENTS, Page, Row, Select, TABLES, Table, TableKind, Value,
};
use crate::sqlite::connection::{BUSY_TIMEOUT, FLAGS, configure};
use crate::sqlite::error::OpenError;
use crate::sqlite::open::{
    self, SchemaState, from_sqlite, identify_file_or_copy, is_locked, reject_absent,
};
use crate::sqlite::schema;

/// The time for which opening waits for other processes to close the file.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// A SQLite file as one end of a copy. No other process can open it during the copy.
pub(crate) struct SqliteEnd {
    path: PathBuf,
    connection: Arc<Mutex<Connection>>,
}

impl SqliteEnd {
    /// Opens an existing file.
    pub(crate) async fn open_source(path: &Path) -> Result<Self, CopyError> {
        let path = path.to_owned();
        blocking(&path.clone(), move || {
            reject_absent(&path)?;
            Self::open(&path)
        })
        .await
    }

    /// Opens a file. Creates it if it is missing or empty.
    pub(crate) async fn open_target(path: &Path) -> Result<Self, CopyError> {
        let path = path.to_owned();
        blocking(&path.clone(), move || match Self::open(&path) {
            Err(CopyError::Open(error)) if is_absent(&*error) => {
                drop(open::open(&path, BUSY_TIMEOUT)?);
                Self::open(&path)
            }
            result => result,
        })
        .await
    }

    fn open(path: &Path) -> Result<Self, CopyError> {
        if !path.exists() {
            return Err(OpenError::Absent(path.to_owned()).into());
        }
        let (path, schema) = match identify_file_or_copy(path) {
            Err(OpenError::Locked(path)) => {
                return Err(CopyError::InUse(path.display().to_string()));
            }
            identified => identified?,
        };
        let Some(SchemaState { version, .. }) = schema else {
            return Err(OpenError::Absent(path).into());
        };
        if version < schema::latest() {
            return Err(OpenError::Older(path).into());
        }
        match connect_alone(&path) {
            Ok(connection) => Ok(Self { path, connection: Arc::new(Mutex::new(connection)) }),
            Err(error) if is_locked(&error) => Err(CopyError::InUse(path.display().to_string())),
            Err(error) => Err(from_sqlite(&path, error).into()),
        }
    }

    async fn run<T, F>(&self, query: F) -> Result<T, CopyError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let connection = Arc::clone(&self.connection);
        let location = self.location();
        blocking(&self.path, move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            query(&connection).map_err(|error| {
                let reason = error.to_string();
                CopyError::Store { location, reason }
            })
        })
        .await
    }
}

/// Runs `work` on a thread that may block.
async fn blocking<T, F>(path: &Path, work: F) -> Result<T, CopyError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, CopyError> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(CopyError::Store {
            location: path.display().to_string(),
            reason: error.to_string(),
        }),
    }
}

/// Opens the only connection to the file. Every open connection to a database in WAL mode holds a
/// shared lock on the file, so the exclusive lock shows that there is no other one, and prevents
/// others until this one is closed.
fn connect_alone(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, FLAGS)?;
    // Before the first access, because SQLite then takes the lock with it and keeps it.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    configure(&connection, BUSY_TIMEOUT)?;
    connection.busy_timeout(LOCK_TIMEOUT)?;
    connection.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
    Ok(connection)
}

#[async_trait]
impl CopyEnd for SqliteEnd {
    fn location(&self) -> String {
        self.path.display().to_string()
    }

    async fn count(&self, table: &'static Table) -> Result<u64, CopyError> {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        let read = move |connection: &Connection| connection.query_row(&sql, [], |row| row.get(0));
        let count: i64 = self.run(read).await?;
        Ok(count.unsigned_abs())
    }

    async fn page(&self, table: &'static Table, page: Page) -> Result<Vec<Row>, CopyError> {
        let select = Select { columns: table.columns, from: &source(table), key: table.key() };
        let sql = page.sql(&select);
        self.run(move |connection| {
            connection
                .prepare_cached(&sql)?
                .query_map(params_from_iter(page.into_parameters()), |row| {
                    (0..table.columns.len()).map(|column| read(row, column)).collect()
                })?
                .collect()
        })
        .await
    }

    async fn insert(&self, table: &'static Table, rows: Vec<Row>) -> Result<(), CopyError> {
        let name = table.name;
        let columns = table.columns.iter().map(|column| stored(table, column));
        let (columns, values): (Vec<_>, Vec<_>) = columns.unzip();
        let (columns, values) = (columns.join(", "), values.join(", "));
        let sql = match table.kind {
            TableKind::Rows => format!("INSERT INTO {name} ({columns}) VALUES ({values})"),
            TableKind::OneRow => format!("UPDATE {name} SET ({columns}) = ({values})"),
        };
        self.run(move |connection| {
            let tx = connection.unchecked_transaction()?;
            let insert = || {
                let mut statement = tx.prepare_cached(&sql)?;
                for row in rows {
                    statement.execute(params_from_iter(&row[..table.columns.len()]))?;
                }
                Ok(())
            };
            match table.name {
                // Because clocks differ, a session that was opened before the second factor was
                // turned on may have a later time.
                SESSIONS => without_trigger(&tx, "sessions_have_the_second_factor", insert)?,
                _ => insert()?,
            }
            tx.commit()
        })
        .await
    }

    async fn unfinished_copy(&self) -> Result<Option<Vec<u8>>, CopyError> {
        self.run(|connection| {
            if !schema::is_unfinished_copy(connection)? {
                return Ok(None);
            }
            connection.query_row("SELECT source FROM unfinished_copy", [], |row| row.get(0))
        })
        .await
    }

    async fn begin_copy(&self, source: &[u8]) -> Result<(), CopyError> {
        let source = source.to_vec();
        self.run(move |connection| {
            let tx = connection.unchecked_transaction()?;
            tx.execute_batch("CREATE TABLE unfinished_copy (source BLOB NOT NULL) STRICT")?;
            tx.execute("INSERT INTO unfinished_copy (source) VALUES (?1)", [source])?;
            tx.commit()
        })
        .await
    }

    async fn clear(&self) -> Result<(), CopyError> {
        self.run(|connection| {
            let tx = connection.unchecked_transaction()?;
            // A trigger prevents the early deletion of events.
            without_trigger(&tx, "events_are_kept", || {
                for table in TABLES.iter().rev().filter(|table| table.kind == TableKind::Rows) {
                    tx.execute_batch(&format!("DELETE FROM {}", table.name))?;
                }
                Ok(())
            })?;
            tx.commit()
        })
        .await
    }

    async fn complete_copy(&self) -> Result<(), CopyError> {
        self.run(|connection| connection.execute_batch("DROP TABLE unfinished_copy")).await
    }

    async fn last_event(&self) -> Result<i64, CopyError> {
        self.run(|connection| {
            let sql = "SELECT seq FROM sqlite_sequence WHERE name = ?1";
            let last = connection.query_row(sql, [EVENTS], |row| row.get(0)).optional()?;
            Ok(last.unwrap_or(0))
        })
        .await
    }

    async fn set_last_event(&self, last_event: i64) -> Result<(), CopyError> {
        self.run(move |connection| {
            let tx = connection.unchecked_transaction()?;
            tx.execute(
                "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, ?2
                 WHERE ?2 > 0 AND NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)",
                params![EVENTS, last_event],
            )?;
            tx.execute(
                "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1",
                params![EVENTS, last_event],
            )?;
            tx.commit()
        })
        .await
    }
}

/// Makes a change without a trigger of the schema.
fn without_trigger(
    tx: &Connection,
    name: &str,
    change: impl FnOnce() -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let sql = "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND name = ?1";
    let trigger: String = tx.query_row(sql, [name], |row| row.get(0))?;
    tx.execute_batch(&format!("DROP TRIGGER {name}"))?;
    change()?;
    tx.execute_batch(&trigger)
}

const SESSIONS: &str = "sessions";

/// The tables whose rows refer to their users by a number that only this store knows. Other kinds
/// of stores use the id.
const TABLES_WITH_NUMBERS: [&str; 8] = [
    SESSIONS,
    "totp",
    "pending_totp",
    "recovery_codes",
    "recovery_code_lists",
    "passkeys",
    "code_failures",
    "user_metadata",
];

/// Returns the table or subquery from which the columns of a table are read.
fn source(table: &Table) -> Cow<'static, str> {
    if !TABLES_WITH_NUMBERS.contains(&table.name) {
        return table.name.into();
    }
    let name = table.name;
    format!("(SELECT t.*, u.id AS user_id FROM {name} t JOIN users u ON u.number = t.user_number)")
        .into()
}

/// Returns the column that stores a column of the copy, and the expression for its value.
fn stored(table: &Table, column: &'static str) -> (&'static str, &'static str) {
    if column == "user_id" && TABLES_WITH_NUMBERS.contains(&table.name) {
        return ("user_number", "(SELECT number FROM users WHERE id = ?)");
    }
    (column, "?")
}

fn read(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Value> {
    let value = row.get_ref(column)?;
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Text(_) => Value::Text(value.as_str()?.to_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::Real(_) => {
            let name = row.as_ref().column_name(column)?.to_owned();
            return Err(rusqlite::Error::InvalidColumnType(column, name, value.data_type()));
        }
    })
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl From<OpenError> for CopyError {
    fn from(error: OpenError) -> Self {
        Self::Open(error.into())
    }
}

fn is_absent(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(OpenError::Absent(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_copied() {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        for table in TABLES {
            // The numbers of users are not copied.
            let sql = "SELECT name FROM pragma_table_info(?1) WHERE name <> 'number'";
            let mut statement = connection.prepare(sql).unwrap();
            let names = statement.query_map([table.name], |row| row.get(0)).unwrap();
            let mut names: Vec<String> = names.collect::<Result<_, _>>().unwrap();
            let columns = table.columns.iter().map(|column| stored(table, column).0);
            let mut copied: Vec<_> = columns.collect();
            names.sort_unstable();
            copied.sort_unstable();
            assert_eq!(names, copied, "{}", table.name);
        }
    }
}

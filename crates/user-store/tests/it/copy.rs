//! Copies from one store to another one.

mod contents;
mod interrupted;
mod rejected;
mod schema;
mod source;

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;
use test_postgres::{Database, shared};
use user_store::{
    CopyError, CopyProgress, PostgresConfig, PostgresStore, SqliteStore, StoreCopy, StoreLocation,
    copy_store,
};

/// A folder for SQLite files, and a PostgreSQL database.
struct Stores {
    folder: TempDir,
    postgres: Database,
}

impl Stores {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), postgres: shared().create_database(None) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sqlite(&self, name: &str) -> StoreLocation {
        StoreLocation::Sqlite(self.path(name))
    }

    fn postgres(&self) -> StoreLocation {
        StoreLocation::Postgres(Box::new(self.config()))
    }

    fn config(&self) -> PostgresConfig {
        PostgresConfig::parse(&self.postgres.url()).unwrap().with_long_timeouts()
    }

    async fn open_postgres(&self) -> PostgresStore {
        PostgresStore::open_existing(&self.config()).await.unwrap()
    }

    /// Begins a copy, and drops it when it reports its progress for the first time.
    async fn interrupt(&self, from: &StoreLocation, to: &StoreLocation) {
        let (report, mut reported) = tokio::sync::mpsc::unbounded_channel();
        let progress = move |_: CopyProgress| {
            let _ = report.send(());
        };
        tokio::select! {
            biased;
            _ = reported.recv() => {}
            result = copy_store(from, to, &progress) => unreachable!("{result:?}"),
        }
        self.wait_until_closed().await;
    }

    /// Waits until PostgreSQL has closed all connections to the database.
    async fn wait_until_closed(&self) {
        let count = "SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'latchkey'";
        for _ in 0..1_000 {
            if self.postgres.sql(count).trim() == "0" {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        unreachable!("the connections stay open");
    }
}

async fn copy(from: &StoreLocation, to: &StoreLocation) -> Result<StoreCopy, CopyError> {
    copy_store(from, to, &|_| {}).await
}

/// Adds accounts, more than are copied in one transaction.
fn add_users(path: &Path, count: usize) {
    drop(SqliteStore::open(path).unwrap());
    let sql = "
        WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1)
        INSERT INTO users (id, email, email_key, password_hash, created_at)
        SELECT randomblob(16), 'user' || n, 'user' || n, 'x', n FROM numbers";
    Connection::open(path).unwrap().execute(sql, [i64::try_from(count).unwrap()]).unwrap();
}

/// Returns all rows of all tables, without the numbers of users, which differ between copies.
fn dump(path: &Path) -> Vec<(String, Vec<Vec<Value>>)> {
    let connection = Connection::open(path).unwrap();
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table'
        AND (name = 'sqlite_sequence' OR name NOT LIKE 'sqlite_%') ORDER BY name";
    let mut statement = connection.prepare(sql).unwrap();
    let names = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let rows = |name: &str| {
        let sql = "SELECT group_concat(name) FROM pragma_table_info(?1)
            WHERE name NOT IN ('number', 'user_number')";
        let columns = connection.query_row(sql, [name], |row| row.get::<_, String>(0)).unwrap();
        let sql = format!("SELECT {columns} FROM {name} ORDER BY 1");
        let mut statement = connection.prepare(&sql).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|n| row.get(n)).collect());
        rows.unwrap().collect::<Result<Vec<_>, _>>().unwrap()
    };
    names.map(|name| name.unwrap()).map(|name| (name.clone(), rows(&name))).collect()
}

//! Runs the statements of servers of earlier schemas on the newest one.
//!
//! While servers are upgraded one after the other, those of the previous version run their
//! statements on the schema of the new one. The folder `frozen_statements` has one file per version
//! of the schema, with all statements that a server for this version may run. Nothing is removed
//! from the file of a released version.

use std::fmt::{Display, Write as _};
use std::fs;
use std::path::{Path, PathBuf};

use test_postgres::Database;
use tokio_postgres::{Client, Column, NoTls};
use user_store::PostgresStore;

use super::{config, new_database};

/// A statement, and the types of its parameters and of its columns.
struct Frozen {
    types: String,
    sql: String,
}

/// A database with the newest schema.
struct Newest {
    version: i64,
    min_reader: i64,
    client: Client,
    _database: Database,
}

impl Newest {
    async fn create() -> Self {
        let database = new_database();
        PostgresStore::migrate(&config(&database.url())).await.unwrap();
        let (client, connection) = tokio_postgres::connect(&database.url(), NoTls).await.unwrap();
        tokio::spawn(connection);
        let row = client.query_one("SELECT version, min_reader FROM latchkey_meta", &[]);
        let row = row.await.unwrap();
        let (version, min_reader) = (row.get(0), row.get(1));
        Self { version, min_reader, client, _database: database }
    }

    /// Returns the types of a statement's parameters and columns, as the server reports them when
    /// it prepares the statement.
    async fn types(&self, sql: &str) -> String {
        let statement = self.client.prepare(sql).await;
        let statement = statement.unwrap_or_else(|error| unreachable!("{error:?}: {sql}"));
        let columns = statement.columns().iter().map(Column::type_);
        format!("({}) -> ({})", list(statement.params()), list(columns))
    }

    /// Returns the columns of a table that an insertion must name, because they have no default.
    async fn required_columns(&self, table: &str) -> Vec<String> {
        let columns = "SELECT attname::text FROM pg_attribute
                       WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
                           AND attnotnull AND NOT atthasdef AND attidentity = ''";
        let rows = self.client.query(columns, &[&table]).await.unwrap();
        assert!(!rows.is_empty(), "{table} has no required column, or does not exist");
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Returns the frozen statements of all versions whose servers can use the newest schema.
    fn supported(&self) -> Vec<Frozen> {
        let versions = self.min_reader..=self.version;
        let files: Vec<_> = versions.map(file_of).filter(|file| file.exists()).collect();
        assert!(!files.is_empty(), "no file in frozen_statements is of a supported version");
        files.iter().flat_map(|file| read(file)).collect()
    }
}

fn list(items: impl IntoIterator<Item = impl Display>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

fn file_of(version: i64) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/postgres/frozen_statements");
    folder.join(format!("{version:04}.sql"))
}

/// Reads a file. It has two lines per statement: a comment with the types, and the statement.
fn read(file: &Path) -> Vec<Frozen> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let mut lines = text.lines();
    let mut statements = Vec::new();
    while let Some(line) = lines.next() {
        let types = line.strip_prefix("-- ").unwrap().to_owned();
        let sql = lines.next().and_then(|line| line.strip_suffix(';')).unwrap().to_owned();
        statements.push(Frozen { types, sql });
    }
    statements
}

/// Returns the statements in the source of the backend, each in one line.
fn current_statements() -> Vec<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/postgres");
    let entries = fs::read_dir(source.join("statements")).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.push(source.join("schema.rs"));
    files.sort();
    let mut statements = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).unwrap();
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        let code = text.lines().filter(is_code).collect::<Vec<_>>().join("\n");
        // No statement contains a double quote, so every second part is a string literal.
        let literals = code.split('"').skip(1).step_by(2);
        let texts = literals.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "));
        statements.extend(texts.filter(|text| is_statement(text)));
    }
    statements.sort();
    statements.dedup();
    statements
}

fn is_statement(text: &str) -> bool {
    let verb = text.split(' ').next().unwrap_or_default();
    matches!(verb, "SELECT" | "INSERT" | "UPDATE" | "DELETE" | "WITH")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_statements_of_every_supported_version_keep_their_types_in_the_newest_schema() {
    let newest = Newest::create().await;
    for Frozen { types, sql } in newest.supported() {
        assert_eq!(newest.types(&sql).await, types, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_insertions_of_every_supported_version_state_all_required_columns() {
    let newest = Newest::create().await;
    let mut tables = Vec::new();
    for Frozen { sql, .. } in newest.supported() {
        let Some((_, insertion)) = sql.split_once("INSERT INTO ") else { continue };
        let (table, rest) = insertion.split_once(" (").unwrap();
        let (columns, _) = rest.split_once(')').unwrap();
        let stated: Vec<_> = columns.split(',').map(str::trim).collect();
        for column in newest.required_columns(table).await {
            assert!(stated.contains(&&*column), "{table}.{column}: {sql}");
        }
        tables.push(table.to_owned());
    }
    for table in ["users", "sessions", "events", "counters", "signing_keys", "servers"] {
        assert!(tables.iter().any(|other| other == table), "{table}: {tables:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_statements_of_this_version_are_frozen() {
    let newest = Newest::create().await;
    let current = current_statements();
    assert!(current.len() > 80, "{current:#?}");
    let file = file_of(newest.version);
    let frozen = read(&file);
    let mut missing = String::new();
    for sql in current {
        if !frozen.iter().any(|other| other.sql == sql) {
            writeln!(missing, "-- {}\n{sql};", newest.types(&sql).await).unwrap();
        }
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, fs::read_to_string(&file).unwrap_or_default() + &missing).unwrap();
        return;
    }
    let fix = "UPDATE_DOCS=1 cargo xtask postgres cargo test --package user-store --all-features \
               are_frozen";
    assert!(missing.is_empty(), "add these statements to {}: {fix}\n{missing}", file.display());
}

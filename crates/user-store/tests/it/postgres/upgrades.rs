//! Servers of this version on the schema of the next one.

use std::ops::RangeInclusive;

use test_postgres::Database;
use user_store::{PostgresOpenError, PostgresSchema, PostgresStore};

use super::{NEXT_SCHEMA, config, new_database};

/// Creates a database with the schema of the next version, which servers of these versions can use.
async fn next_schema(readers: impl Fn(i64) -> i64) -> (Database, RangeInclusive<i64>) {
    let database = new_database();
    let known = PostgresStore::migrate(&config(&database.url())).await.unwrap().to;
    database.sql(NEXT_SCHEMA);
    database.sql(&format!("UPDATE latchkey_meta SET min_reader = {}", readers(known)));
    (database, known..=known + 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_schema_of_the_next_version_is_used_unchanged_if_it_allows_this_version() {
    let (database, versions) = next_schema(|known| known).await;
    let config = config(&database.url());
    let next = *versions.end();
    PostgresStore::open(&config).await.unwrap();
    PostgresStore::open_existing(&config).await.unwrap();
    let migrated = PostgresStore::migrate(&config).await.unwrap();
    assert_eq!((migrated.from, migrated.to), (next, next));
    let inspected = PostgresStore::inspect(&config).await.unwrap();
    assert_eq!(inspected.schema, PostgresSchema::NewerUsable);
    assert_eq!(database.sql("SELECT version FROM latchkey_meta"), next.to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_needs_the_next_version_is_rejected_and_left_unchanged() {
    let (database, versions) = next_schema(|known| known + 1).await;
    let config = config(&database.url());
    let before = database.sql("SELECT * FROM latchkey_meta");
    let errors = [
        PostgresStore::open(&config).await.map(drop).unwrap_err(),
        PostgresStore::open_existing(&config).await.map(drop).unwrap_err(),
        PostgresStore::migrate(&config).await.map(drop).unwrap_err(),
    ];
    for error in errors {
        let PostgresOpenError::Newer { found, known, .. } = error else {
            unreachable!("{error:?}")
        };
        assert_eq!(known..=found, versions);
    }
    assert_eq!(database.sql("SELECT * FROM latchkey_meta"), before);
}

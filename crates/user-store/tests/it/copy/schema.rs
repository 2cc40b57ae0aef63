use std::collections::BTreeSet;

use rusqlite::Connection;
use user_store::{PostgresStore, SqliteStore};

use super::{Stores, add_users, copy};

/// The columns that only one kind of store has. They are not copied.
const OF_POSTGRES: [&str; 1] = ["events.xid"];
const OF_SQLITE: [&str; 1] = ["users.number"];

/// The tables that only one kind of store has.
const TABLES_OF_POSTGRES: [&str; 2] = ["latchkey_meta", "servers"];

/// The table that is not copied, because its rows have no meaning in another store.
const NOT_COPIED: &str = "event_followers.";

#[tokio::test]
async fn both_kinds_of_stores_have_the_same_columns_and_every_table_is_copied() {
    let stores = Stores::new();
    PostgresStore::migrate(&stores.config()).await.unwrap();
    let names = stores.postgres.sql(
        "SELECT table_name || '.' || column_name FROM information_schema.columns
         WHERE table_schema = current_schema()",
    );
    let is_common = |name: &&str| {
        let table = name.split('.').next().unwrap();
        !TABLES_OF_POSTGRES.contains(&table)
            && !OF_POSTGRES.contains(name)
            && !name.starts_with(NOT_COPIED)
    };
    let postgres: BTreeSet<_> = names.lines().filter(is_common).map(str::to_owned).collect();
    drop(SqliteStore::open(&stores.path("a.db")).unwrap());
    let connection = Connection::open(stores.path("a.db")).unwrap();
    let sql = "SELECT t.name || '.' || c.name FROM sqlite_schema t, pragma_table_info(t.name) c
        WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'";
    let mut statement = connection.prepare(sql).unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    let names: Vec<String> = names.collect::<Result<_, _>>().unwrap();
    let is_common = |name: &String| !OF_SQLITE.contains(&&**name) && !name.starts_with(NOT_COPIED);
    // Rows refer to their users by the number or by the id.
    let common = |name: String| name.replace(".user_number", ".user_id");
    let sqlite: BTreeSet<_> = names.into_iter().filter(is_common).map(common).collect();
    assert_eq!(postgres, sqlite);
    drop(statement);
    drop(connection);
    add_users(&stores.path("a.db"), 1);
    let copied = copy(&stores.sqlite("a.db"), &stores.postgres()).await.unwrap();
    let copied: BTreeSet<_> = copied.tables.iter().map(|table| table.name.to_owned()).collect();
    let tables = sqlite.iter().map(|name| name.split('.').next().unwrap().to_owned());
    assert_eq!(copied, tables.collect());
}

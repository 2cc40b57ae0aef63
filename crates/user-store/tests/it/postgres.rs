//! The conformance suite on PostgreSQL, and tests of the PostgreSQL backend.

mod attempts;
mod audit;
mod factors;
mod faults;
mod frozen_statements;
mod health;
mod imports;
mod relay;
mod round_trips;
mod start;
mod stress;
mod tls;
mod upgrades;
mod users;

use std::sync::{Arc, OnceLock};
use std::thread;

use async_trait::async_trait;
use test_postgres::{Database, shared};
use tokio::runtime::Runtime;
use user_store::conformance::Deployment;
use user_store::{PostgresConfig, PostgresStore, Store};

/// A database with the schema of this version, and any number of servers that use it.
struct Servers(Database);

impl Servers {
    fn new() -> Self {
        static TEMPLATE: OnceLock<String> = OnceLock::new();
        Self(shared().create_database(Some(TEMPLATE.get_or_init(template))))
    }

    /// Creates a database with the schema of the next version, in which some changes fail with a
    /// conflict between transactions.
    fn with_next_schema_and_conflicts() -> Self {
        static TEMPLATE: OnceLock<String> = OnceLock::new();
        let template = TEMPLATE.get_or_init(|| {
            let template = template();
            shared().sql(&template, NEXT_SCHEMA);
            shared().sql(&template, CONFLICTS);
            template
        });
        Self(shared().create_database(Some(template)))
    }
}

#[async_trait]
impl Deployment for Servers {
    async fn connect(&self) -> Arc<dyn Store> {
        Arc::new(PostgresStore::open(&config(&self.0.url())).await.unwrap())
    }
}

fn new_database() -> Database {
    shared().create_database(None)
}

async fn open(url: &str) -> PostgresStore {
    PostgresStore::open(&config(url)).await.unwrap()
}

fn config(url: &str) -> PostgresConfig {
    PostgresConfig::parse(url).unwrap().with_long_timeouts()
}

/// Creates a database with the schema. Copies of it take less time than migrations.
fn template() -> String {
    let template = shared().create_template();
    let config = config(&shared().url(&template));
    // The caller may run in a runtime, in which it cannot wait for another future.
    let migrate = move || Runtime::new().unwrap().block_on(PostgresStore::migrate(&config));
    thread::spawn(migrate).join().unwrap().unwrap();
    template
}

/// Every 23rd statement that changes a table fails with the error of a serialization failure
/// (SQLSTATE 40001) or of a deadlock (40P01), after which a transaction must be run again. A
/// rollback does not reset the sequence, so the next attempt does not fail at the same statement.
/// No transaction has as many statements: the deletion of an account has 19, with those of `ON
/// DELETE CASCADE`.
const CONFLICTS: &str = "
CREATE SEQUENCE test_changes;
CREATE FUNCTION test_conflict() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    number bigint := nextval('test_changes');
BEGIN
    IF number % 23 = 0 THEN
        RAISE EXCEPTION 'injected conflict'
            USING ERRCODE = CASE number % 2 WHEN 0 THEN '40001' ELSE '40P01' END;
    END IF;
    RETURN NULL;
END $$;
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() LOOP
        EXECUTE format('CREATE TRIGGER test_conflict AFTER INSERT OR UPDATE OR DELETE ON %I
                        FOR EACH STATEMENT EXECUTE FUNCTION test_conflict()', name);
    END LOOP;
END $$;
";

/// Changes the schema as the next version may do, so that servers of this version can still use it.
const NEXT_SCHEMA: &str = "
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() LOOP
        EXECUTE format('ALTER TABLE %I ADD COLUMN added bigint NOT NULL DEFAULT 1', name);
    END LOOP;
END $$;
CREATE TABLE devices (
    id      bytea NOT NULL PRIMARY KEY,
    user_id uuid  NOT NULL REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX devices_by_user ON devices (user_id);
CREATE INDEX users_by_creation ON users (created_at);
UPDATE latchkey_meta SET version = version + 1;
";

mod conformance {
    use super::Servers;

    user_store::conformance_tests!(Servers::new());
}

mod conformance_on_the_next_schema_with_conflicts {
    use super::Servers;

    user_store::conformance_tests!(Servers::with_next_schema_and_conflicts());
}

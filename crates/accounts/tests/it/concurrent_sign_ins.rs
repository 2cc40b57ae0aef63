//! Many concurrent sign-ins to one account, on a PostgreSQL database.

use std::sync::Arc;
use std::time::Duration;

use accounts::{Accounts, Caller, Config, Origin};
use test_postgres::{Database, shared};
use tokio::task::{JoinHandle, JoinSet, block_in_place, spawn_blocking};
use tokio::time::sleep;
use user_store::{PostgresConfig, PostgresStore};

use crate::app::{EMAIL, PASSWORD, SERVICE};
use crate::throttle::{WRONG, at, fail, sign_in};

const OTHER_EMAIL: &str = "grace@example.com";

/// A server with two accounts. Another transaction has locked the throttle's counter of the first
/// one, so that the transactions that begin a sign-in to it wait.
struct Setup {
    server: Arc<Accounts>,
    database: Database,
    lock: JoinHandle<String>,
}

impl Setup {
    async fn new() -> Self {
        let database = block_in_place(|| shared().create_database(None));
        let config = PostgresConfig::parse(&database.url()).unwrap().with_long_timeouts();
        let store = Arc::new(PostgresStore::open(&config).await.unwrap());
        let mut config = Config::new(Origin::parse(SERVICE).unwrap());
        config.pbkdf2_iterations = 1_000;
        let builder = Accounts::builder().config(config).store(store);
        let server = builder.accept_weaknesses().without_maintenance().build().await.unwrap();
        for email in [EMAIL, OTHER_EMAIL] {
            server.sign_up(email, PASSWORD, &Caller::default()).await.unwrap();
        }
        fail(&server, EMAIL, &at([192, 0, 2, 1])).await;
        block_in_place(|| database.sql("CREATE TABLE released (at integer)"));
        let (shared, name) = (shared(), database.name().to_owned());
        let lock = spawn_blocking(move || shared.sql(&name, LOCK));
        let setup = Self { server, database, lock };
        // Otherwise, some sign-ins could begin before the lock, and wait for it when they end.
        setup.until(LOCKED, "1").await;
        setup
    }

    /// Waits until a query has this result.
    async fn until(&self, query: &str, result: &str) {
        for _ in 0..600 {
            if block_in_place(|| self.database.sql(query)) == result {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
        unreachable!("{query} does not return {result}");
    }

    /// Starts 40 sign-ins to the first account, each from another IP address. Waits until the
    /// transactions of some wait for the lock.
    async fn start(&self) -> JoinSet<()> {
        let mut sign_ins = JoinSet::new();
        for n in 0..40 {
            let server = Arc::clone(&self.server);
            sign_ins.spawn(async move {
                let _ = sign_in(&server, EMAIL, WRONG, &at([198, 51, 100, n])).await;
            });
        }
        self.until(WAITING, "2").await;
        sign_ins
    }

    /// Signs in to the second account. Asserts that few transactions have waited meanwhile.
    async fn sign_in_to_other_account(&self) {
        sign_in(&self.server, OTHER_EMAIL, PASSWORD, &at([203, 0, 113, 1])).await.unwrap();
        let waiting = block_in_place(|| self.database.sql(WAITING));
        assert!(["0", "1", "2"].contains(&&*waiting), "{waiting} transactions wait");
    }

    async fn release(self) -> (Arc<Accounts>, Database) {
        block_in_place(|| self.database.sql("INSERT INTO released VALUES (1)"));
        self.lock.await.unwrap();
        (self.server, self.database)
    }
}

/// Locks all counters until there is a row in the table `released`.
const LOCK: &str = "
    DO $$ BEGIN
        PERFORM FROM counters FOR UPDATE;
        WHILE NOT EXISTS (SELECT FROM released) LOOP PERFORM pg_sleep(0.01); END LOOP;
    END $$";

/// The number of transactions that hold the lock.
const LOCKED: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event = 'PgSleep'";

/// The number of transactions that wait for a lock.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'";

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_sign_ins_to_one_account_leave_connections_for_others() {
    let setup = Setup::new().await;
    let sign_ins = setup.start().await;
    setup.sign_in_to_other_account().await;
    drop(sign_ins);
    let _ = setup.release().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn disconnected_clients_neither_free_nor_keep_the_place_of_their_transactions() {
    let setup = Setup::new().await;
    for _ in 0..3 {
        let mut sign_ins = setup.start().await;
        setup.sign_in_to_other_account().await;
        sign_ins.shutdown().await;
    }
    let sign_ins = setup.start().await;
    setup.sign_in_to_other_account().await;
    drop(sign_ins);
    let (server, _database) = setup.release().await;
    sign_in(&server, EMAIL, PASSWORD, &at([203, 0, 113, 2])).await.unwrap();
}

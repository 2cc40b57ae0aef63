//! Faults of the server and of the network while a store is open.

mod calls;
mod commits;
mod failover;
mod load;
mod locks;
mod migrations;
mod network;
mod replication;
mod restarts;
mod stale;
mod termination;

use std::fmt::Debug;
use std::sync::OnceLock;
use std::time::Duration;

use auth_core::{
    Amr, ClientInfo, Email, NewPassword, OpenSession, PasswordHash, PasswordHasher, PasswordPolicy,
    RefreshToken, Roles, Session, SessionPolicy, SystemRandom, Timestamp, UserId,
};
use test_postgres::{Cluster, Database, Proxy, shared};
use tokio::task::{JoinHandle, block_in_place, spawn_blocking};
use tokio::time::{sleep, timeout};
use user_store::{
    ActingSession, CreateUserError, Event, EventKind, NewSession, OpenSessionOutcome,
    PasswordVersion, PostgresConfig, PostgresStore, Reauthentication, SessionStore as _,
    StoreError, User, UserStore as _,
};

use crate::postgres::{config, open};

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

/// The time after which a call counts as one that never ends. A call takes two minutes at most, and
/// other tests can delay it.
const HANG: Duration = Duration::from_secs(150);

/// Returns the outcome of a call, which may fail, but must end.
async fn ends<T>(call: impl Future<Output = T>) -> T {
    timeout(HANG, call).await.unwrap()
}

#[track_caller]
fn assert_unavailable<T: Debug>(result: Result<T, StoreError>) {
    match result {
        Err(StoreError::Unavailable(_)) => {}
        other => unreachable!("{other:?}"),
    }
}

/// Waits until a condition holds.
async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if condition().await {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    unreachable!("timed out waiting until {what}");
}

/// Opens a store with the time limits of a server, for tests in which they matter. Elsewhere, they
/// would only fail a test while the machine is busy.
async fn open_with_default_timeouts(url: &str) -> PostgresStore {
    PostgresStore::open(&PostgresConfig::parse(url).unwrap()).await.unwrap()
}

/// Opens a store without a heartbeat, so that it does nothing unless it is called.
async fn open_quietly(url: &str) -> PostgresStore {
    PostgresStore::migrate(&config(url)).await.unwrap();
    PostgresStore::open_existing(&config(url)).await.unwrap()
}

async fn open_quietly_with_default_timeouts(url: &str) -> PostgresStore {
    PostgresStore::migrate(&config(url)).await.unwrap();
    PostgresStore::open_existing(&PostgresConfig::parse(url).unwrap()).await.unwrap()
}

/// A database of the shared server, and a proxy in front of the server.
struct ProxiedDatabase {
    database: Database,
    proxy: Proxy,
}

impl ProxiedDatabase {
    async fn create() -> Self {
        let database = block_in_place(|| shared().create_database(None));
        let proxy = Proxy::to(port(&database.url())).await;
        Self { database, proxy }
    }

    /// Returns the URL of the database through the proxy.
    fn url(&self) -> String {
        self.proxy.url(self.database.name())
    }

    fn sql(&self, sql: &str) -> String {
        block_in_place(|| self.database.sql(sql))
    }
}

fn port(url: &str) -> u16 {
    let (_, rest) = url.split_once("127.0.0.1:").unwrap();
    rest.split_once('/').unwrap().0.parse().unwrap()
}

/// The locks of a transaction that stays open until they are released.
struct Locks<'a> {
    database: &'a Database,
    transaction: JoinHandle<String>,
}

/// Runs SQL statements in a transaction that stays open until [`Locks::release`] is called. Waits
/// until they have run.
async fn hold<'a>(database: &'a Database, sql: &str) -> Locks<'a> {
    let begin = "BEGIN; SET LOCAL statement_timeout = 0";
    let script = format!("{begin}; {sql}; {UNTIL_RELEASED}; COMMIT");
    let (server, name) = (shared(), database.name().to_owned());
    let transaction = spawn_blocking(move || server.sql(&name, &script));
    let holding = "SELECT count(*) > 0 FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event = 'PgSleep'";
    until("the locks are held", async || block_in_place(|| database.sql(holding)) == "t").await;
    Locks { database, transaction }
}

impl Locks<'_> {
    async fn release(self) {
        block_in_place(|| self.database.sql("CREATE TABLE released ()"));
        self.transaction.await.unwrap();
    }
}

/// Waits until there is a table with the name `released`.
const UNTIL_RELEASED: &str = "DO $$ BEGIN
         WHILE NOT EXISTS (SELECT FROM pg_tables WHERE tablename = 'released') LOOP
             PERFORM pg_sleep(0.01);
         END LOOP;
     END $$";

/// Counts the statements in the current database that wait for a lock.
const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock'";

/// Counts the connections of stores to the current database.
const CONNECTIONS: &str = "SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'latchkey'";

/// Creates a database on a server of the test's own.
fn create_database(cluster: &Cluster) -> String {
    block_in_place(|| cluster.create_database(None))
}

fn sql(cluster: &Cluster, database: &str, sql: &str) -> String {
    block_in_place(|| cluster.sql(database, sql))
}

fn user(email: &str) -> User {
    let email = Email::parse(email).unwrap();
    User {
        id: UserId::generate(NOW, &SystemRandom),
        email,
        created_at: NOW,
        disabled_at: None,
        email_verified_at: None,
        second_factor_at: None,
        roles: Roles::NONE,
    }
}

fn hash() -> PasswordHash {
    static HASH: OnceLock<PasswordHash> = OnceLock::new();
    let hash = || {
        let password = NewPassword::parse("a long walk", &PasswordPolicy::default(), &[]).unwrap();
        PasswordHasher::new(PasswordHasher::MIN_ITERATIONS).unwrap().hash(&password, &SystemRandom)
    };
    HASH.get_or_init(hash).clone()
}

async fn create(store: &PostgresStore, user: &User) -> Result<(), StoreError> {
    let event = Event::by_user(EventKind::AccountCreated, NOW, ClientInfo::default());
    match store.create_user(user, &hash(), &event.about(user.id), None).await {
        Ok(()) => Ok(()),
        Err(CreateUserError::Store(error)) => Err(error),
        Err(CreateUserError::EmailTaken) => unreachable!("taken by the account itself"),
        Err(CreateUserError::InvitationInvalid) => unreachable!("no invitation is used"),
        Err(CreateUserError::OutboxFull) => unreachable!("no mail is added"),
    }
}

async fn sign_up(store: &PostgresStore, email: &str) -> User {
    let user = user(email);
    create(store, &user).await.unwrap();
    user
}

fn new_session(user: &User) -> (NewSession, RefreshToken) {
    let token = RefreshToken::generate(&SystemRandom);
    let open = OpenSession {
        user_id: user.id,
        remember: false,
        amr: Amr::PASSWORD,
        policy: &SessionPolicy::default(),
    };
    let session = Session::open(open, NOW, &SystemRandom);
    (NewSession::new(session, ClientInfo::default(), &token), token)
}

/// Opens a session with the first password of the account.
async fn open_session(store: &PostgresStore, new: &NewSession) -> Result<(), StoreError> {
    match store.open_session(new, PasswordVersion(0), None).await? {
        OpenSessionOutcome::Opened { .. } => Ok(()),
        OpenSessionOutcome::CredentialsChanged | OpenSessionOutcome::SecondFactorRequired => {
            unreachable!("the account exists")
        }
    }
}

async fn sign_in(store: &PostgresStore, user: &User) -> (Session, RefreshToken) {
    let (new, token) = new_session(user);
    open_session(store, &new).await.unwrap();
    (new.session, token)
}

async fn is_alive(store: &PostgresStore, session: &Session) -> Result<bool, StoreError> {
    Ok(store.session(session.id, NOW).await?.is_some())
}

fn acting(session: &Session) -> ActingSession {
    ActingSession { session: *session, client: ClientInfo::default() }
}

fn reauthentication(session: &Session) -> Reauthentication {
    let verified = PasswordVersion(0);
    Reauthentication { session: *session, client: ClientInfo::default(), verified }
}

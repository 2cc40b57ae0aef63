//! Compares the SQL statements of sign-ins and of requests for mails with and without an account.
//! If a rejected sign-in ran a different number of statements for an account than for none, its
//! response time would reveal which email addresses have accounts. Also checks which requests write
//! nothing, and how many statements handlers of events need.
//!
//! This test has a program of its own, because it records the statements of the whole process.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;

use accounts::{
    Accounts, Caller, ClientInfo, DeviceToken, Email, MailTransport, OutgoingMail,
    RequestSignInCode, SendMailError, SignIn, SignInError, Store, StoredUser, User, UserId,
};
use async_trait::async_trait;
use auth_core::SystemRandom;
use test_postgres::Database;
use tokio::sync::{Mutex, MutexGuard};
use user_store::{PostgresConfig, PostgresStore, SqliteStore, StatementRecord};

const PASSWORD: &str = "a long walk along the sea";

const KNOWN: &str = "ada@example.com";
const DISABLED: &str = "eve@example.com";
const OTHER: &str = "grace@example.com";
const EMAILS: [&str; 4] = [KNOWN, DISABLED, "nobody@example.com", "no address"];

struct App {
    accounts: Arc<Accounts>,
    store: Arc<dyn Store>,
    record: StatementRecord,
    _location: Location,
    _turn: MutexGuard<'static, ()>,
}

/// The location of the accounts.
enum Location {
    Folder(tempfile::TempDir),
    Database(Database),
}

impl Location {
    fn sqlite() -> Self {
        Self::Folder(tempfile::tempdir().unwrap())
    }

    fn postgres() -> Self {
        Self::Database(test_postgres::shared().create_database(None))
    }
}

/// A transport that discards mails.
struct Discard;

#[async_trait]
impl MailTransport for Discard {
    async fn send(&self, _: &OutgoingMail) -> Result<(), SendMailError> {
        Ok(())
    }
}

/// Lets one test run at a time.
static TURN: Mutex<()> = Mutex::const_new(());

impl App {
    async fn new(location: Location) -> Self {
        let turn = TURN.lock().await;
        let builder = Accounts::builder()
            .public_url("https://auth.example.com")
            .mail(Discard)
            .email_sign_in()
            .pbkdf2_iterations(1_000)
            .accept_weaknesses()
            .without_maintenance();
        let store: Arc<dyn Store> = match &location {
            Location::Folder(folder) => {
                Arc::new(SqliteStore::open(&folder.path().join("latchkey.db")).unwrap())
            }
            Location::Database(database) => {
                let config = PostgresConfig::parse(&database.url()).unwrap().with_long_timeouts();
                PostgresStore::migrate(&config).await.unwrap();
                // Unlike a server, a command does not renew a row from time to time.
                Arc::new(PostgresStore::open_existing(&config).await.unwrap())
            }
        };
        let accounts = builder.store(Arc::clone(&store)).build().await.unwrap();
        let record = StatementRecord::start();
        for email in [KNOWN, DISABLED, OTHER] {
            accounts.sign_up(email, PASSWORD, &at(0, None)).await.unwrap();
        }
        Self { accounts, store, record, _location: location, _turn: turn }
    }

    async fn device(&self, email: &str) -> Option<DeviceToken> {
        let caller = at(0, None);
        let outcome = self.accounts.sign_in(SignIn::new(email, PASSWORD, &caller)).await;
        outcome.unwrap().into_tokens().unwrap().device
    }

    /// Returns the result of a sign-in, and the SQL statements that it ran.
    async fn sign_in(&self, email: &str, password: &str, caller: &Caller) -> (Status, Vec<String>) {
        let _ = self.record.take();
        let result = self.accounts.sign_in(SignIn::new(email, password, caller)).await;
        self.accounts.drain().await;
        let status = match result {
            Ok(_) => Status::Ok,
            Err(SignInError::InvalidCredentials) => Status::InvalidCredentials,
            Err(SignInError::TooManyAttempts { .. }) => Status::TooManyAttempts,
            Err(SignInError::Service(error)) => unreachable!("{error}"),
        };
        (status, self.record.take())
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Status {
    Ok,
    InvalidCredentials,
    TooManyAttempts,
}

fn at(ip: u8, device: Option<DeviceToken>) -> Caller {
    let client = ClientInfo::new(Some([192, 0, 2, ip].into()), None);
    Caller { device, ..client.into() }
}

/// Removes the read of the signing keys, which a device token of an unknown key causes at most once
/// a second. It comes first, before the account is looked up.
fn without_key_read(mut statements: Vec<String>) -> Vec<String> {
    if statements.get(1).is_some_and(|sql| sql.ends_with("FROM signing_key_set")) {
        let end = statements.iter().position(|sql| sql == "ROLLBACK").unwrap();
        let _ = statements.drain(..=end);
    }
    // On PostgreSQL, one statement reads the version and the keys.
    if statements.get(1).is_some_and(|sql| sql.contains("JOIN signing_keys")) {
        let _ = statements.drain(..2);
    }
    statements
}

#[tokio::test]
async fn rejected_sign_ins_run_the_same_statements_with_and_without_an_account() {
    compare_rejected_sign_ins(Location::sqlite(), 1).await;
}

#[tokio::test]
async fn rejected_sign_ins_run_the_same_statements_on_postgresql() {
    // Every read is preceded by a check that the server is not a standby.
    compare_rejected_sign_ins(Location::postgres(), 2).await;
}

/// `read` is the number of statements that a read of the counters runs.
async fn compare_rejected_sign_ins(location: Location, read: usize) {
    let app = App::new(location).await;
    let own = app.device(KNOWN).await;
    let of_another_account = app.device(OTHER).await;
    let junk = DeviceToken::parse(&"A".repeat(107)).ok();
    assert!(own.is_some() && junk.is_some());
    app.accounts.operator().disable(user_id(&app, DISABLED).await).await.unwrap();

    let mut ip = 0;
    let (mut failed, mut throttled) = (Vec::new(), Vec::new());
    for email in EMAILS {
        for device in [&None, &junk, &of_another_account, &own] {
            ip += 1;
            let caller = at(ip, device.clone());
            let is_own = email == KNOWN && std::ptr::eq(device, &own);
            for n in 0..10 {
                let (status, statements) = app.sign_in(email, "wrong", &caller).await;
                let statements = without_key_read(statements);
                assert_eq!(status, Status::InvalidCredentials, "{email}");
                // Only the owner has a known browser, which has fewer counters. The tenth failure
                // also records the lockout.
                if n < 9 && !is_own {
                    failed.push((email.contains('@'), statements));
                }
            }
            for password in ["wrong", PASSWORD] {
                let (status, statements) = app.sign_in(email, password, &caller).await;
                let statements = without_key_read(statements);
                assert_eq!(status, Status::TooManyAttempts, "{email}");
                throttled.push(statements);
            }
        }
    }
    // A throttled sign-in reads its counters once. It neither looks up the account nor writes.
    assert_eq!(throttled[0].len(), read, "{:?}", throttled[0]);
    assert!(throttled[0][read - 1].contains("FROM counters"));
    assert!(throttled.iter().all(|statements| *statements == throttled[0]));
    // A failed sign-in runs the same statements with and without an account. Text that is not an
    // email address cannot have an account, so nothing is looked up.
    assert!(failed[0].1.iter().any(|statement| statement.contains("INTO events")));
    for (is_address, statements) in &failed {
        let expected = failed[0].1.iter().filter(|it| *is_address || !it.contains("password_hash"));
        assert!(statements.iter().eq(expected), "{statements:#?}");
    }
}

#[tokio::test]
async fn a_successful_sign_in_reads_its_counters_three_times_and_leaves_none() {
    let statements = successful_sign_in(Location::sqlite()).await;
    let count = |part: &str| statements.iter().filter(|sql| sql.contains(part)).count();
    assert_eq!(count("SELECT key, state FROM counters"), 3, "{statements:#?}");
    assert_eq!((count("INTO counters"), count("DELETE FROM counters")), (3, 1));
    assert_eq!(count("COMMIT"), 3);
}

#[tokio::test]
async fn a_successful_sign_in_on_postgresql_writes_all_counters_with_one_statement() {
    let statements = successful_sign_in(Location::postgres()).await;
    let count = |part: &str| statements.iter().filter(|sql| sql.contains(part)).count();
    assert_eq!(count("SELECT key, state FROM counters"), 3, "{statements:#?}");
    assert_eq!((count("UPDATE counters"), count("DELETE FROM counters")), (1, 1));
    // Before each of the two changes, missing rows are inserted, so that they can be locked.
    assert_eq!(count("INTO counters"), 2);
    assert_eq!(statements.iter().filter(|sql| *sql == "COMMIT").count(), 3);
}

/// Returns the statements of a successful sign-in.
async fn successful_sign_in(location: Location) -> Vec<String> {
    let app = App::new(location).await;
    let (_, first) = app.sign_in(KNOWN, PASSWORD, &at(1, None)).await;
    let (status, statements) = app.sign_in(KNOWN, PASSWORD, &at(1, None)).await;
    assert_eq!((status, first.len()), (Status::Ok, statements.len()));
    statements
}

#[tokio::test]
async fn requests_for_mails_run_the_same_statements_with_and_without_an_account() {
    compare_mail_requests(Location::sqlite()).await;
}

#[tokio::test]
async fn requests_for_mails_run_the_same_statements_on_postgresql() {
    compare_mail_requests(Location::postgres()).await;
}

async fn compare_mail_requests(location: Location) {
    let app = App::new(location).await;
    let operator = app.accounts.operator();
    operator.disable(user_id(&app, DISABLED).await).await.unwrap();
    operator.verify_email(user_id(&app, KNOWN).await).await.unwrap();
    let (mut resets, mut codes) = (Vec::new(), Vec::new());
    // The account of `OTHER` is not verified.
    for (ip, email) in [KNOWN, OTHER, DISABLED, "nobody@example.com"].into_iter().enumerate() {
        let caller = at(u8::try_from(ip).unwrap() + 1, None);
        for request in 0..2 {
            let _ = app.record.take();
            app.accounts.request_password_reset(email, &caller).await.unwrap();
            app.accounts.drain().await;
            resets.push((request, app.record.take()));
            let code = RequestSignInCode { email, remember: false, caller: &caller };
            app.accounts.request_sign_in_code(code).await.unwrap();
            app.accounts.drain().await;
            codes.push((request, app.record.take()));
        }
    }
    for requests in [resets, codes] {
        assert!(requests[0].1.iter().any(|statement| statement.contains("INTO mails")));
        for (request, statements) in &requests {
            assert_eq!(*statements, requests[*request].1);
        }
    }
}

#[tokio::test]
async fn options_to_log_in_with_a_passkey_write_nothing() {
    assert_options_write_nothing(Location::sqlite()).await;
}

#[tokio::test]
async fn options_to_log_in_with_a_passkey_write_nothing_on_postgresql() {
    assert_options_write_nothing(Location::postgres()).await;
}

/// The log-in page requests these options when it is opened.
async fn assert_options_write_nothing(location: Location) {
    let app = App::new(location).await;
    let _ = app.record.take();
    for _ in 0..3 {
        app.accounts.passkey_sign_in_options(None).await.unwrap();
        app.accounts.drain().await;
    }
    let statements = app.record.take();
    let is_write = |sql: &&String| {
        let keywords = ["INSERT", "UPDATE", "DELETE", "IMMEDIATE", "COMMIT"];
        keywords.iter().any(|keyword| sql.contains(keyword))
    };
    assert_eq!(statements.iter().find(is_write), None, "{statements:#?}");
}

#[tokio::test]
async fn a_handler_of_events_reads_once_when_idle_and_stores_its_position_in_batches() {
    compare_followers(Location::sqlite()).await;
}

#[tokio::test]
async fn a_handler_of_events_on_postgresql_stores_its_position_in_batches() {
    compare_followers(Location::postgres()).await;
}

async fn compare_followers(location: Location) {
    const USERS: usize = 1_000;
    let app = App::new(location).await;
    let exported = app.accounts.operator().export(None, 1).await.unwrap();
    let store = Arc::clone(&app.store);
    let follower = Accounts::builder()
        .store(store)
        .public_url("https://auth.example.com")
        .without_maintenance()
        .on_event("counter", |_| ready(Ok::<(), Infallible>(())))
        .build()
        .await
        .unwrap();
    let users = (0..USERS).map(|number| StoredUser {
        user: User {
            id: UserId::generate(app.accounts.now(), &SystemRandom),
            email: Email::parse(&format!("user{number}@example.com")).unwrap(),
            ..exported[0].user.clone()
        },
        ..exported[0].clone()
    });
    let _ = app.accounts.operator().import(users.collect()).await.unwrap();
    // On PostgreSQL, transactions of other tests delay the events.
    app.accounts.operator().events(None, None, 10_000).await.unwrap();
    let _ = app.record.take();
    assert_eq!(follower.deliver_events().await.unwrap(), USERS);
    let statements = app.record.take();
    let writes = statements.iter().filter(|sql| sql.starts_with("UPDATE event_followers")).count();
    assert!((2..USERS / 10).contains(&writes), "{writes} writes");

    assert_eq!(follower.deliver_events().await.unwrap(), 0);
    let statements = app.record.take();
    let is_read = |sql: &&String| !sql.contains("pg_is_in_recovery");
    let reads: Vec<_> = statements.iter().filter(is_read).collect();
    assert_eq!(reads.len(), 1, "{statements:#?}");
    assert!(reads[0].starts_with("SELECT") && reads[0].contains("FROM event_followers"));
}

async fn user_id(app: &App, email: &str) -> UserId {
    app.accounts.operator().user(email).await.unwrap().id
}

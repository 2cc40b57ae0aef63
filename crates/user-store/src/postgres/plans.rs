//! Tests of the server's plans for the statements that requests run.

use auth_core::{
    CounterKey, DecoyPosition, Email, EmailHash, EmailSignInToken, FamilyHash, MailId, Network,
    RefreshToken, ResetToken, SessionId, SystemRandom, Timestamp, UserId,
};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};

use crate::postgres::config::PostgresConfig;
use crate::postgres::query::Query;
use crate::postgres::statements::{attempts, audit, codes, decoys, mails, sessions, users};
use crate::postgres::store::PostgresStore;
use crate::rules::codes::CodePurpose;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

const HASH: &str = "$pbkdf2-sha256$i=600000,l=32$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Fills the tables with 10,000 accounts, each with a session, an event and a counter.
const FILL: &str = "
    INSERT INTO users (id, email, email_key, password_hash, created_at)
        SELECT gen_random_uuid(), 'user' || n || '@example.com', 'user' || n || '@example.com',
            repeat('x', 100), n
        FROM generate_series(1, 10000) n;
    INSERT INTO sessions (id, user_id, created_at, last_used_at, idle_expires_at, expires_at,
            remember, refresh_family, refresh_token)
        SELECT gen_random_uuid(), id, created_at, created_at, created_at, created_at, false,
            sha256(email::bytea), sha256(email::bytea)
        FROM users;
    INSERT INTO events (at, kind, operator, user_id) SELECT created_at, 'signed_in', false, id
        FROM users;
    INSERT INTO counters (key, state, ends_at) SELECT sha256(email::bytea), '{}', created_at
        FROM users;
    INSERT INTO codes (hash, purpose, email_hash, user_id, browser, new_email_key, expires_at)
        SELECT sha256(email::bytea), 'change_email', sha256(email::bytea), id,
            sha256(email::bytea), 'new.' || email, created_at
        FROM users;
    INSERT INTO mails (id, kind, purpose, email_hash, user_id, recipient, message, network,
            created_at, expires_at, next_attempt_at)
        SELECT id, CASE created_at % 2 WHEN 0 THEN 'nothing' ELSE 'change_email' END,
            'change_email', sha256(email::bytea), id, email, repeat('x', 200),
            sha256((created_at % 100)::text::bytea), created_at, created_at, created_at
        FROM users;
    INSERT INTO decoys (position, template) SELECT n, repeat('x', 100)
        FROM generate_series(0, 191) n;
    ANALYZE";

async fn connect(database: &test_postgres::Database) -> Client {
    PostgresStore::open(&PostgresConfig::parse(&database.url()).unwrap()).await.unwrap();
    let (client, connection) = tokio_postgres::connect(&database.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(FILL).await.unwrap();
    client
}

async fn plan(client: &Client, query: &Query) -> String {
    let parameters: Vec<_> =
        query.parameters.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
    let explain = format!("EXPLAIN (COSTS OFF) {}", query.sql);
    let rows = client.query(&explain, &parameters).await.unwrap();
    rows.iter().map(|row| row.get::<_, String>(0) + "\n").collect()
}

#[tokio::test]
async fn no_statement_of_a_request_reads_a_whole_table() {
    let database = test_postgres::shared().create_database(None);
    let client = connect(&database).await;
    let (user, session) =
        (UserId::generate(NOW, &SystemRandom), SessionId::generate(NOW, &SystemRandom));
    let family: FamilyHash = RefreshToken::generate(&SystemRandom).family();
    let email = Email::parse("user7@example.com").unwrap();
    let hash = HASH.parse().unwrap();
    let token = ResetToken::generate(&SystemRandom).hash();
    let browser = EmailSignInToken::generate(&SystemRandom).hash();
    let mail = MailId::generate(NOW, &SystemRandom);
    let email_hash = EmailHash::of(email.key());
    let statements = [
        users::credentials(email.key(), DecoyPosition::default()),
        users::by_id(user),
        users::by_email(email.key()),
        users::with_hash(user),
        users::page(Some(user), 100),
        users::page_with_hashes(None, 100),
        users::lock(user),
        users::lock_to_delete(user),
        users::rehash(user, &hash),
        users::set_disabled_at(user, None),
        users::delete(user),
        decoys::page_of_hashes(Some(user), 100),
        attempts::lock_of_account("user7@example.com"),
        audit::of_user(user, 100),
        audit::repeats(&family),
        sessions::with_user(session),
        sessions::by_family(&family),
        sessions::lock_by_family(&family),
        sessions::pair(session, session),
        sessions::lock_of_user(user),
        sessions::records_of_user(user),
        sessions::delete([session]),
        sessions::delete_all(user),
        sessions::lock_expired(NOW, 100),
        users::lock_by_email(email.key()),
        codes::by_hash(&token),
        codes::by_browser(&browser),
        codes::lock_by_hash(&token),
        codes::lock_by_browser(&browser),
        codes::lock_of_user(user, CodePurpose::ChangeEmail),
        codes::owner_of_new_email(user),
        codes::count_try(token.as_bytes()),
        codes::delete(vec![token.as_bytes().to_vec()]),
        codes::delete_of_user(user),
        codes::delete_of_email(CodePurpose::ChangeEmail, &email_hash),
        codes::lock_expired(NOW, 100),
        mails::lock_due(NOW, 100),
        mails::any_due(NOW),
        mails::lock_unsendable(NOW, 100),
        mails::delete(&[mail]),
        mails::delete_sent(mail),
        mails::delete_unsent(CodePurpose::ChangeEmail, &email_hash),
        mails::delete_codes_of_user(user),
        mails::delete_of_user(user),
        mails::user(mail),
        mails::lock(mail),
        mails::page(Some(mail), 100),
        mails::page(None, 100),
        mails::lock_expired(NOW, 100),
    ];
    for query in statements {
        let plan = plan(&client, &query).await;
        for table in ["users", "sessions", "events", "counters", "codes", "mails"] {
            let scan = format!("Seq Scan on {table}");
            assert!(!plan.contains(&scan), "{}\n{plan}", query.sql);
        }
    }
}

/// The count of all unsent mails reads every unsent mail, up to the limit of the outbox.
#[tokio::test]
async fn the_unsent_mails_of_a_network_are_counted_by_an_index() {
    let database = test_postgres::shared().create_database(None);
    let client = connect(&database).await;
    let query = mails::unsent(&CounterKey::mails_by_network(Network::of(None)));
    let plan = plan(&client, &query).await;
    let (of_network, all) = plan.split_once("InitPlan 2").unwrap();
    assert!(of_network.contains("mails_by_network"), "{plan}");
    assert!(all.contains("Limit"), "{plan}");
}

/// The response time would reveal which email addresses have accounts.
#[tokio::test]
async fn credentials_have_the_same_plan_for_known_and_unknown_email_addresses() {
    let database = test_postgres::shared().create_database(None);
    let client = connect(&database).await;
    let mut plans = Vec::new();
    for (email, position) in [
        ("user7@example.com", 0),
        ("user7@example.com", 255),
        ("a@example.com", 0),
        ("z@z.zz", 255),
    ] {
        let email = Email::parse(email).unwrap();
        let position = DecoyPosition::from_number(position);
        let query = users::credentials(email.key(), position);
        let text = plan(&client, &query).await;
        // The plan contains the values of the parameters.
        let position = format!("= {}", position.number());
        plans.push(text.replace(email.as_str(), "EMAIL").replace(&position, "= POSITION"));
    }
    plans.dedup();
    assert_eq!(plans.len(), 1, "{plans:#?}");
    // Both tables are searched whatever the other search finds.
    assert!(!plans[0].contains("One-Time Filter") && !plans[0].contains("SubPlan"), "{plans:#?}");
}

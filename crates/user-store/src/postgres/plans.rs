//! Tests of the server's plans for the statements that requests run.

use auth_core::{
    CounterKey, CredentialId, DecoyPosition, Email, EmailHash, EmailSignInToken, FamilyHash,
    MailId, Network, PasskeyId, PasskeyName, PasskeyState, RecoveryCode, RefreshToken, ResetToken,
    Roles, SessionId, SingleUseId, SystemRandom, Timestamp, TotpStep, UserId,
};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls};

use crate::metadata::{Metadata, MetadataValue};
use crate::postgres::config::PostgresConfig;
use crate::postgres::query::Query;
use crate::postgres::statements::{
    attempts, audit, codes, decoys, factors, followers, mails, metadata, sessions, users,
};
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
    INSERT INTO totp (user_id, secret, created_at, last_step)
        SELECT id, substr(sha256(email::bytea), 1, 20), created_at, 0 FROM users;
    INSERT INTO pending_totp (user_id, secret, expires_at)
        SELECT user_id, secret, created_at FROM totp;
    INSERT INTO recovery_codes (hash, user_id) SELECT sha256(email::bytea), id FROM users;
    INSERT INTO recovery_code_lists (user_id, created_at) SELECT id, created_at FROM users;
    INSERT INTO passkeys (id, user_id, credential_id, public_key, name, sign_count,
            backup_eligible, backed_up, created_at)
        SELECT gen_random_uuid(), id, sha256(email::bytea), sha256(email::bytea), 'x', 0, false,
            false, created_at
        FROM users;
    INSERT INTO code_failures (user_id, app_codes) SELECT id, repeat('x', 100) FROM users;
    INSERT INTO user_metadata (user_id, public, private)
        SELECT id, '7', repeat('x', 100) FROM users;
    INSERT INTO used_ids (id, expires_at)
        SELECT substr(sha256(email::bytea), 1, 16), created_at FROM users;
    INSERT INTO event_followers VALUES ('notes', 0, 0, 0);
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
    let recovery_code = RecoveryCode::parse(&"A".repeat(24)).unwrap().hash();
    let passkey = PasskeyId::generate(NOW, &SystemRandom);
    let name = PasskeyName::parse("x").unwrap();
    let credential = CredentialId::from_bytes(&[7; 32]).unwrap();
    let state = PasskeyState { sign_count: 1, backup_eligible: false, backed_up: false };
    let id = SingleUseId::generate(&SystemRandom);
    let value = Some(MetadataValue::from_stored("7"));
    let values = Metadata { public: value.clone(), private: value };
    let statements = [
        users::credentials(email.key(), DecoyPosition::default()),
        users::by_id(user),
        users::state(user),
        users::by_email(email.key()),
        users::stored(user),
        users::page(Some(user), 100),
        users::stored_page(None, 100),
        users::lock(user),
        users::lock_to_delete(user),
        users::rehash(user, &hash),
        users::set_disabled_at(user, None),
        users::set_roles(user, &Roles::NONE),
        users::roles_by_family(&family),
        metadata::of_user(user),
        metadata::set(user, &Metadata::default()),
        metadata::set(user, &values),
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
        codes::lock_of_email(CodePurpose::ChangeEmail, &email_hash),
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
        followers::follower("notes"),
        factors::set_second_factor_at(user, Some(NOW)),
        factors::totp(user),
        factors::use_totp(user, TotpStep::at(NOW), NOW),
        factors::delete_totp(user),
        factors::pending_totp(user),
        factors::delete_pending_totp([user]),
        factors::lock_expired_totp(NOW, 100),
        factors::recovery_codes(user),
        factors::recovery_code(user, &recovery_code),
        factors::delete_recovery_code(&recovery_code),
        factors::passkeys_of_user(user),
        factors::passkey_ids(user),
        factors::passkey(passkey),
        factors::passkey_by_credential(&credential),
        factors::use_passkey(passkey, &state, NOW),
        factors::rename_passkey(passkey, &name),
        factors::delete_passkey(passkey),
        factors::delete_passkeys(user),
        factors::failures(user),
        factors::delete_failures(user),
        factors::used(&[id]),
        factors::lock_expired_ids(NOW, 100),
        factors::delete_ids(&[id]),
    ];
    let statements = statements.into_iter().chain(factors::delete_recovery_codes(user));
    for query in statements {
        let plan = plan(&client, &query).await;
        for table in [
            "users",
            "sessions",
            "events",
            "counters",
            "codes",
            "mails",
            "totp",
            "pending_totp",
            "recovery_codes",
            "recovery_code_lists",
            "passkeys",
            "code_failures",
            "used_ids",
            "user_metadata",
        ] {
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

use std::time::Duration;

use auth_core::{
    Amr, ClientInfo, CounterKey, DecoyPosition, Email, OpenSession, PasswordHash, RefreshToken,
    Roles, Session, SessionPolicy, SystemRandom, Timestamp, UserId,
};
use tokio::task::JoinSet;
use user_store::{
    AuditLog as _, CreateUserError, Event, EventKind, NewSession, OpenSessionOutcome,
    PostgresStore, RotateOutcome, Rotation, SessionStore as _, UpdateUserOutcome, User,
    UserStore as _,
};

use super::{new_database, open};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

const HASH: &str =
    "$pbkdf2-sha256$i=1000,l=32$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

async fn sign_up(store: &PostgresStore, email: &str) -> User {
    let email = Email::parse(email).unwrap();
    let id = UserId::generate(NOW, &SystemRandom);
    let user = User {
        id,
        email,
        created_at: NOW,
        disabled_at: None,
        email_verified_at: None,
        second_factor_at: None,
        roles: Roles::NONE,
    };
    let event = Event::by_user(EventKind::AccountCreated, NOW, ClientInfo::default()).about(id);
    let hash: PasswordHash = HASH.parse().unwrap();
    store.create_user(&user, &hash, &event, None).await.unwrap();
    user
}

async fn open_session(store: &PostgresStore, user: &User) -> RefreshToken {
    let policy = &SessionPolicy::default();
    let open = OpenSession { user_id: user.id, remember: false, amr: Amr::PASSWORD, policy };
    let session = Session::open(open, NOW, &SystemRandom);
    let token = RefreshToken::generate(&SystemRandom);
    let new = NewSession::new(session, ClientInfo::default(), &token);
    let position = DecoyPosition::default();
    let found = store.credentials(user.email.key(), &position).await.unwrap().account().unwrap();
    let opened = store.open_session(&new, found.password_version, None).await.unwrap();
    assert!(matches!(opened, OpenSessionOutcome::Opened { .. }));
    token
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_event_cannot_be_changed_or_deleted_early() {
    let database = new_database();
    let ada = sign_up(&open(&database.url()).await, "ada@example.com").await;
    let try_sql = |sql: &str| {
        let attempt = "DO $$ BEGIN {sql}; RAISE 'not rejected';
             EXCEPTION WHEN integrity_constraint_violation THEN NULL; END $$";
        database.sql(&attempt.replace("{sql}", sql));
    };
    try_sql("UPDATE events SET ip = NULL");
    try_sql("DELETE FROM events");
    try_sql("TRUNCATE events");
    try_sql(&format!("PERFORM latchkey_delete_events_of('{}')", ada.id));
    database.sql("SELECT latchkey_purge_events(9223372036854775807, 100)");
    assert_eq!(database.sql("SELECT count(*) FROM events").trim(), "1");
}

/// A server's clock can be wrong, and a server's role can insert any event.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_in_the_future_does_not_make_others_old() {
    let database = new_database();
    drop(open(&database.url()).await);
    database.sql(
        "INSERT INTO events (at, kind, operator) VALUES
             (9223372036854775807, 'in the future', false),
             ((extract(epoch FROM clock_timestamp()) * 1000)::bigint, 'now', false),
             (0, 'long ago', false)",
    );
    assert_eq!(database.sql("SELECT latchkey_purge_events(9223372036854775807, 100)"), "1");
    let kept = database.sql("SELECT kind FROM events ORDER BY at");
    assert_eq!(kept.lines().collect::<Vec<_>>(), ["now", "in the future"]);
    let delete = "DO $$ BEGIN DELETE FROM events; RAISE 'not rejected';
         EXCEPTION WHEN integrity_constraint_violation THEN NULL; END $$";
    database.sql(delete);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_without_rights_to_change_events_can_delete_accounts_and_purge_events() {
    let database = new_database();
    let owner = open(&database.url()).await;
    let role = format!("app_{}", database.name());
    database.sql(&format!(
        "CREATE ROLE {role} LOGIN;
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role};
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role};
         REVOKE UPDATE, DELETE ON events FROM {role};"
    ));
    let url = database.url();
    let (scheme, rest) = url.split_once("://").unwrap();
    let (_, server) = rest.split_once('@').unwrap();
    let store = open(&format!("{scheme}://{role}@{server}")).await;
    let ada = sign_up(&store, "ada@example.com").await;
    open_session(&store, &ada).await;
    assert_eq!(store.delete_user(ada.id, None, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    assert_eq!(database.sql("SELECT kind FROM events").trim(), "account_deleted");
    database.sql("INSERT INTO events (at, kind, operator) VALUES (7776000001, 'x', true)");
    let purged = store.purge_events(Timestamp::MAX, 10).await.unwrap();
    assert_eq!(purged, 1);
    drop((owner, store));
    database.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

/// A refresh records an event in a session that the deletion ends.
#[tokio::test(flavor = "multi_thread")]
async fn no_event_of_a_session_remains_after_a_deletion_that_races_with_its_reuse() {
    let database = new_database();
    let store = open(&database.url()).await;
    for n in 0..20 {
        let user = sign_up(&store, &format!("user{n}@example.com")).await;
        let token = open_session(&store, &user).await;
        let policy = SessionPolicy::default();
        let (rotation, _) = Rotation::new(&token, ClientInfo::default(), &SystemRandom);
        let rotated = store.rotate_refresh_token(&rotation, &policy, NOW).await.unwrap();
        assert!(matches!(rotated, RotateOutcome::Rotated(..)));
        let late = NOW + Duration::from_mins(5);
        let (reuse, _) = Rotation::new(&token, ClientInfo::default(), &SystemRandom);
        let mut race = JoinSet::new();
        race.spawn({
            let store = store.clone();
            async move {
                let _ = store.rotate_refresh_token(&reuse, &policy, late).await.unwrap();
            }
        });
        race.spawn({
            let store = store.clone();
            async move {
                let deleted = store.delete_user(user.id, None, late).await.unwrap();
                assert_eq!(deleted, UpdateUserOutcome::Updated);
            }
        });
        race.join_all().await;
        let sql = format!("SELECT kind FROM events WHERE user_id = '{}'", user.id);
        assert_eq!(database.sql(&sql).trim(), "account_deleted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_removes_the_counters_of_the_account_only() {
    let database = new_database();
    let store = open(&database.url()).await;
    let ada = sign_up(&store, "ada@example.com").await;
    for email in ["ada@example.com", "grace@example.com"] {
        let range = CounterKey::range_of_account(email);
        let key: String =
            range.start().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        database.sql(&format!("INSERT INTO counters VALUES ('\\x{key}', '{{}}', 1)"));
    }
    assert_eq!(store.delete_user(ada.id, None, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    assert_eq!(database.sql("SELECT count(*) FROM counters").trim(), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_up_with_the_id_of_an_account_fails() {
    let database = new_database();
    let store = open(&database.url()).await;
    let ada = sign_up(&store, "ada@example.com").await;
    let grace = User { email: Email::parse("grace@example.com").unwrap(), ..ada };
    let event = Event::by_user(EventKind::AccountCreated, NOW, ClientInfo::default());
    let created = store.create_user(&grace, &HASH.parse().unwrap(), &event, None).await;
    assert!(matches!(created, Err(CreateUserError::Store(_))), "{created:?}");
    assert_eq!(database.sql("SELECT count(*) FROM users").trim(), "1");
}

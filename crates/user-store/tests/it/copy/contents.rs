use auth_core::{
    Admission, Amr, ClientInfo, CounterKey, DecoyKey, DecoyPosition, Email, Limit, Network,
    OpenSession, RefreshToken, Roles, Session, SessionPolicy, SigningKey, SystemRandom, Timestamp,
    UserId,
};
use rusqlite::Connection;
use test_postgres::shared;
use user_store::{
    AuditLog as _, CopyOutcome, DecoyStore as _, Event, EventId, EventKind, FollowerStore as _,
    KeyStore as _, LimitedCounter, Metadata, NewSession, OpenSessionOutcome, PostgresConfig,
    PostgresStore, RotateOutcome, Rotation, SettledAttempt, Settlement, SqliteStore, Start, Store,
    StoreLocation, StoredUser, User, UserStore as _,
};

use super::{Stores, copy, dump};

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 123_000_000);

/// A user with a session, and the current refresh token of the session.
struct SignedIn {
    user: User,
    session: Session,
    token: RefreshToken,
}

/// Fills all columns of all tables, also with values that Latchkey cannot parse.
async fn fill(stores: &Stores, name: &str) -> SignedIn {
    let path = stores.path(name);
    let store = SqliteStore::open(&path).unwrap();
    let signed_in = sign_in(&store).await;
    for _ in 0..10 {
        fail(&store).await;
    }
    for _ in 0..2 {
        let key = SigningKey::generate(&SystemRandom);
        store.add_signing_key(&key, NOW, NOW).await.unwrap();
    }
    store.ensure_decoy_key(&DecoyKey::generate(&SystemRandom)).await.unwrap();
    let foreign = "pbkdf2:sha256:5000$AVaITkTz2eBKnxgk$e0d887524f408d05717eea8f539ddc68d356c822e90ada9f1fb1c09770db8d5c";
    let imported = StoredUser {
        user: user("grace@example.com"),
        password_hash: foreign.parse().unwrap(),
        metadata: Metadata::default(),
    };
    let _ = store.import_users(&[imported], NOW).await.unwrap();
    let _ = store.recount_decoys(NOW).await.unwrap();
    drop(store);
    let sql = "
        UPDATE users SET device_version = 3, password_version = 2 WHERE email LIKE 'grace%';
        INSERT INTO users (id, email, email_key, password_hash, created_at, disabled_at)
        VALUES (x'ffffffffffffffffffffffffffffffff', 'É@example.com', 'é@example.com', 'unknown', -1, 9);
        INSERT INTO events (
            id, at, kind, operator, user_id, session_id, ip, user_agent, kid, amr, detail
        )
        VALUES (900, 1700000000123, 'of_the_future', 1, zeroblob(16), zeroblob(16), '::1', 'ünï', 'k',
            'pwd of_the_future', 'of the future');
        UPDATE users SET roles = 'admin Of_The_Future' WHERE email LIKE 'grace%';
        INSERT INTO user_metadata SELECT number, nullif('[1]', iif(number = 1, '[1]', '')), '\"ünï\"' FROM users;
        INSERT INTO totp SELECT number, randomblob(20), 1, nullif(number, 1), 2 FROM users;
        INSERT INTO pending_totp SELECT number, randomblob(20), 3 FROM users;
        INSERT INTO recovery_codes SELECT randomblob(32), number FROM users;
        INSERT INTO recovery_codes SELECT randomblob(32), number FROM users;
        INSERT INTO recovery_code_lists SELECT number, 4 FROM users;
        INSERT INTO passkeys SELECT randomblob(16), number, randomblob(1023), randomblob(77), 'Schlüssel',
            4294967295, 1, number % 2, 5, nullif(number, 1) FROM users;
        INSERT INTO code_failures SELECT number, nullif('{}', iif(number = 1, '{}', '')), '{}' FROM users;
        INSERT INTO used_ids VALUES (randomblob(16), 6), (randomblob(16), 7);
        INSERT INTO codes VALUES
            (zeroblob(32), 'reset_password', zeroblob(32), NULL, NULL, 0, NULL, NULL, 0, 9),
            (x'0000000000000000000000000000000000000000000000000000000000000001', 'of_the_future',
             zeroblob(32), zeroblob(16), zeroblob(32), 1, 'É@example.com', 'é@example.com', 4, 99);
        INSERT INTO mails VALUES
            (zeroblob(16), 'nothing', 'sign_in', zeroblob(32), NULL, '', '{}', zeroblob(32), 1, 2, 0,
             1, NULL, NULL, NULL),
            (x'00000000000000000000000000000001', 'of_the_future', NULL, NULL, zeroblob(16),
             'ada@example.com', NULL, NULL, 1, 2, 3, 4, 5, '550 ünï', 6);
        UPDATE sqlite_sequence SET seq = 1000 WHERE name = 'events';
        UPDATE sessions SET repeats = 1, remember = 1, amr = 'pwd of_the_future';
        INSERT INTO sessions (
            id, user_number, created_at, last_used_at, idle_expires_at, expires_at, remember,
            refresh_family, refresh_token
        )
        SELECT zeroblob(16), number, 0, 0, 0, 0, 0, zeroblob(32), zeroblob(32) FROM users LIMIT 1;
        -- A session from before the second factor was turned on, with a later time, because clocks
        -- differ.
        UPDATE users SET second_factor_at = 0 WHERE number IN (SELECT user_number FROM sessions);";
    Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    signed_in
}

fn user(email: &str) -> User {
    User {
        id: UserId::generate(NOW, &SystemRandom),
        email: Email::parse(email).unwrap(),
        created_at: NOW,
        disabled_at: None,
        email_verified_at: None,
        second_factor_at: None,
        roles: Roles::NONE,
    }
}

async fn sign_in(store: &dyn Store) -> SignedIn {
    let user = user("ada@example.com");
    let client = ClientInfo::new(Some([192, 0, 2, 1].into()), Some("Browser/1.0"));
    let created = Event::by_user(EventKind::AccountCreated, NOW, client.clone()).about(user.id);
    let hash = "$pbkdf2-sha256$i=1000,l=32$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    store.create_user(&user, &hash.parse().unwrap(), &created, None).await.unwrap();
    let policy = &SessionPolicy::default();
    let open = OpenSession { user_id: user.id, remember: false, amr: Amr::PASSWORD, policy };
    let session = Session::open(open, NOW, &SystemRandom);
    let first = RefreshToken::generate(&SystemRandom);
    let new = NewSession::new(session, client.clone(), &first);
    let found = store.credentials(user.email.key(), &DecoyPosition::default()).await.unwrap();
    let verified = found.account().unwrap().password_version;
    let opened = store.open_session(&new, verified, None).await.unwrap();
    assert!(matches!(opened, OpenSessionOutcome::Opened { .. }));
    let (rotation, token) = Rotation::new(&first, client, &SystemRandom);
    let rotated = store.rotate_refresh_token(&rotation, policy, NOW).await.unwrap();
    assert!(matches!(rotated, RotateOutcome::Rotated(..)));
    SignedIn { user, session, token }
}

fn counter() -> LimitedCounter {
    let network = Network::of(Some([192, 0, 2, 1].into()));
    let key = CounterKey::sign_ins_by_account_and_network("ada@example.com", network);
    LimitedCounter { key, limit: Limit::SIGN_INS_PER_ACCOUNT_AND_IP }
}

async fn fail(store: &dyn Store) {
    let counters = vec![(counter(), Settlement::Counted)];
    assert_eq!(store.begin_attempt(&[counter()], NOW).await.unwrap(), Admission::Admitted);
    let attempt = SettledAttempt { counters, began_at: NOW, settled_at: NOW, failure: None };
    let _ = store.settle_attempt(&attempt).await.unwrap();
}

#[tokio::test]
async fn a_copy_has_the_same_rows_in_either_kind_of_store() {
    let stores = Stores::new();
    fill(&stores, "a.db").await;
    let before = dump(&stores.path("a.db"));
    let bytes = std::fs::read(stores.path("a.db")).unwrap();
    let first = copy(&stores.sqlite("a.db"), &stores.postgres()).await.unwrap();
    assert_eq!(first.outcome, CopyOutcome::Copied);
    assert_eq!(std::fs::read(stores.path("a.db")).unwrap(), bytes);
    let second = copy(&stores.postgres(), &stores.sqlite("b.db")).await.unwrap();
    assert_eq!(second.tables, first.tables);
    assert_eq!(dump(&stores.path("b.db")), before);
    for table in &first.tables {
        let rows = &before.iter().find(|(name, _)| name == table.name).unwrap().1;
        assert_eq!(table.rows, rows.len() as u64, "{}", table.name);
        assert!(table.rows > 0, "the test has no row of {}", table.name);
        let sql = format!("SELECT count(*) FROM {}", table.name);
        assert_eq!(stores.postgres.sql(&sql).trim(), rows.len().to_string());
    }
    // `dump` also returns `sqlite_sequence`, which is not copied as a table, and `event_followers`,
    // whose positions belong to one database.
    assert_eq!(first.tables.len(), before.len() - 2, "every other table is copied");
}

#[tokio::test]
async fn sessions_lockouts_keys_and_cursors_work_on_both_copies() {
    let stores = Stores::new();
    let signed_in = fill(&stores, "a.db").await;
    let source = SqliteStore::open(&stores.path("a.db")).unwrap();
    let events = source.events(None, None, 1_000).await.unwrap();
    let keys = source.signing_keys().await.unwrap();
    drop(source);
    copy(&stores.sqlite("a.db"), &stores.postgres()).await.unwrap();
    copy(&stores.postgres(), &stores.sqlite("b.db")).await.unwrap();
    let postgres = stores.open_postgres().await;
    let sqlite = SqliteStore::open(&stores.path("b.db")).unwrap();
    for store in [&postgres as &dyn Store, &sqlite] {
        let found = store.session(signed_in.session.id, NOW).await.unwrap().unwrap();
        assert_eq!(found.session.user_id, signed_in.user.id);
        let client = ClientInfo::default();
        let (rotation, _) = Rotation::new(&signed_in.token, client, &SystemRandom);
        let policy = SessionPolicy::default();
        let rotated = store.rotate_refresh_token(&rotation, &policy, NOW).await.unwrap();
        assert!(matches!(rotated, RotateOutcome::Rotated(..)), "{rotated:?}");
        let admission = store.begin_attempt(&[counter()], NOW).await.unwrap();
        assert!(matches!(admission, Admission::Rejected(_)), "{admission:?}");
        assert_eq!(store.signing_keys().await.unwrap(), keys);
        let key = SigningKey::generate(&SystemRandom);
        store.add_signing_key(&key, NOW, NOW).await.unwrap();
        check_cursors(store, &events).await;
    }
}

/// Checks that the cursors of the source are valid, and that new events come after old ones.
async fn check_cursors(store: &dyn Store, copied: &[(EventId, Event)]) {
    let cursor = Some(copied[1].0);
    let rest = store.events(None, cursor, 1_000).await.unwrap();
    let (old, new) = rest.split_at(copied.len() - 2);
    assert_eq!(old, &copied[2..]);
    assert_eq!(new.len(), 1, "{new:?}");
    assert_eq!(new[0].1.kind, EventKind::SigningKeyRotated);
    assert!(new[0].0.number() > 1_000, "ids of deleted events are not used again");
}

/// A second PostgreSQL database.
struct Target {
    name: String,
    config: PostgresConfig,
}

impl Target {
    fn new() -> Self {
        // A template, because a test must not hold two databases.
        let name = shared().create_template();
        let url = shared().url(&name);
        let config = PostgresConfig::parse(&url).unwrap().with_long_timeouts();
        Self { name, config }
    }

    fn location(&self) -> StoreLocation {
        StoreLocation::Postgres(Box::new(self.config.clone()))
    }

    async fn open(&self) -> PostgresStore {
        PostgresStore::open_existing(&self.config).await.unwrap()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        shared().sql("postgres", &format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

#[tokio::test]
async fn events_keep_their_positions_in_a_copy_between_postgres_databases() {
    let (from, to) = (Stores::new(), Target::new());
    fill(&from, "a.db").await;
    copy(&from.sqlite("a.db"), &from.postgres()).await.unwrap();
    let store = from.open_postgres().await;
    let key = SigningKey::generate(&SystemRandom);
    store.add_signing_key(&key, NOW, NOW).await.unwrap();
    let events = store.events(None, None, 1_000).await.unwrap();
    drop(store);
    from.wait_until_closed().await;
    copy(&from.postgres(), &to.location()).await.unwrap();
    let store = to.open().await;
    assert_eq!(store.events(None, None, 1_000).await.unwrap(), events);
}

/// The source was restored from a dump twice, each time into a new cluster, so the epoch of its
/// newest events is 2.
#[tokio::test]
async fn new_events_come_after_copied_events_of_any_epoch() {
    let (from, to) = (Stores::new(), Target::new());
    fill(&from, "a.db").await;
    copy(&from.sqlite("a.db"), &from.postgres()).await.unwrap();
    from.postgres.sql(
        "UPDATE latchkey_meta SET event_epoch = 2;
         INSERT INTO events (xid, at, kind, operator)
             VALUES (17592186044416 + 900000000, 0, 'of_epoch_1', false),
                 (2 * 17592186044416 + 900000000, 0, 'of_epoch_2', false)",
    );
    copy(&from.postgres(), &to.location()).await.unwrap();
    let store = to.open().await;
    let copied = store.events(None, None, 1_000).await.unwrap();
    let last: Vec<_> = copied.iter().rev().take(2).map(|(_, event)| event.kind.as_str()).collect();
    assert_eq!(last, ["of_epoch_2", "of_epoch_1"]);
    store.add_follower("app", Start::End, NOW).await.unwrap();
    let key = SigningKey::generate(&SystemRandom);
    store.add_signing_key(&key, NOW, NOW).await.unwrap();
    let all = store.events(None, None, 1_000).await.unwrap();
    assert_eq!(all[..copied.len()], copied);
    let new = &all[copied.len()..];
    assert_eq!(new.len(), 1, "{new:?}");
    assert_eq!(new[0].1.kind, EventKind::SigningKeyRotated);
    let follower = store.follower("app").await.unwrap().unwrap();
    assert!(follower.is_behind);
    assert_eq!(store.events_after(follower.position.cursor, 1_000).await.unwrap(), new);
}

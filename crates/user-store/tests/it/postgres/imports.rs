use std::time::Duration;

use auth_core::{Email, Roles, SystemRandom, Timestamp, UserId};
use tokio::task::JoinSet;
use user_store::{
    DecoyStore as _, ImportUsersOutcome, Metadata, RecountOutcome, StoredUser, User, UserStore as _,
};

use super::{new_database, open};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

const OWN: &str =
    "$pbkdf2-sha256$i=1000,l=32$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A hash of Werkzeug.
const FOREIGN: &str = "pbkdf2:sha256:5000$AVaITkTz2eBKnxgk$e0d887524f408d05717eea8f539ddc68d356c822e90ada9f1fb1c09770db8d5c";

fn stored(email: &str, hash: &str) -> StoredUser {
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
    StoredUser { user, password_hash: hash.parse().unwrap(), metadata: Metadata::default() }
}

fn list(numbers: impl Iterator<Item = usize>, hash: &str) -> Vec<StoredUser> {
    numbers.map(|n| stored(&format!("user{n}@example.com"), hash)).collect()
}

/// More accounts than one statement inserts, and more than a count reads at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_is_imported_and_counted_as_a_whole() {
    let database = new_database();
    let store = open(&database.url()).await;
    let mut users = list(0..10_500, OWN);
    users.extend(list(10_500..12_001, FOREIGN));
    assert_eq!(store.check_import(&users).await.unwrap(), ImportUsersOutcome::Imported);
    let imported = store.import_users(&users, NOW).await.unwrap();
    assert_eq!(imported, ImportUsersOutcome::Imported);
    let counts = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM events)";
    assert_eq!(database.sql(counts).trim(), "12001|12001");
    let decoys = "SELECT accounts FROM decoy_classes";
    assert_eq!(database.sql(decoys).trim(), "1501");
    database.sql("UPDATE decoy_classes SET accounts = 1");
    assert_eq!(store.recount_decoys(NOW).await.unwrap(), RecountOutcome::Recounted);
    assert_eq!(database.sql(decoys).trim(), "1501");
    // Entries of the second and third batch are found too.
    let again = [users[0].clone(), users[7_000].clone(), users[12_000].clone()];
    let mut mixed = list(20_000..29_999, OWN);
    mixed.extend(again);
    let taken = ImportUsersOutcome::Taken(vec![9_999, 10_000, 10_001]);
    assert_eq!(store.check_import(&mixed).await.unwrap(), taken);
    assert_eq!(store.import_users(&mixed, NOW).await.unwrap(), taken);
    assert_eq!(database.sql(counts).trim(), "12001|12001");
    let mut exported = Vec::new();
    let mut after = None;
    while exported.len() < users.len() {
        let page = store.export_users(after, 5_000).await.unwrap();
        after = page.last().map(|stored| stored.user.id);
        exported.extend(page);
    }
    users.sort_by_key(|stored| stored.user.id);
    assert!(exported == users);
}

/// All lists contain the same email addresses, each in another order.
#[tokio::test(flavor = "multi_thread")]
async fn overlapping_imports_succeed_once() {
    let database = new_database();
    let mut imports = JoinSet::new();
    for turn in 0..4 {
        let store = open(&database.url()).await;
        let mut users = list(0..1_000, OWN);
        users.rotate_left(turn * 250);
        if turn % 2 == 1 {
            users.reverse();
        }
        imports.spawn(async move { store.import_users(&users, NOW).await.unwrap() });
    }
    let outcomes = imports.join_all().await;
    let all = ImportUsersOutcome::Taken((0..1_000).collect());
    let imported = |outcome: &&ImportUsersOutcome| **outcome == ImportUsersOutcome::Imported;
    assert_eq!(outcomes.iter().filter(imported).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == all).count(), 3);
}

/// A sign-up that is not committed yet has the last email address of the list.
#[tokio::test(flavor = "multi_thread")]
async fn an_email_address_that_a_sign_up_takes_during_an_import_is_reported() {
    let database = new_database();
    let store = open(&database.url()).await;
    let users = list(0..10, OWN);
    let (client, connection) =
        tokio_postgres::connect(&database.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("BEGIN").await.unwrap();
    let insert = "INSERT INTO users (id, email, email_key, password_hash, created_at)
         VALUES (gen_random_uuid(), 'user9@example.com', 'user9@example.com', 'x', 0)";
    client.batch_execute(insert).await.unwrap();
    let import = tokio::spawn({
        let store = store.clone();
        async move { store.import_users(&users, NOW).await.unwrap() }
    });
    let waiting = "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while database.sql(waiting).trim() != "1" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(import.await.unwrap(), ImportUsersOutcome::Taken(vec![9]));
    assert_eq!(database.sql("SELECT count(*) FROM users").trim(), "1");
}

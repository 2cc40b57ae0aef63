use std::sync::Mutex;

use user_store::{CopyError, OpenError, PostgresStore, SqliteStore, copy_store};

use super::{Stores, add_users, copy};

#[tokio::test]
async fn a_store_that_is_open_is_not_copied() {
    let stores = Stores::new();
    add_users(&stores.path("a.db"), 1);
    let open = SqliteStore::open(&stores.path("a.db")).unwrap();
    let error = copy(&stores.sqlite("a.db"), &stores.postgres()).await.unwrap_err();
    assert!(matches!(error, CopyError::InUse(_)), "{error}");
    drop(open);
    PostgresStore::migrate(&stores.config()).await.unwrap();
    let open = PostgresStore::open(&stores.config()).await.unwrap();
    let target = copy(&stores.sqlite("a.db"), &stores.postgres()).await.unwrap_err();
    let source = copy(&stores.postgres(), &stores.sqlite("b.db")).await.unwrap_err();
    for error in [target, source] {
        assert!(matches!(error, CopyError::InUse(_)), "{error}");
    }
    drop(open);
    stores.wait_until_closed().await;
    assert_eq!(stores.postgres.sql("SELECT count(*) FROM users").trim(), "0");
    copy(&stores.sqlite("a.db"), &stores.postgres()).await.unwrap();
}

#[tokio::test]
async fn a_server_that_renews_its_row_through_a_connection_pooler_is_detected() {
    let stores = Stores::new();
    add_users(&stores.path("a.db"), 1);
    PostgresStore::migrate(&stores.config()).await.unwrap();
    let renew = "
        INSERT INTO servers (id, version, last_seen_at)
        VALUES ('00000000-0000-0000-0000-000000000001', '1',
            (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
        ON CONFLICT (id) DO UPDATE SET last_seen_at = excluded.last_seen_at";
    stores.postgres.sql(renew);
    let (from, to) = (stores.sqlite("a.db"), stores.postgres());
    let copied = tokio::spawn(async move { copy(&from, &to).await });
    let error = loop {
        stores.postgres.sql(renew);
        if copied.is_finished() {
            break copied.await.unwrap().unwrap_err();
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    };
    assert!(matches!(error, CopyError::InUse(_)), "{error}");
}

#[tokio::test]
async fn the_source_cannot_be_changed_while_it_is_copied() {
    let stores = Stores::new();
    add_users(&stores.path("a.db"), 1);
    let path = stores.path("a.db");
    let opened = Mutex::new(Vec::new());
    let progress = |_| {
        let mut opened = opened.lock().unwrap();
        // Each attempt takes as long as a server waits for a lock.
        if opened.is_empty() {
            opened.push(SqliteStore::open_existing(&path).map(drop));
        }
    };
    copy_store(&stores.sqlite("a.db"), &stores.postgres(), &progress).await.unwrap();
    let opened = opened.into_inner().unwrap();
    assert!(matches!(&opened[..], [Err(OpenError::Locked(_))]), "{opened:?}");

    let locked = "SELECT count(*) FROM pg_locks
        WHERE granted AND mode = 'ShareRowExclusiveLock' AND relation = 'sessions'::regclass";
    let locks = Mutex::new(Vec::new());
    let progress = |_| locks.lock().unwrap().push(stores.postgres.sql(locked));
    copy_store(&stores.postgres(), &stores.sqlite("b.db"), &progress).await.unwrap();
    let locks = locks.into_inner().unwrap();
    assert!(!locks.is_empty() && locks.iter().all(|count| count.trim() == "1"), "{locks:?}");
}

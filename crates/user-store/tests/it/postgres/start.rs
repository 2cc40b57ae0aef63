//! Servers that start on an empty database.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use auth_core::{SigningKey, SystemRandom, Timestamp};
use futures_util::future::join_all;
use test_postgres::shared;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use user_store::{HealthCheck as _, KeyStore as _, PostgresOpenError, PostgresStore};

use super::{Servers, config};

#[tokio::test(flavor = "multi_thread")]
async fn ten_servers_that_start_at_once_on_an_empty_database_share_one_schema_and_one_key() {
    let database = shared().create_database(None);
    let config = config(&database.url());
    let servers = join_all((0..10).map(async |_| {
        let store = PostgresStore::open(&config).await.unwrap();
        let candidate = SigningKey::generate(&SystemRandom);
        store.ensure_signing_key(candidate.seed(), Timestamp::UNIX_EPOCH).await.unwrap();
        store.ping().await.unwrap();
        store.signing_keys().await.unwrap()
    }))
    .await;
    assert_eq!(servers[0].keys.len(), 1);
    assert!(servers.iter().all(|keys| *keys == servers[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_a_current_database_changes_nothing() {
    let servers = Servers::new();
    let migrated = PostgresStore::migrate(&config(&servers.0.url())).await.unwrap();
    assert_eq!(migrated.from, migrated.to);
    assert!(migrated.to > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_read_only_by_default_is_not_migrated() {
    let database = shared().create_database(None);
    let name = database.name();
    database.sql(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    let url = format!("{}&target_session_attrs=any", database.url());
    let error = PostgresStore::migrate(&config(&url)).await.unwrap_err().to_string();
    assert!(error.contains("read-only"), "{error}");
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(database.sql(tables), "0");
}

/// Returns the error of each way to open a database.
async fn open_errors(url: &str) -> [PostgresOpenError; 3] {
    let config = config(url);
    [
        PostgresStore::open(&config).await.map(drop).unwrap_err(),
        PostgresStore::open_existing(&config).await.map(drop).unwrap_err(),
        PostgresStore::migrate(&config).await.map(drop).unwrap_err(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_with_tables_of_another_application_is_rejected_and_left_unchanged() {
    let database = shared().create_database(None);
    database.sql("CREATE TABLE notes (a integer); CREATE TABLE sessions (a integer)");
    for error in open_errors(&database.url()).await {
        let PostgresOpenError::OtherTables { table, .. } = error else { panic!("{error:?}") };
        assert_eq!(table, "sessions");
    }
    let tables = "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace";
    assert_eq!(database.sql(tables), "notes,sessions");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_whose_name_must_be_quoted_is_migrated_beside_another_application() {
    let database = shared().create_database(None);
    database.sql("CREATE TABLE users (a integer); CREATE SCHEMA \"O'Brien \"\"x\"");
    let path = "?sslmode=disable&options=-c%20search_path%3D%22O'Brien%5C%20%22%22x%22";
    let url = database.url();
    let url = format!("{}{path}", url.split('?').next().unwrap());
    assert!(PostgresStore::migrate(&config(&url)).await.unwrap().to > 0);
    PostgresStore::open(&config(&url)).await.unwrap().ping().await.unwrap();
    assert_eq!(database.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_with_another_encoding_is_rejected_and_left_unchanged() {
    let database = shared().create_database(None);
    let name = format!("{}_latin1", database.name());
    database
        .sql(&format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'"));
    for error in open_errors(&shared().url(&name)).await {
        let PostgresOpenError::Encoding { encoding, .. } = error else { panic!("{error:?}") };
        assert_eq!(encoding, "LATIN1");
    }
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(shared().sql(&name, tables), "0");
    database.sql(&format!("DROP DATABASE {name} WITH (FORCE)"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inspection_counts_the_connections_of_other_roles() {
    let database = shared().create_database(None);
    let store = PostgresStore::open(&config(&database.url())).await.unwrap();
    let role = format!("role_of_{}", database.name());
    database.sql(&format!("CREATE ROLE {role} LOGIN"));
    let url = database.url();
    let url = format!("postgres://{role}@{}", url.split('@').nth(1).unwrap());
    let inspected = PostgresStore::inspect_server(&config(&url)).await.unwrap();
    database.sql(&format!("DROP ROLE {role}"));
    assert!(inspected.connections > 1, "{inspected:?}");
    drop(store);
}

/// Answers the first message of each connection with these bytes, and closes the connection after
/// the second message. Forwards all connections after the first `closed`. Returns the port, and the
/// number of connections so far.
async fn closing_server(
    answer: &'static [u8],
    closed: usize,
    target: String,
) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let number = count.fetch_add(1, Ordering::SeqCst);
            let target = target.clone();
            tokio::spawn(async move {
                if number < closed {
                    let mut message = [0; 4096];
                    let _length = client.read(&mut message).await?;
                    client.write_all(answer).await?;
                    let _length = client.read(&mut message).await?;
                } else {
                    let mut server = TcpStream::connect(target).await?;
                    copy_bidirectional(&mut client, &mut server).await?;
                }
                Ok::<_, std::io::Error>(())
            });
        }
    });
    (port, connections)
}

/// `AuthenticationCleartextPassword`.
const ASK_FOR_PASSWORD: &[u8] = b"R\0\0\0\x08\0\0\0\x03";
/// `AuthenticationOk` and `ReadyForQuery`.
const READY: &[u8] = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I";

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_password_is_an_error_at_the_first_attempt() {
    let (port, connections) = closing_server(ASK_FOR_PASSWORD, usize::MAX, String::new()).await;
    let url = format!("postgres://app@127.0.0.1:{port}/x?sslmode=disable");
    let error = PostgresStore::open(&config(&url)).await.unwrap_err();
    assert!(error.to_string().contains("password missing"), "{error}");
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_connects_again_if_the_connection_is_lost_while_it_opens_the_database() {
    let database = shared().create_database(None);
    let url = database.url();
    let (_, rest) = url.split_once("127.0.0.1:").unwrap();
    let real = rest.split_once('/').unwrap().0;
    let target = format!("127.0.0.1:{real}");
    let (port, connections) = closing_server(READY, 2, target.clone()).await;
    let url = url.replace(&target, &format!("127.0.0.1:{port}"));
    // Otherwise, the first query is a part of connecting.
    let separator = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{separator}target_session_attrs=any");
    let error = PostgresStore::open_existing(&config(&url)).await.unwrap_err();
    assert!(matches!(error, PostgresOpenError::Disconnected { .. }), "{error}");
    let store = PostgresStore::open(&config(&url)).await.unwrap();
    store.ping().await.unwrap();
    assert!(connections.load(Ordering::SeqCst) > 2);
}

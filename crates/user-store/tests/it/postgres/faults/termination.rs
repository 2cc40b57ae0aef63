//! Connections that an operator terminates, or the server because it lacks memory.

use std::time::Duration;

use tokio::time::sleep;
use user_store::PostgresStore;

use super::load::{INCONSISTENCIES, Load};
use super::{CONNECTIONS, ProxiedDatabase, open};

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_terminated_in_a_loop_lose_and_repeat_nothing() {
    let server = ProxiedDatabase::create().await;
    let store = open(&server.url()).await;
    let load = Load::start(&store);
    for _ in 0..20 {
        server.sql(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'latchkey'",
        );
        sleep(Duration::from_millis(50)).await;
    }
    load.until_more(20).await;
    load.finish(&store).await;
    assert_eq!(server.sql(INCONSISTENCIES), "0");
    let connections: usize = server.sql(CONNECTIONS).parse().unwrap();
    assert!(connections <= PostgresStore::MAX_CONNECTIONS, "{connections}");
}

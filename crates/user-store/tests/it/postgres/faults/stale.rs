//! Connections whose prepared statements no longer match the schema.

use tokio::task::JoinSet;

use super::calls::{assert_all_succeed, sign_up_and_in};
use super::{ProxiedDatabase, ends, is_alive, open};

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_table_fails_no_call() {
    let server = ProxiedDatabase::create().await;
    let store = open(&server.url()).await;
    let ada = sign_up_and_in(&store).await;
    // All kinds of statements are prepared, on several connections.
    assert_all_succeed(&store, &ada).await;
    server.sql("ALTER TABLE users ALTER COLUMN email TYPE varchar(1000)");
    server.sql("ALTER TABLE sessions ALTER COLUMN user_agent TYPE varchar(1000)");
    let mut lookups = JoinSet::new();
    for _ in 0..20 {
        let (store, session) = (store.clone(), ada.session);
        lookups.spawn(async move { ends(is_alive(&store, &session)).await });
    }
    for outcome in lookups.join_all().await {
        assert!(outcome.unwrap());
    }
    assert_all_succeed(&store, &ada).await;
}

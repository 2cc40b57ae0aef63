//! A standby that replaces the primary.

use test_postgres::{Cluster, Fault, Proxy, Synchronous};
use tokio::task::block_in_place;
use user_store::{EndSessionsOutcome, HealthCheck as _, PostgresStore, SessionStore as _};

use super::calls::{SignedIn, assert_all_succeed, assert_all_unavailable, sign_up_and_in};
use super::load::{INCONSISTENCIES, Load};
use super::{
    CONNECTIONS, NOW, acting, assert_unavailable, config, create_database, ends, is_alive,
    new_session, open, open_session, sql, until,
};

const FAST: &[(&str, &str)] = &[("fsync", "off")];

#[tokio::test(flavor = "multi_thread")]
async fn everything_acknowledged_is_on_a_synchronous_standby_after_a_failover() {
    let primary = block_in_place(|| Cluster::start(FAST));
    let database = create_database(&primary);
    let standby = block_in_place(|| primary.standby(Synchronous::Yes));
    let proxy = Proxy::to(primary.port()).await;
    let store = open(&proxy.url(&database)).await;
    let load = Load::start(&store);
    load.until_more(40).await;
    block_in_place(|| primary.kill());
    block_in_place(|| standby.promote());
    proxy.retarget(standby.port());
    load.until_more(40).await;
    load.finish(&store).await;
    assert_eq!(sql(&standby, &database, INCONSISTENCIES), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_with_two_hosts_finds_the_promoted_standby_and_rejects_a_stale_one() {
    let primary = block_in_place(|| Cluster::start(FAST));
    let database = create_database(&primary);
    let standby = block_in_place(|| primary.standby(Synchronous::No));
    // The standby is the first host, so that it is skipped at first.
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", standby.port(), primary.port());
    let store = open(&format!("postgres://postgres@{hosts}/{database}?sslmode=disable")).await;
    let ada = sign_up_and_in(&store).await;
    until_replicated(&primary, &standby).await;

    block_in_place(|| primary.kill());
    assert_all_unavailable(&store, &ada).await;
    block_in_place(|| standby.promote());
    assert_all_succeed(&store, &ada).await;

    // The old primary comes back as a standby, and falls behind: it does not see the sign-out.
    block_in_place(|| primary.become_standby_of(&standby));
    until_replicated(&standby, &primary).await;
    sql(&primary, "postgres", "SELECT pg_wal_replay_pause()");
    let ended = store.end_session(&acting(&ada.session), ada.session.id, NOW).await.unwrap();
    assert_eq!(ended, EndSessionsOutcome::Ended(1));
    assert!(!is_alive(&store, &ada.session).await.unwrap());
    let alive = format!("SELECT count(*) FROM sessions WHERE id = '{}'", ada.session.id);
    assert_eq!(sql(&primary, &database, &alive), "1");

    block_in_place(|| standby.stop());
    assert_stale_is_rejected(&store, &ada).await;
}

/// The address of the primary leads to the old primary after a load balancer or the DNS was changed
/// by mistake. `target_session_attrs` keeps most stores away from it, but not one that connects
/// through a pooler.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_lands_on_a_stale_standby_rejects_it() {
    let primary = block_in_place(|| Cluster::start(FAST));
    let database = create_database(&primary);
    let standby = block_in_place(|| primary.standby(Synchronous::No));
    let proxy = Proxy::to(primary.port()).await;
    for parameter in ["", "&target_session_attrs=any"] {
        let store = open(&format!("{}{parameter}", proxy.url(&database))).await;
        sql(&primary, &database, "DELETE FROM users");
        let ada = sign_up_and_in(&store).await;
        until_replicated(&primary, &standby).await;
        sql(&standby, "postgres", "SELECT pg_wal_replay_pause()");
        let ended = store.end_session(&acting(&ada.session), ada.session.id, NOW).await.unwrap();
        assert_eq!(ended, EndSessionsOutcome::Ended(1));

        proxy.retarget(standby.port());
        cut_connections(&proxy, &primary, &database).await;
        assert_stale_is_rejected(&store, &ada).await;

        proxy.retarget(primary.port());
        if parameter.is_empty() {
            cut_connections(&proxy, &standby, &database).await;
        }
        // Connections to the standby are not used again, even if they are not cut.
        assert!(!is_alive(&store, &ada.session).await.unwrap());
        open_session(&store, &new_session(&ada.user).0).await.unwrap();
        sql(&standby, "postgres", "SELECT pg_wal_replay_resume()");
    }
}

/// Cuts all connections to the database of a server.
async fn cut_connections(proxy: &Proxy, server: &Cluster, database: &str) {
    proxy.set(Fault::Reset);
    let are_cut = async || sql(server, database, CONNECTIONS) == "0";
    until("all connections are cut", are_cut).await;
    proxy.set(Fault::None);
}

async fn assert_stale_is_rejected(store: &PostgresStore, ada: &SignedIn) {
    let (unknown, _) = new_session(&ada.user);
    // The calls use the shared connections in turn, so all of them are tested.
    for _ in 0..10 {
        assert_unavailable(ends(is_alive(store, &ada.session)).await);
        assert_unavailable(ends(is_alive(store, &unknown.session)).await);
    }
    assert_unavailable(ends(store.sessions(ada.user.id, NOW)).await);
    assert_unavailable(ends(store.ping()).await);
    assert_unavailable(ends(open_session(store, &unknown)).await);
    assert_unavailable(ends(store.end_all_sessions(ada.user.id, NOW)).await);
}

/// Waits until the standby has applied everything that is on the primary.
async fn until_replicated(primary: &Cluster, standby: &Cluster) {
    let position = sql(primary, "postgres", "SELECT pg_current_wal_flush_lsn()");
    let applied = format!("SELECT pg_last_wal_replay_lsn() >= '{position}'");
    until("the standby has caught up", async || sql(standby, "postgres", &applied) == "t").await;
}

/// "Too many connections" is the cause. That the other host is a standby is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_accepts_no_further_connections_is_reported() {
    let primary = block_in_place(|| Cluster::start(FAST));
    let other = block_in_place(|| Cluster::start(FAST));
    sql(&primary, "postgres", "CREATE ROLE ada LOGIN CONNECTION LIMIT 0");
    sql(&other, "postgres", "CREATE ROLE ada LOGIN");
    sql(&other, "postgres", "ALTER ROLE ada SET default_transaction_read_only = on");
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", primary.port(), other.port());
    let url = format!("postgres://ada@{hosts}/postgres?sslmode=disable");
    let error = PostgresStore::open_existing(&config(&url)).await.unwrap_err().to_string();
    assert!(error.contains("too many connections"), "{error}");
}

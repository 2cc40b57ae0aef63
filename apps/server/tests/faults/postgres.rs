//! A PostgreSQL server that is stopped or killed, fails over or does not answer, while Latchkey
//! runs.

use std::io::Write as _;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use tempfile::TempDir;
use test_postgres::{Cluster, Fault, Proxy, Synchronous};
use tokio::runtime::Runtime;

use crate::app::write_url;
use crate::server::{Answer, Server, bearer, credentials, read_answer};
use crate::start::{PASSWORD, assert_unavailable, start};

const EMAIL: &str = "ada@example.com";

/// Starts a server that uses the database at this URL.
fn start_with(url: &str) -> (TempDir, Server) {
    let folder = tempfile::tempdir().unwrap();
    write_url(&folder, url);
    let server = start(&folder);
    (folder, server)
}

/// The tokens of a user who is signed in.
struct Session {
    token: String,
    cookie: String,
}

impl Session {
    fn open(server: &Server) -> Self {
        let answer = server.post("/api/token", "", &credentials(EMAIL, PASSWORD));
        assert_eq!(answer.status, 200, "{}", answer.body);
        Self { token: answer.access_token(), cookie: answer.cookie() }
    }

    /// Checks that the user is still signed in: the tokens that the browser has are accepted.
    fn assert_continues(&mut self, server: &Server) {
        assert_eq!(server.me(&self.token).json()["email"], EMAIL);
        let refreshed = server.refresh(&self.cookie);
        assert_eq!(refreshed.status, 200, "{}", refreshed.body);
        *self = Self { token: refreshed.access_token(), cookie: refreshed.cookie() };
    }
}

/// Sends requests of several kinds at the same time. Each must be answered with 503, and must not
/// change the cookies of the browser.
fn assert_all_unavailable(server: &Server, session: &Session) {
    let Session { token, cookie } = session;
    let log_out = format!("{}cookie: {cookie}\r\n", bearer(token));
    thread::scope(|scope| {
        let requests: Vec<ScopedJoinHandle<'_, Answer>> = vec![
            scope.spawn(|| server.me(token)),
            scope.spawn(|| server.refresh(cookie)),
            scope.spawn(|| server.post("/api/token", "", &credentials(EMAIL, PASSWORD))),
            scope.spawn(|| server.post("/api/token", "", &credentials(EMAIL, "a wrong password"))),
            scope.spawn(|| server.sign_up("grace@example.com", PASSWORD)),
            scope.spawn(|| server.post("/api/logout", &log_out, "{}")),
        ];
        let ready = scope.spawn(|| server.get("/readyz"));
        assert_eq!(server.get("/healthz").status, 200);
        for request in requests {
            let answer = request.join().unwrap();
            assert_unavailable(&answer);
            assert_eq!(answer.header("set-cookie"), None, "{}", answer.head);
            assert!(!answer.body.contains("postgres"), "{}", answer.body);
        }
        assert_eq!(ready.join().unwrap().status, 503);
    });
}

/// Waits until the server is ready. It learns from its next heartbeat that changes succeed again.
fn wait_until_ready(server: &Server) {
    for _ in 0..600 {
        if server.get("/readyz").status == 200 {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    unreachable!("the server is not ready: {}", server.log());
}

/// Waits until the database has no connections.
fn wait_until_unused(cluster: &Cluster, database: &str) {
    let connections = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}'");
    for _ in 0..600 {
        if cluster.sql("postgres", &connections) == "0" {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    unreachable!("{database} still has connections");
}

#[test]
fn while_postgresql_is_down_requests_get_503_and_nobody_is_signed_out() {
    let cluster = Cluster::start(&[]);
    let (_folder, server) = start_with(&cluster.url("postgres"));
    assert_eq!(server.sign_up(EMAIL, PASSWORD).status, 201);
    let mut session = Session::open(&server);
    assert_eq!(server.get("/readyz").status, 200);
    for end in [Cluster::stop, Cluster::kill] {
        end(&cluster);
        assert_all_unavailable(&server, &session);
        cluster.restart();
        session.assert_continues(&server);
        Session::open(&server);
        wait_until_ready(&server);
    }
    assert_eq!(server.sign_up("grace@example.com", PASSWORD).status, 201);
    assert!(server.log().contains("the store is unavailable"), "{}", server.log());
}

#[test]
fn a_promoted_synchronous_standby_has_every_account_and_session() {
    let primary = Cluster::start(&[("fsync", "off")]);
    let database = primary.create_database(None);
    let standby = primary.standby(Synchronous::Yes);
    let runtime = Runtime::new().unwrap();
    let proxy = runtime.block_on(Proxy::to(primary.port()));
    let (_folder, server) = start_with(&proxy.url(&database));
    assert_eq!(server.sign_up(EMAIL, PASSWORD).status, 201);
    let mut session = Session::open(&server);
    let ended = Session::open(&server);
    assert_eq!(server.post("/api/logout", &bearer(&ended.token), "").status, 204);

    primary.kill();
    assert_all_unavailable(&server, &session);
    standby.promote();
    proxy.retarget(standby.port());
    session.assert_continues(&server);
    assert_eq!(server.me(&ended.token).code(), "invalid_token");
    wait_until_ready(&server);

    // The old primary is started again, and connections reach it by mistake.
    primary.become_standby_of(&standby);
    proxy.retarget(primary.port());
    proxy.set(Fault::Reset);
    wait_until_unused(&standby, &database);
    proxy.set(Fault::None);
    assert_all_unavailable(&server, &session);
    proxy.retarget(standby.port());
    session.assert_continues(&server);
}

#[test]
fn while_postgresql_does_not_answer_requests_get_503_and_a_stop_succeeds() {
    let cluster = Cluster::start(&[("fsync", "off")]);
    let runtime = Runtime::new().unwrap();
    let proxy = runtime.block_on(Proxy::to(cluster.port()));
    let (_folder, mut server) = start_with(&proxy.url("postgres"));
    assert_eq!(server.sign_up(EMAIL, PASSWORD).status, 201);
    let mut session = Session::open(&server);
    proxy.set(Fault::BlackHole);
    assert_all_unavailable(&server, &session);
    proxy.set(Fault::None);
    session.assert_continues(&server);
    Session::open(&server);
    wait_until_ready(&server);

    proxy.set(Fault::BlackHole);
    let body = credentials(EMAIL, PASSWORD);
    let mut log_in = server.begin_post("/api/token", body.len());
    log_in.write_all(body.as_bytes()).unwrap();
    server.signal("TERM");
    assert_unavailable(&read_answer(log_in));
    assert_eq!(server.wait(), Some(0));
}

#[test]
fn a_refresh_whose_commit_is_lost_can_be_repeated() {
    let cluster = Cluster::start(&[("fsync", "off")]);
    let runtime = Runtime::new().unwrap();
    let proxy = runtime.block_on(Proxy::to(cluster.port()));
    let (_folder, server) = start_with(&proxy.url("postgres"));
    assert_eq!(server.sign_up(EMAIL, PASSWORD).status, 201);
    let mut session = Session::open(&server);
    for fault in [Fault::SwallowCommit, Fault::SwallowCommitReply] {
        proxy.set(fault);
        let answer = server.refresh(&session.cookie);
        assert_unavailable(&answer);
        assert_eq!(answer.header("set-cookie"), None, "{}", answer.head);
        proxy.set(Fault::None);
        session.assert_continues(&server);
    }
}

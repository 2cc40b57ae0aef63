//! Three servers on one PostgreSQL database.

mod balancer;
mod commands;
mod load;
mod rolling_restart;
mod sessions;
mod start;
mod throttle;

use std::thread;

use tempfile::TempDir;
use test_postgres::Database;

use crate::app::write_url;
use crate::operator::Operator;
use crate::server::{Answer, Server, credentials};
use crate::start::{PASSWORD, start};

const EMAIL: &str = "ada@example.com";

/// The servers, and their database. Fields are dropped in order: the servers use the others.
struct Servers {
    all: [Server; 3],
    folder: TempDir,
    database: Database,
}

impl Servers {
    fn start() -> Self {
        let (folder, database) = new_database();
        Self { all: [(); 3].map(|()| start(&folder)), folder, database }
    }

    /// Returns the servers in an order that depends on the number, so that each of them comes first
    /// once.
    fn in_order(&self, number: usize) -> [&Server; 3] {
        [0, 1, 2].map(|index| &self.all[(number + index) % 3])
    }

    fn operator(&self) -> Operator {
        Operator::new(&self.folder)
    }
}

/// Creates an empty database, and a folder whose servers and commands use it.
fn new_database() -> (TempDir, Database) {
    let database = test_postgres::shared().create_database(None);
    let folder = tempfile::tempdir().unwrap();
    write_url(&folder, &database.url());
    (folder, database)
}

/// A session, with its access token and its refresh cookie.
struct Session {
    token: String,
    cookie: String,
}

impl Session {
    #[track_caller]
    fn from_answer(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.body);
        Self { token: answer.access_token(), cookie: answer.cookie() }
    }

    /// Checks that every server accepts the access token.
    #[track_caller]
    fn assert_active(&self, servers: &[Server]) {
        for server in servers {
            let answer = server.me(&self.token);
            assert_eq!(answer.status, 200, "{}", answer.body);
        }
    }

    /// Checks that every server rejects both tokens.
    #[track_caller]
    fn assert_ended(&self, servers: &[Server]) {
        for server in servers {
            assert_eq!(server.me(&self.token).code(), "invalid_token");
            assert_eq!(server.refresh(&self.cookie).code(), "invalid_refresh_token");
        }
    }
}

#[track_caller]
fn sign_up(server: &Server, email: &str) {
    let answer = server.sign_up(email, PASSWORD);
    assert_eq!(answer.status, 201, "{}", answer.body);
}

/// Tries to log in as [`EMAIL`].
fn try_log_in(server: &Server, password: &str) -> Answer {
    server.post("/api/token", "", &credentials(EMAIL, password))
}

#[track_caller]
fn log_in(server: &Server) -> Session {
    Session::from_answer(&try_log_in(server, PASSWORD))
}

/// Makes a request to each server, at the same time.
fn at_once<'a>(
    servers: impl IntoIterator<Item = &'a Server>,
    request: impl Fn(&Server) -> Answer + Sync,
) -> Vec<Answer> {
    let request = &request;
    thread::scope(|scope| {
        let requests: Vec<_> =
            servers.into_iter().map(|server| scope.spawn(move || request(server))).collect();
        requests.into_iter().map(|request| request.join().unwrap()).collect()
    })
}

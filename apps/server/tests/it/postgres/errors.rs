//! Errors from opening the database.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};
use tempfile::TempDir;
use test_postgres::Cluster;

use super::{SECRET, cluster_with_passwords, error_line, folder, new_database, url};
use crate::app::{EMAIL, PASSWORD};
use crate::operator::{Operator, success};
use crate::server::{Server, command, database_arguments};

/// Returns the error line of a command on the database at this URL.
#[track_caller]
fn error(url: &str) -> String {
    error_line(&Operator::new(&folder(url)).users(&["list"]))
}

/// Returns the error line of a server on the database at this URL.
#[track_caller]
fn serve_error(url: &str) -> String {
    let folder = folder(url);
    let mut serve = command();
    serve.args(["serve", "--listen", "127.0.0.1:0"]).args(database_arguments(&folder));
    error_line(&serve.output().unwrap())
}

#[test]
fn a_wrong_password_and_a_missing_database_are_errors_at_once() {
    let cluster = cluster_with_passwords();
    cluster.sql("postgres", "CREATE ROLE app LOGIN PASSWORD 'another'");
    let wrong = url(&cluster, "app", "postgres");
    for line in [error(&wrong), serve_error(&wrong)] {
        assert!(line.contains("password") && line.contains("postgres://app@"), "{line}");
    }
    let missing = cluster.url("missing");
    for line in [error(&missing), serve_error(&missing)] {
        assert!(line.contains("\"missing\" does not exist"), "{line}");
    }
}

#[test]
fn a_command_without_a_server_fails_without_waiting() {
    let line = error(&format!("postgres://app:{SECRET}@127.0.0.1:1/x"));
    assert!(line.contains("cannot connect to postgres://app@127.0.0.1:1/x"), "{line}");
}

#[test]
fn a_missing_and_a_newer_schema_are_errors_that_say_what_to_do() {
    let database = new_database();
    assert!(error(&database.url()).contains("latchkey migrate"));
    success(&Operator::new(&folder(&database.url())).run("migrate", &[], ""));
    database.sql("UPDATE latchkey_meta SET version = 1000, min_reader = 1000");
    for line in [error(&database.url()), serve_error(&database.url())] {
        assert!(line.contains("newer version"), "{line}");
    }
    let migrate = Operator::new(&folder(&database.url())).run("migrate", &[], "");
    assert!(error_line(&migrate).contains("newer version"));
    assert_eq!(database.sql("SELECT version FROM latchkey_meta"), "1000");
}

#[test]
fn a_role_that_may_only_read_cannot_create_an_account() {
    let cluster = Cluster::start(&[]);
    let name = cluster.create_database(None);
    let migrate = Operator::new(&folder(&cluster.url(&name))).run("migrate", &[], "");
    success(&migrate);
    cluster.sql(
        &name,
        "CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader",
    );
    let url = format!("postgres://reader@127.0.0.1:{}/{name}", cluster.port());
    let create = Operator::new(&folder(&url)).users_with_input(&["create", EMAIL], PASSWORD);
    let line = error_line(&create);
    assert!(line.contains("permission denied"), "{line}");
    assert_eq!(cluster.sql(&name, "SELECT count(*) FROM users"), "0");
}

/// Waits until the server has a handler for SIGTERM (proc(5), `SigCgt`), which it installs before
/// it opens the database.
fn wait_until_sigterm_is_handled(server: &Server) {
    const SIGTERM: u64 = 1 << 14;
    for _ in 0..3_000 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        if u64::from_str_radix(caught.trim(), 16).unwrap() & SIGTERM != 0 {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    unreachable!("the server does not handle SIGTERM");
}

/// Waits until the log of the server in this folder contains a text.
fn wait_for_log(folder: &TempDir, text: &str) {
    for _ in 0..3_000 {
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        if log.contains(text) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    unreachable!("{text:?} is not in the log");
}

/// Returns a PostgreSQL server that has been stopped, and a folder for a server that uses its
/// database.
fn stopped_cluster() -> (Cluster, TempDir) {
    let cluster = Cluster::start(&[]);
    let folder = folder(&cluster.url(&cluster.create_database(None)));
    cluster.stop();
    (cluster, folder)
}

#[test]
fn a_server_waits_for_the_database_and_stops_at_once_if_it_is_told_to() {
    let (cluster, folder) = stopped_cluster();
    let start = || {
        Server::start_with_output(
            "127.0.0.1:0",
            &folder,
            [std::process::Stdio::null(), std::process::Stdio::null()],
        )
    };
    let mut stopped = start();
    wait_until_sigterm_is_handled(&stopped);
    stopped.signal("TERM");
    assert_eq!(stopped.wait_for_exit(), Some(0));

    let server = std::thread::scope(|scope| {
        let started = scope.spawn(|| Server::start(&folder, &[]));
        wait_for_log(&folder, "waiting for the database postgres://");
        cluster.restart();
        started.join().unwrap()
    });
    assert_eq!(server.sign_up(EMAIL, PASSWORD).status, 201);
}

/// Returns an address that no other test uses.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.99:0").unwrap().local_addr().unwrap()
}

/// Returns whether a program has bound this address, even if it does not listen.
fn is_bound(address: SocketAddr) -> bool {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).unwrap();
    bind(&socket, &address) == Err(Errno::ADDRINUSE)
}

/// Clients and load balancers take a server that accepts connections for one that responds.
#[test]
fn a_server_that_waits_for_the_database_refuses_connections() {
    let (cluster, folder) = stopped_cluster();
    let address = free_address();
    let server = std::thread::scope(|scope| {
        let started = scope.spawn(|| Server::start_at(&address.to_string(), &folder, &[]));
        wait_for_log(&folder, "waiting for the database postgres://");
        let connected = TcpStream::connect(address).map_err(|error| error.kind());
        assert_eq!(connected.err(), Some(ErrorKind::ConnectionRefused));
        assert!(is_bound(address));
        cluster.restart();
        started.join().unwrap()
    });
    assert_eq!(server.sign_up(EMAIL, PASSWORD).status, 201);
}

#[test]
fn a_port_that_is_taken_while_the_server_waits_for_the_database_is_an_error() {
    let (cluster, folder) = stopped_cluster();
    let address = free_address();
    let listen = ["--listen", &address.to_string()];
    let log = std::thread::scope(|scope| {
        let started = scope.spawn(|| Server::attempt(command(), &folder, &listen).err());
        wait_for_log(&folder, "waiting for the database postgres://");
        // As another server that was started at the same time.
        let _other = TcpListener::bind(address).unwrap();
        cluster.restart();
        started.join().unwrap().unwrap()
    });
    let line = log.lines().last().unwrap();
    let expected = format!("latchkey: address {address} is already in use; ");
    assert!(line.starts_with(&expected) && line.contains("--listen"), "{log}");
}

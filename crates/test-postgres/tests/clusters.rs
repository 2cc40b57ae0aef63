//! Tests of the servers.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use test_postgres::{Cluster, Synchronous};

const FAST: &[(&str, &str)] = &[("fsync", "off")];

#[test]
fn a_server_has_its_settings_and_the_databases_that_are_created() {
    let cluster = Cluster::start(&[("fsync", "off"), ("application_name", "it's")]);
    assert_eq!(cluster.sql("postgres", "SHOW fsync"), "off");
    assert_eq!(cluster.sql("postgres", "SHOW server_encoding; SHOW lc_collate"), "UTF8\nC");
    let template = cluster.create_database(None);
    cluster.sql(&template, "CREATE TABLE numbers (n int); INSERT INTO numbers VALUES (7)");
    let copy = cluster.create_database(Some(&template));
    assert_ne!(copy, template);
    assert_eq!(cluster.sql(&copy, "SELECT n FROM numbers"), "7");
}

#[test]
fn a_server_that_was_stopped_or_killed_restarts_on_its_port_with_its_data() {
    let cluster = Cluster::start(&[]);
    let port = cluster.port();
    cluster.sql("postgres", "CREATE TABLE numbers (n int)");
    for number in 1..=2 {
        cluster.sql("postgres", &format!("INSERT INTO numbers VALUES ({number})"));
        if number == 1 {
            cluster.kill();
        } else {
            cluster.stop();
        }
        TcpListener::bind(("127.0.0.1", port)).unwrap();
        cluster.restart();
    }
    assert_eq!(cluster.sql("postgres", "SELECT n FROM numbers ORDER BY n"), "1\n2");
    assert_eq!(cluster.port(), port);
}

#[test]
fn a_dropped_server_is_stopped_and_its_data_deleted() {
    let cluster = Cluster::start(FAST);
    let (port, directory) = (cluster.port(), cluster.socket_directory().to_owned());
    assert!(directory.join("data").exists());
    drop(cluster);
    assert!(!directory.exists());
    TcpListener::bind(("127.0.0.1", port)).unwrap();
}

#[test]
fn a_synchronous_standby_has_every_commit_and_replaces_the_primary() {
    let first = Cluster::start(FAST);
    first.sql("postgres", "CREATE TABLE numbers (n int)");
    let second = first.standby(Synchronous::Yes);
    assert_eq!(second.sql("postgres", "SELECT pg_is_in_recovery()"), "t");
    first.sql("postgres", "SET synchronous_commit = remote_apply; INSERT INTO numbers VALUES (1)");
    assert_eq!(second.sql("postgres", "SELECT n FROM numbers"), "1");

    first.kill();
    second.promote();
    assert_eq!(second.sql("postgres", "SELECT pg_is_in_recovery()"), "f");
    second.sql("postgres", "INSERT INTO numbers VALUES (2)");

    // The old primary comes back as a standby of the new one, on its old port.
    let port = first.port();
    first.become_standby_of(&second);
    assert_eq!(first.port(), port);
    assert_eq!(first.sql("postgres", "SELECT pg_is_in_recovery()"), "t");
    assert_eq!(first.sql("postgres", "SELECT n FROM numbers ORDER BY n"), "1\n2");
}

#[test]
fn a_commit_does_not_wait_for_an_asynchronous_standby() {
    let primary = Cluster::start(FAST);
    let standby = primary.standby(Synchronous::No);
    standby.stop();
    primary.sql("postgres", "CREATE TABLE numbers (n int)");
    standby.restart();
    assert_eq!(standby.sql("postgres", "SELECT pg_is_in_recovery()"), "t");
}

#[test]
fn the_server_of_a_killed_process_is_stopped_and_its_data_deleted() {
    let mut process = Command::new(env::current_exe().unwrap())
        .args(["--exact", "--ignored", "--nocapture", "starts_a_server_and_waits"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let directory = lines.find_map(|line| line.unwrap().strip_prefix("in ").map(str::to_owned));
    let directory = directory.unwrap();
    assert!(Path::new(&directory).join("data/postmaster.pid").exists());
    process.kill().unwrap();
    process.wait().unwrap();
    for _ in 0..600 {
        if !Path::new(&directory).exists() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("{directory} still exists");
}

/// A helper for the test above, which kills it.
#[test]
#[ignore = "a helper for another test, which kills it"]
#[expect(clippy::print_stdout, reason = "the other test reads it")]
fn starts_a_server_and_waits() {
    let cluster = Cluster::start(FAST);
    println!("\nin {}", cluster.socket_directory().display());
    thread::sleep(Duration::from_mins(1));
}

//! `latchkey doctor` on correct and faulty databases.

use serde_json::Value;
use test_postgres::{Cluster, Synchronous};

use super::{error_line, folder, new_database, text};
use crate::app::{EMAIL, PASSWORD};
use crate::operator::{Operator, success};

/// Returns the report on the database at this URL.
fn report(url: &str) -> Value {
    let https = ["--public-url", "https://auth.example.com", "--json"];
    let output = Operator::new(&folder(url)).run("doctor", &https, "");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Returns the names of the checks with this level.
fn checks<'a>(report: &'a Value, level: &str) -> Vec<&'a str> {
    let all = report["checks"].as_array().unwrap().iter();
    all.filter(|found| found["level"] == level)
        .map(|found| found["check"].as_str().unwrap())
        .collect()
}

/// Starts a server with the tables in one of its databases, and a role that may use them.
fn migrated() -> (Cluster, String) {
    let cluster = Cluster::start(&[]);
    let name = cluster.create_database(None);
    cluster.sql(&name, "CREATE ROLE latchkey_app LOGIN");
    success(&Operator::new(&folder(&cluster.url(&name))).run("migrate", &[], ""));
    (cluster, name)
}

#[test]
fn a_correct_database_passes_every_check() {
    let (cluster, name) = migrated();
    let app = format!("postgres://latchkey_app@127.0.0.1:{}/{name}", cluster.port());
    success(&Operator::new(&folder(&app)).users_with_input(&["create", EMAIL], PASSWORD));
    let found = report(&app);
    assert!(checks(&found, "fail").is_empty(), "{found:#}");
    for check in [
        "database",
        "access",
        "encoding",
        "tls",
        "role",
        "durability",
        "connections",
        "timeouts",
        "servers",
        "memory",
    ] {
        assert!(checks(&found, "ok").contains(&check), "{check}: {found:#}");
    }
}

#[test]
fn a_faulty_setting_fails_and_a_questionable_one_is_a_warning() {
    let (cluster, name) = migrated();
    let url = cluster.url(&name);
    assert!(checks(&report(&url), "warn").contains(&"role"), "a superuser");
    cluster.sql(&name, "UPDATE latchkey_meta SET copy_of = 'x'");
    assert!(checks(&report(&url), "fail").contains(&"database"), "an unfinished copy");
    cluster.sql(&name, "UPDATE latchkey_meta SET copy_of = NULL");
    cluster.sql(&name, "ALTER SYSTEM SET synchronous_commit = off; SELECT pg_reload_conf()");
    assert!(checks(&report(&url), "warn").contains(&"durability"));
    cluster.sql(&name, "ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf()");
    assert!(checks(&report(&url), "fail").contains(&"durability"));
    cluster.sql(&name, &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    assert!(checks(&report(&url), "fail").contains(&"access"));
    cluster.sql(
        "postgres",
        "CREATE DATABASE ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'",
    );
    let found = report(&cluster.url("ascii"));
    for check in ["encoding", "database"] {
        assert!(checks(&found, "fail").contains(&check), "{found:#}");
    }
}

#[test]
fn a_standby_fails() {
    let (cluster, name) = migrated();
    let standby = cluster.standby(Synchronous::No);
    let found = report(&standby.url(&name));
    assert_eq!(checks(&found, "fail"), ["access"], "{found:#}");
}

#[test]
fn a_missing_schema_and_a_missing_server_fail_with_a_fix() {
    let database = new_database();
    let found = report(&database.url());
    assert!(checks(&found, "fail").contains(&"database"), "{found:#}");
    assert_eq!(database.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
    let output = Operator::new(&folder("postgres://x@127.0.0.1:1/x")).run("doctor", &[], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("cannot connect"), "{output:?}");
    let usage = Operator::new(&folder("postgres://x@127.0.0.1:1/x")).users(&["list"]);
    assert!(error_line(&usage).contains("cannot connect"));
}

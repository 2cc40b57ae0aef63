//! The password of the database appears in no output.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use super::{SECRET, cluster_with_passwords, folder, text, url};
use crate::app::{EMAIL, PASSWORD};
use crate::operator::{Operator, success};
use crate::server::{Server, command};

#[test]
fn the_password_is_in_no_output_no_log_and_no_argument() {
    let cluster = cluster_with_passwords();
    cluster.sql(
        "postgres",
        &format!(
            "CREATE ROLE app LOGIN PASSWORD '{SECRET}'; CREATE DATABASE x OWNER app TEMPLATE template0"
        ),
    );
    let url = url(&cluster, "app", "x");
    let folder = folder(&url);
    let server = Server::start(&folder, &[]);
    assert_eq!(server.sign_up(EMAIL, PASSWORD).status, 201);
    server.log_in(EMAIL, PASSWORD);
    let arguments = std::fs::read(format!("/proc/{}/cmdline", server.id())).unwrap();
    assert!(!String::from_utf8_lossy(&arguments).contains(SECRET));

    let operator = Operator::new(&folder);
    success(&operator.users(&["list"]));
    for (name, arguments) in [
        ("users", &["list", "--json"][..]),
        ("keys", &["list"]),
        ("audit", &[]),
        ("migrate", &[]),
        ("backup", &["copy"]),
        ("doctor", &[]),
    ] {
        let output = operator.run(name, arguments, "");
        let printed = text(&output.stdout) + &text(&output.stderr);
        assert!(!printed.is_empty() && !printed.contains(SECRET), "{name}: {printed}");
    }
    // After the database server has stopped, the log contains errors with their causes.
    cluster.stop();
    let answer = server.sign_up("bob@example.com", PASSWORD);
    assert_eq!((answer.status, answer.header("retry-after").is_some()), (503, true));
    assert_eq!(server.get("/readyz").status, 503);
    let log = server.log();
    assert!(log.contains("ERROR") || log.contains("WARN"), "{log}");
    assert!(!log.contains(SECRET), "{log}");
}

#[test]
fn a_password_on_the_command_line_is_a_warning_that_names_the_file_option() {
    let cluster = cluster_with_passwords();
    cluster.sql(
        "postgres",
        &format!(
            "CREATE ROLE app LOGIN PASSWORD '{SECRET}'; CREATE DATABASE x OWNER app TEMPLATE template0"
        ),
    );
    let url = url(&cluster, "app", "x");
    let folder = tempfile::tempdir().unwrap();
    for database in [vec!["--database", &url], vec![&*format!("--database={url}")]] {
        let output = command().arg("migrate").args(&database).output().unwrap();
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        assert!(stderr.contains("--database-file") && !stderr.contains(SECRET), "{stderr}");
    }
    // As a variable, it is not visible to others.
    let mut list = command();
    success(&list.args(["users", "list"]).env("LATCHKEY_DATABASE", &url).output().unwrap());
    let mut serve = command();
    serve.args(["serve", "--listen", "127.0.0.1:0", "--database", &url]);
    let server = Server::spawn(serve, &folder).ok().unwrap();
    let log = server.log();
    let is_warning = |line: &str| line.contains("WARN") && line.contains("--database-file");
    assert!(log.lines().any(is_warning) && !log.contains(SECRET), "{log}");
}

#[test]
fn a_file_that_other_users_can_read_is_a_warning() {
    let folder = folder("postgres://postgres@127.0.0.1:1/x");
    let file = folder.path().join(crate::server::URL_FILE);
    std::fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let output = Operator::new(&folder).users(&["list"]);
    let stderr = text(&output.stderr);
    assert!(stderr.contains("chmod o= "), "{stderr}");
}

#[test]
fn a_url_that_cannot_be_parsed_or_is_in_the_wrong_place_is_not_printed() {
    let valid = format!("postgres://app:{SECRET}@127.0.0.1/x");
    let invalid = format!("postgres://app:{SECRET}@127.0.0.1/x?sslmode=maybe");
    let option = format!("--database={invalid}");
    let string = format!("host=127.0.0.1 user=app password={SECRET} dbname=x");
    let typo = format!("postgres:/app:{SECRET}@127.0.0.1/x");
    for arguments in [
        &["--database", &*invalid][..],
        &[&*option],
        &["serve", "--database", &*invalid],
        &["serve", &*valid],
        &["users", &*valid],
        &["users", "list", &*valid],
        &["users", "list", "--database", &*invalid],
        &["migrate", "--database-file", &*valid],
        &["serve", "--throttle", &*valid],
        &["serve", "--database", &*string],
        &["serve", "--database", &*typo],
        &["users", "list", "--database", &*string],
        &["doctor", &*string],
        &["migrate-store", "--from", &*string, "--to", "x.db"],
        &["migrate-store", "--from", &*valid],
        &["migrate-store", &*valid, &*string],
        &["migrate-store", "--from-file", &*valid, "--to", "x.db"],
    ] {
        let output = command().args(arguments).output().unwrap();
        let printed = text(&output.stdout) + &text(&output.stderr);
        assert_eq!((output.status.code(), printed.lines().count()), (Some(2), 1), "{printed}");
        assert!(!printed.contains(SECRET), "{printed}");
    }
    let variable = command().arg("serve").env("LATCHKEY_DATABASE", &invalid).output().unwrap();
    let printed = text(&variable.stderr);
    assert!(printed.contains("sslmode") && !printed.contains(SECRET), "{printed}");
}

#[test]
fn both_options_are_a_usage_error_but_an_argument_replaces_the_variables() {
    let folder = folder("sqlite:");
    let file = folder.path().join(crate::server::URL_FILE);
    let path = folder.path().join("x.db");
    std::fs::write(&file, format!("{}\n", path.display())).unwrap();
    let both = ["--database", path.to_str().unwrap(), "--database-file", file.to_str().unwrap()];
    for arguments in [
        [&["migrate"][..], &both].concat(),
        [&["serve"][..], &both].concat(),
        [&both[..2], &["users", "list"], &both[2..]].concat(),
    ] {
        let output = command().args(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    }
    let migrate = |option: &[&str]| {
        let mut command = command();
        command.env("LATCHKEY_DATABASE", "nowhere/x.db").env("LATCHKEY_DATABASE_FILE", "nowhere");
        command.arg("migrate").args(option).output().unwrap()
    };
    assert_eq!(migrate(&[]).status.code(), Some(2));
    assert_eq!(migrate(&both[2..]).status.code(), Some(0));
    assert_eq!(migrate(&both[..2]).status.code(), Some(0));
}

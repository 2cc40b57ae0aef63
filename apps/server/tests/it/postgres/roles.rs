//! The roles that `latchkey migrate --print-roles` creates.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use test_postgres::{Cluster, Installation};

use super::{error_line, folder};
use crate::app::{EMAIL, PASSWORD};
use crate::operator::{Operator, success};
use crate::server::{Server, command};

/// A database with the roles.
struct DatabaseWithRoles {
    cluster: Cluster,
    name: String,
}

impl DatabaseWithRoles {
    fn create() -> Self {
        let cluster = Cluster::start(&[]);
        let name = cluster.create_database(None);
        print_and_create_roles(&cluster, &name);
        // Existing roles are not an error.
        print_and_create_roles(&cluster, &name);
        Self { cluster, name }
    }

    /// Returns a folder with the URL of a role.
    fn folder(&self, role: &str) -> TempDir {
        folder(&url(&self.cluster, role, &self.name))
    }

    /// Creates the tables as the owner.
    fn migrate(&self) {
        success(&Operator::new(&self.folder("latchkey_owner")).run("migrate", &[], ""));
    }

    /// Runs a statement as a role, and returns whether it succeeded.
    fn may(&self, role: &str, sql: &str) -> bool {
        may(&url(&self.cluster, role, &self.name), sql)
    }
}

fn print_and_create_roles(cluster: &Cluster, database: &str) {
    let printed = success(&command().args(["migrate", "--print-roles"]).output().unwrap());
    cluster.sql(database, &printed);
}

fn url(cluster: &Cluster, role: &str, database: &str) -> String {
    format!("postgres://{role}@127.0.0.1:{}/{database}", cluster.port())
}

fn may(url: &str, sql: &str) -> bool {
    let psql = Installation::find().unwrap().program("psql");
    let mut process = Command::new(psql)
        .args(["--no-psqlrc", "--set=ON_ERROR_STOP=1", "--dbname", url])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    process.stdin.take().unwrap().write_all(sql.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let is_denied = error.contains("permission denied") || error.contains("must be owner");
    assert!(output.status.success() || is_denied, "{sql}: {error}");
    output.status.success()
}

#[test]
fn a_server_with_the_role_for_servers_waits_until_the_owner_has_created_the_tables() {
    let database = DatabaseWithRoles::create();
    let app = database.folder("latchkey_app");
    assert!(error_line(&Operator::new(&app).users(&["list"])).contains("latchkey migrate"));
    let server = std::thread::scope(|scope| {
        let started = scope.spawn(|| Server::start(&app, &[]));
        database.migrate();
        started.join().unwrap()
    });
    assert_eq!(server.sign_up(EMAIL, PASSWORD).status, 201);
    let token = server.log_in(EMAIL, PASSWORD);
    assert_eq!(server.me(&token).status, 200);
    let operator = Operator::new(&app);
    success(&operator.keys(&["rotate"]));
    success(&operator.users(&["disable", EMAIL]));
    assert_eq!(server.me(&token).code(), "invalid_token");
    success(&operator.users(&["delete", EMAIL, "--yes"]));
}

#[test]
fn a_server_waits_until_the_owner_has_granted_the_privileges() {
    let database = DatabaseWithRoles::create();
    database.migrate();
    let app = database.folder("latchkey_app");
    database.cluster.sql(&database.name, "REVOKE ALL ON latchkey_meta FROM latchkey_app");
    let error = error_line(&Operator::new(&app).users(&["list"]));
    assert!(error.contains("lacks a privilege"), "{error}");
    let server = std::thread::scope(|scope| {
        let started = scope.spawn(|| Server::start(&app, &[]));
        // The server has time to find that it lacks the privilege.
        std::thread::sleep(Duration::from_secs(2));
        database.migrate();
        started.join().unwrap()
    });
    assert_eq!(server.sign_up(EMAIL, PASSWORD).status, 201);
}

#[test]
fn each_role_may_do_only_what_it_is_for() {
    let database = DatabaseWithRoles::create();
    database.migrate();
    let app = database.folder("latchkey_app");
    success(&Operator::new(&app).users_with_input(&["create", EMAIL], PASSWORD));
    for (role, sql, allowed) in [
        ("latchkey_owner", "CREATE TABLE notes (text text)", true),
        ("latchkey_app", "SELECT * FROM users", true),
        ("latchkey_app", "INSERT INTO events (at, kind, operator) VALUES (1, 'x', true)", true),
        (
            "latchkey_app",
            "INSERT INTO events (at, kind, operator, amr) VALUES (1, 'x', true, 'pwd')",
            true,
        ),
        ("latchkey_app", "SELECT * FROM totp, pending_totp, passkeys, code_failures", true),
        ("latchkey_app", "DELETE FROM recovery_codes", true),
        ("latchkey_app", "DELETE FROM user_metadata", true),
        (
            "latchkey_app",
            "INSERT INTO events (at, kind, operator, detail) VALUES (1, 'x', true, 'admin')",
            true,
        ),
        ("latchkey_app", "INSERT INTO used_ids VALUES (substr(sha256(''), 1, 16), 1)", true),
        ("latchkey_app", "ALTER TABLE sessions DISABLE TRIGGER ALL", false),
        (
            "latchkey_app",
            "INSERT INTO events (xid, at, kind, operator) VALUES (1, 1, 'x', true)",
            false,
        ),
        (
            "latchkey_app",
            "INSERT INTO events (id, at, kind, operator) VALUES (9, 1, 'x', true)",
            false,
        ),
        ("latchkey_app", "UPDATE latchkey_meta SET version = 0", false),
        ("latchkey_app", "UPDATE latchkey_meta SET copy_of = NULL", false),
        ("latchkey_app", "UPDATE latchkey_meta SET event_epoch = 7", false),
        // A temporary table could hide the one with the epoch.
        ("latchkey_app", "CREATE TEMPORARY TABLE latchkey_meta (event_epoch bigint)", false),
        ("latchkey_app", "SELECT latchkey_renew_event_epoch()", true),
        ("latchkey_app", "UPDATE events SET kind = 'y'", false),
        ("latchkey_app", "DELETE FROM events", false),
        ("latchkey_app", "TRUNCATE users", false),
        ("latchkey_app", "DROP TABLE users", false),
        ("latchkey_app", "CREATE TABLE more (text text)", false),
        ("latchkey_app", "CREATE ROLE other", false),
        ("latchkey_app", "SELECT pg_read_file('postgresql.conf')", false),
        ("latchkey_read", "SELECT id, email, created_at, disabled_at FROM users", true),
        ("latchkey_read", "SELECT id, user_id, ip, user_agent FROM sessions", true),
        ("latchkey_read", "SELECT * FROM events", true),
        ("latchkey_read", "SELECT id, created_at, signs_from FROM signing_keys", true),
        ("latchkey_read", "SELECT version FROM latchkey_meta", true),
        ("latchkey_read", "SELECT purpose, user_id, expires_at, tries FROM codes", true),
        ("latchkey_read", "SELECT id, kind, recipient, failed_at, reason FROM mails", true),
        ("latchkey_read", "SELECT second_factor_at FROM users", true),
        ("latchkey_read", "SELECT amr FROM sessions", true),
        ("latchkey_read", "SELECT user_id, created_at, last_used_at FROM totp", true),
        ("latchkey_read", "SELECT user_id, expires_at FROM pending_totp", true),
        ("latchkey_read", "SELECT user_id, count(*) FROM recovery_codes GROUP BY 1", true),
        ("latchkey_read", "SELECT * FROM recovery_code_lists, passkeys, code_failures", true),
        ("latchkey_read", "SELECT roles FROM users", true),
        ("latchkey_read", "SELECT user_id FROM user_metadata", true),
        ("latchkey_read", "SELECT private FROM user_metadata", false),
        ("latchkey_read", "SELECT public FROM user_metadata", false),
        ("latchkey_read", "SELECT password_hash FROM users", false),
        ("latchkey_read", "SELECT secret FROM totp", false),
        ("latchkey_read", "SELECT secret FROM pending_totp", false),
        ("latchkey_read", "SELECT hash FROM recovery_codes", false),
        ("latchkey_read", "SELECT id FROM used_ids", false),
        ("latchkey_read", "SELECT refresh_token FROM sessions", false),
        ("latchkey_read", "SELECT refresh_family FROM sessions", false),
        ("latchkey_read", "SELECT successor_salt FROM sessions", false),
        ("latchkey_read", "SELECT seed FROM signing_keys", false),
        ("latchkey_read", "SELECT key FROM decoy_state", false),
        ("latchkey_read", "SELECT key FROM counters", false),
        ("latchkey_read", "SELECT hash FROM codes", false),
        ("latchkey_read", "SELECT browser FROM codes", false),
        ("latchkey_read", "SELECT new_email FROM codes", false),
        ("latchkey_read", "SELECT message FROM mails", false),
        ("latchkey_read", "SELECT latchkey_renew_event_epoch()", false),
        ("latchkey_read", "DELETE FROM sessions", false),
        ("latchkey_read", "UPDATE users SET email = 'x'", false),
    ] {
        assert_eq!(database.may(role, sql), allowed, "{role}: {sql}");
    }
}

#[test]
fn a_dump_by_the_role_for_servers_can_be_restored_and_used() {
    let database = DatabaseWithRoles::create();
    database.migrate();
    let app = database.folder("latchkey_app");
    success(&Operator::new(&app).users_with_input(&["create", EMAIL], PASSWORD));

    // The error of `latchkey backup` contains the command.
    let error = error_line(&Operator::new(&app).run("backup", &["copy.db"], ""));
    let dump = error.split("for example ").nth(1).and_then(|rest| rest.split(", or ").next());
    let programs = Installation::find().unwrap().program("");
    let run = |command: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("PATH={}:$PATH; {command}", programs.display())]);
        success(&shell.current_dir(app.path()).output().unwrap());
    };
    run(dump.unwrap());

    let cluster = &database.cluster;
    let restored = cluster.create_database(None);
    print_and_create_roles(cluster, &restored);
    let target = cluster.url(&restored);
    run(&format!("pg_restore --exit-on-error --dbname='{target}' latchkey.dump"));
    let folder = folder(&url(cluster, "latchkey_app", &restored));
    let server = Server::start(&folder, &[]);
    assert_eq!(server.me(&server.log_in(EMAIL, PASSWORD)).status, 200);
}

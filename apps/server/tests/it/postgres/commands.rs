//! The operator commands, while a server runs.

use std::process::Output;
use std::thread;
use std::time::Duration;

use test_postgres::{Database, Fault, Proxy};

use super::{SECRET, app, error_line, folder, new_database, text};
use crate::app::{EMAIL, PASSWORD, TestApp};
use crate::operator::{Operator, json, success};
use crate::roles::check_roles;
use crate::transfer::BCRYPT;

#[test]
fn every_command_about_accounts_works_beside_a_server() {
    let app = app();
    let session = app.user().log_in();
    let operator = app.operator();
    let users = |arguments: &[&str]| success(&operator.users(arguments));
    assert!(users(&["list"]).contains(EMAIL));
    assert!(users(&["show", EMAIL]).contains(EMAIL));
    assert_eq!(users(&["sessions", EMAIL]).lines().count(), 1);
    assert!(users(&["sign-out", EMAIL]).contains("ended 1 session"));
    assert_eq!(session.me().code(), "invalid_token");

    users(&["disable", EMAIL]);
    assert_eq!(
        app.post("/api/token", "", &crate::server::credentials(EMAIL, PASSWORD)).status,
        401
    );
    users(&["enable", EMAIL]);
    users(&["unlock", EMAIL]);
    let new = "a short walk along the river";
    success(&operator.users_with_input(&["set-password", EMAIL], new));
    app.log_in(EMAIL, new);
    success(&operator.users_with_input(&["create", "bob@example.com"], PASSWORD));
    app.log_in("bob@example.com", PASSWORD);

    let exported = users(&["export"]);
    assert_eq!(exported.lines().count(), 2);
    users(&["delete", "bob@example.com", "--yes"]);
    let file = app.folder.path().join("users.jsonl");
    std::fs::write(&file, exported.lines().last().unwrap()).unwrap();
    let imported = json(&operator.users(&["import", file.to_str().unwrap(), "--json"]));
    assert_eq!(imported["imported"], 1);
    app.log_in("bob@example.com", PASSWORD);

    let log = success(&operator.audit(&[]));
    for kind in ["account_created", "signed_in", "password_changed", "account_deleted"] {
        assert!(log.contains(kind), "{kind}: {log}");
    }
}

/// The connection is lost after the transaction is committed, so the command does not know that it
/// was.
#[tokio::test(flavor = "multi_thread")]
async fn the_id_map_is_kept_if_the_outcome_of_the_import_is_unknown() {
    let database = new_database();
    success(&migrate(&folder(&database.url()), &[]));
    let url = database.url();
    let (_, port) = url.rsplit_once('/').unwrap().0.rsplit_once(':').unwrap();
    let proxy = Proxy::to(port.parse().unwrap()).await;
    let folder = folder(&proxy.url(database.name()));
    let file = folder.path().join("users.jsonl");
    let user = serde_json::json!({"id": 7, "email": EMAIL, "password": BCRYPT});
    std::fs::write(&file, user.to_string()).unwrap();
    let map = folder.path().join("ids.csv");
    // The first command creates a signing key.
    success(&Operator::new(&folder).users(&["list"]));
    let import = ["import", file.to_str().unwrap(), "--id-map", map.to_str().unwrap()];
    let import_once = || {
        thread::scope(|scope| {
            scope.spawn(|| database.sql(LOCK));
            wait_for_lock(&database, "granted", || false);
            let import = scope.spawn(|| Operator::new(&folder).users(&import));
            wait_for_lock(&database, "NOT granted", || import.is_finished());
            proxy.set(Fault::SwallowCommitReply);
            database.sql("CREATE TABLE unlocked ()");
            import.join().unwrap()
        })
    };
    let mut output = import_once();
    // An import waits for the lock for 3 seconds only. On a slow machine, it can fail before its
    // COMMIT, and has no effect.
    for _ in 0..5 {
        if proxy.swallowed_commits() > 0 {
            break;
        }
        let line = error_line(&output);
        assert!(line.contains("lock timeout"), "{line}");
        assert_eq!(database.sql("SELECT count(*) FROM users"), "0");
        assert!(!map.exists());
        proxy.set(Fault::None);
        database.sql("DROP TABLE unlocked");
        output = import_once();
    }
    let line = error_line(&output);
    assert_eq!(proxy.swallowed_commits(), 1);
    assert!(line.contains("unknown whether the accounts were imported"), "{line}");
    let (_, rest) = line.split_once("the map of their ids is in ").unwrap();
    let kept = std::fs::read_to_string(rest.split_once(": ").unwrap().0).unwrap();
    let id = database.sql("SELECT id FROM users");
    assert_eq!(kept, format!("old_id,id,email\n7,{id},{EMAIL}\n"));
    assert!(!map.exists());
}

/// Holds a lock until there is a table `unlocked`. An import waits for the lock after it has checked
/// which accounts exist, which is another transaction.
const LOCK: &str = "BEGIN; LOCK TABLE decoy_state IN EXCLUSIVE MODE;
    DO $$ BEGIN
        WHILE NOT EXISTS (SELECT FROM pg_class WHERE relname = 'unlocked') LOOP
            PERFORM pg_sleep(0.02);
        END LOOP;
    END $$;
    COMMIT";

/// Waits until somebody holds the lock, or waits for it. Stops if the waiter gives up.
#[track_caller]
fn wait_for_lock(database: &Database, state: &str, has_given_up: impl Fn() -> bool) {
    let locks = format!(
        "SELECT count(*) FROM pg_locks WHERE relation = 'decoy_state'::regclass AND {state}
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    );
    let exists = (0..400).any(|_| {
        thread::sleep(Duration::from_millis(20));
        has_given_up() || database.sql(&locks) != "0"
    });
    assert!(exists, "no lock is {state}");
}

#[test]
fn roles_are_granted_and_revoked_beside_a_server() {
    check_roles(&app());
}

#[test]
fn a_retired_key_is_rejected_at_the_next_request_on_every_server() {
    let app = app();
    let other = app.start_another();
    let session = app.user().log_in();
    assert_eq!(other.me(&session.token).status, 200);
    let keys = json(&app.operator().keys(&["list", "--json"]));
    let kid = keys[0]["kid"].as_str().unwrap();
    success(&app.operator().keys(&["rotate", "--now"]));
    success(&app.operator().keys(&["retire", kid]));
    for server in [&*app, &other] {
        assert_eq!(server.me(&session.token).code(), "invalid_token");
    }
    assert_eq!(app.refresh(&session.cookie).status, 200);
}

#[test]
fn a_backup_is_refused_and_names_the_tools_of_postgres() {
    let app = app();
    let output = app.operator().run("backup", &["copy.db"], "");
    let line = error_line(&output);
    for part in ["pg_dump", "=codes", "=mails", "postgres://", "continuous archiving"] {
        assert!(line.contains(part), "{line}");
    }
    assert!(!std::path::Path::new("copy.db").exists());
}

fn migrate(folder: &tempfile::TempDir, more: &[&str]) -> Output {
    Operator::new(folder).run("migrate", more, "")
}

#[test]
fn a_migration_creates_the_tables_once_and_no_key() {
    let database = new_database();
    let folder = folder(&database.url());
    let created = json(&migrate(&folder, &["--json"]));
    assert_eq!((&created["from"], created["to"].as_i64() > Some(0)), (&0.into(), true));
    assert_eq!(database.sql("SELECT count(*) FROM signing_keys"), "0");
    let again = success(&migrate(&folder, &[]));
    assert!(again.contains("nothing was changed"), "{again}");
    let tables = database.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'");
    assert_eq!(tables, "22");
}

#[test]
fn a_sqlite_file_is_created_and_migrated_without_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let created = success(&migrate(&folder, &[]));
    assert!(created.contains("created the tables"), "{created}");
    let database = rusqlite::Connection::open(folder.path().join("latchkey.db")).unwrap();
    let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM signing_keys"), 0);
    let migrated = json(&migrate(&folder, &["--json"]));
    assert_eq!(migrated["from"], migrated["to"]);
    assert_eq!(migrated["to"], count("PRAGMA user_version"));
}

#[test]
fn creating_an_account_creates_the_tables() {
    let database = new_database();
    let folder = folder(&database.url());
    let create = ["create", EMAIL];
    success(&Operator::new(&folder).users_with_input(&create, PASSWORD));
    assert_eq!(database.sql("SELECT email FROM users"), EMAIL);
    let app = TestApp::start(&[], Some(database));
    app.log_in(EMAIL, PASSWORD);
}

#[test]
fn the_url_may_be_a_variable_that_help_does_not_show() {
    let url = format!("postgres://postgres:{SECRET}@127.0.0.1:1/x");
    for arguments in [&["--help"][..], &["serve", "--help"], &["users", "list", "--help"]] {
        let mut help = crate::server::command();
        let output = help.args(arguments).env("LATCHKEY_DATABASE", &url).output().unwrap();
        let printed = text(&output.stdout);
        assert!(printed.contains("LATCHKEY_DATABASE") && !printed.contains(SECRET), "{printed}");
    }
}

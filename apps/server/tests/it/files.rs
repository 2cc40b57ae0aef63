//! The files of the database: who can read them, and that they contain no deleted data.

use std::fs::{Permissions, metadata, set_permissions};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::json;

use crate::app::{EMAIL, PASSWORD, TestApp};
use crate::operator::{Operator, json as json_output, success};
use crate::server::bearer;
use crate::transfer::BCRYPT;

/// Returns whether one of the database's files contains these bytes.
fn is_stored(app: &TestApp, part: &[u8]) -> bool {
    ["latchkey.db", "latchkey.db-wal", "latchkey.db-shm"].iter().any(|name| {
        let bytes = std::fs::read(app.folder.path().join(name)).unwrap_or_default();
        bytes.windows(part.len()).any(|window| window == part)
    })
}

#[test]
fn the_result_of_a_command_is_printed_even_if_deleted_data_cannot_be_erased() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.jsonl");
    let import = ["import", file.to_str().unwrap()];
    let write = |numbers: Range<u32>| {
        let line = |n| json!({"email": format!("user-{n}@example.com"), "password": BCRYPT});
        let lines: Vec<_> = numbers.map(|n| line(n).to_string()).collect();
        std::fs::write(&file, lines.join("\n")).unwrap();
    };
    let operator = Operator::new(&folder);
    write(0..1000);
    success(&operator.users(&import));
    write(1000..1001);
    let kid = json_output(&operator.keys(&["list", "--json"]))[0]["kid"].clone();
    success(&operator.keys(&["rotate", "--now"]));
    for (name, arguments, result) in [
        ("users", &import[..], "imported 1 account ("),
        ("users", &["set-password", "user-999@example.com"], "set the password of user-999@"),
        ("users", &["delete", "user-998@example.com"], "deleted user-998@example.com"),
        ("keys", &["retire", kid.as_str().unwrap()], "retired "),
    ] {
        let output = operator.run_on_full_disk(name, arguments, PASSWORD);
        let [out, error] = [output.stdout, output.stderr].map(|b| String::from_utf8(b).unwrap());
        assert_eq!(output.status.code(), Some(1), "{name} {arguments:?}: {out}{error}");
        assert!(error.contains("done, but the deleted data is still in"), "{error}");
        assert!(out.contains(result), "{out}");
        // Copies the log into the file.
        success(&operator.users(&["list"]));
    }
}

/// Waits for the server to erase deleted data, which it does in the background.
fn wait_until_erased(app: &TestApp, part: &[u8]) {
    for _ in 0..600 {
        if !is_stored(app, part) {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    unreachable!("the data is still stored");
}

/// Reads one value as another program would.
fn read<T: rusqlite::types::FromSql>(app: &TestApp, sql: &str) -> T {
    let connection = Connection::open(app.database()).unwrap();
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn the_server_erases_a_replaced_hash_and_a_deleted_account() {
    let app = TestApp::new();
    let hash = || read::<String>(&app, "SELECT password_hash FROM users");
    let session = app.user().log_in();
    let old = hash();
    let body = json!({"current_password": PASSWORD, "new_password": "a short swim"});
    let headers = bearer(&session.token);
    let changed = app.send_json("PUT", "/api/me/password", &headers, &body.to_string());
    assert_eq!(changed.status, 204, "{}", changed.body);
    wait_until_erased(&app, old.as_bytes());
    let new = hash();
    assert!(is_stored(&app, new.as_bytes()));

    let body = r#"{"password": "a short swim"}"#;
    assert_eq!(app.send_json("DELETE", "/api/me", &headers, body).status, 204);
    wait_until_erased(&app, EMAIL.as_bytes());
    wait_until_erased(&app, new.as_bytes());
}

#[test]
fn commands_erase_what_they_delete_while_a_server_runs() {
    let app = TestApp::new();
    let operator = app.operator();
    app.user();
    let old = read::<String>(&app, "SELECT password_hash FROM users");
    success(&operator.users_with_input(&["set-password", EMAIL], "a short swim"));
    assert!(!is_stored(&app, old.as_bytes()));
    success(&operator.users(&["delete", EMAIL]));
    assert!(!is_stored(&app, EMAIL.as_bytes()));

    let seed = read::<Vec<u8>>(&app, "SELECT seed FROM signing_keys");
    let kid =
        json_output(&operator.keys(&["list", "--json"]))[0]["kid"].as_str().unwrap().to_owned();
    success(&operator.keys(&["rotate"]));
    assert!(is_stored(&app, &seed));
    success(&operator.keys(&["retire", &kid]));
    assert!(!is_stored(&app, &seed));

    let import = app.folder.path().join("users.jsonl");
    let user = json!({"email": "grace@example.com", "password_hash": old});
    std::fs::write(&import, user.to_string()).unwrap();
    success(&operator.users(&["import", import.to_str().unwrap()]));
    let log = std::fs::read(app.folder.path().join("latchkey.db-wal")).unwrap();
    assert!(log.is_empty(), "the log was truncated");
}

#[test]
fn every_command_removes_the_permissions_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let operator = Operator::new(&folder);
    success(&operator.users_with_input(&["create", EMAIL], PASSWORD));
    let files = ["latchkey.db", "latchkey.db-wal", "latchkey.db-shm"];
    let backup = folder.path().join("backup.db");
    for (command, arguments) in [
        ("users", &["list"][..]),
        ("users", &["show", EMAIL]),
        ("users", &["disable", EMAIL]),
        ("keys", &["list"]),
        ("keys", &["rotate"]),
        ("audit", &[]),
        ("backup", &[backup.to_str().unwrap()]),
    ] {
        // Another process has the files open, so that none is deleted when the command exits.
        let other = Connection::open(folder.path().join("latchkey.db")).unwrap();
        let count = "SELECT count(*) FROM users";
        other.query_row(count, [], |row| row.get::<_, i64>(0)).unwrap();
        for name in files {
            set_permissions(folder.path().join(name), Permissions::from_mode(0o644)).unwrap();
        }
        success(&operator.run(command, arguments, ""));
        for path in files.map(|name| folder.path().join(name)) {
            let mode = metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{command} {arguments:?}: {}", path.display());
        }
        drop(other);
    }
    assert_eq!(metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
}

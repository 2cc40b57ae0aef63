//! `latchkey doctor` fails where the server cannot start.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::read_only_file::without_root_override;
use crate::start::{database, start, start_error, through};

/// Returns the names of the checks that fail.
fn failures(wrapper: &[&str], folder: &TempDir) -> Vec<String> {
    let mut doctor = through(wrapper);
    doctor.args(["doctor", "--json", "--listen", "127.0.0.1:0", "--database"]);
    let output = doctor.arg(database(folder)).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap().iter();
    let failed: Vec<_> = checks
        .filter(|check| check["level"] == "fail")
        .map(|check| check["check"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(output.status.success(), failed.is_empty(), "{report:#}");
    failed
}

fn stopped_server() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start(&folder);
    server.signal("TERM");
    server.wait();
    std::fs::write(folder.path().join("log"), "").unwrap();
    folder
}

#[test]
fn doctor_fails_where_the_file_or_its_folder_is_not_writable() {
    let folder = stopped_server();
    assert!(failures(without_root_override(), &folder).is_empty());
    let file = database(&folder);
    for (path, read_only, writable) in [(&*file, 0o400, 0o600), (folder.path(), 0o500, 0o700)] {
        let set_mode = |mode| set_permissions(path, Permissions::from_mode(mode)).unwrap();
        set_mode(read_only);
        let failed = failures(without_root_override(), &folder);
        let line = start_error(without_root_override(), &folder);
        set_mode(writable);
        assert_eq!(failed, ["access"], "the server reports: {line}");
    }
}

/// Returns a command prefix that runs a script, and then the command, with mounts of its own.
fn with_mounts<'a>(script: &'a str, path: &'a str) -> [&'a str; 7] {
    ["unshare", "--mount", "--propagation=private", "sh", "-c", script, path]
}

/// Returns whether this process may mount file systems. In many containers, even root may not.
fn may_mount(folder: &Path) -> bool {
    let [program, arguments @ ..] =
        with_mounts(r#"mount --bind "$0" "$0""#, folder.to_str().unwrap());
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

#[test]
fn doctor_fails_on_a_read_only_mount_and_on_a_file_that_is_mounted_alone() {
    let folder = stopped_server();
    if !may_mount(folder.path()) {
        return;
    }
    let path = folder.path().to_str().unwrap();
    let read_only = r#"mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@""#;
    let wrapper = with_mounts(read_only, path);
    assert_eq!(failures(&wrapper, &folder), ["access"]);

    // The folder is read-only, and the file is writable.
    let alone = r#"mount --bind "$0" "$0" && mount --bind "$0/latchkey.db" "$0/latchkey.db" &&
        mount -o remount,bind,ro "$0" && exec "$@""#;
    let wrapper = with_mounts(alone, path);
    assert_eq!(failures(&wrapper, &folder), ["access"]);

    // Both are writable, but the files that the server creates beside the database can be lost.
    let alone = r#"mount --bind "$0/latchkey.db" "$0/latchkey.db" && exec "$@""#;
    assert_eq!(failures(&with_mounts(alone, path), &folder), ["access"]);
}

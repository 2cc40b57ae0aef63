//! Runs the command samples in README.md and docs, each in its own folder with a running server.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use test_postgres::shared;

use crate::app::TestApp;
use crate::server::credentials;

/// The prefixes of commands that are not run here.
const NOT_RUN: [&str; 10] = [
    // Run by `cargo xtask ci`.
    "cargo ",
    // `cargo xtask ci` builds the Yew example with these options.
    "wasm-bindgen ",
    // They change the system.
    "rustup ",
    "useradd ",
    "install ",
    "systemctl ",
    // It runs until it is stopped.
    "latchkey serve ",
    // It rejects the database of a running server. The module `migrate_store` tests it.
    "latchkey migrate-store ",
    // It looks for the proxy of the public URL. The module `doctor` tests it.
    "latchkey doctor ",
    // They need an app that embeds the crates. The tests of the examples of `api` run them.
    "curl localhost:3000/",
];

/// Pages whose commands need other machines: PostgreSQL or a relay. The commands of `latchkey` in
/// them are tested in the modules `postgres` and `mail`.
const PAGES_NOT_RUN: [&str; 3] = ["mail.md", "postgresql.md", "postgresql-failover.md"];

/// Replacements for programs that may be missing or ask for a password.
const STAND_INS: [(&str, &str); 4] = [
    ("openssl", "head -c 18 /dev/urandom | base64"),
    ("psql", ":"),
    // Prints the query.
    ("sqlite3", "printf '%s\n' \"$4\""),
    ("sudo", "shift 2; exec \"$@\""),
];

/// The value of `SECURITY_PASSWORD_SALT` in the samples.
const FLASK_SECURITY_SALT: &str = "$2a$ a salt of the app, \u{fc}";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns README.md and all pages below docs, except [`PAGES_NOT_RUN`].
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![root().join("README.md")];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md")
                && !PAGES_NOT_RUN.iter().any(|page| path.ends_with(page))
            {
                pages.push(path);
            }
        }
    }
    pages
}

/// Returns the command samples in a page.
fn samples(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let starts = text.split("```sh\n").skip(1);
    starts.map(|sample| sample.split("```").next().unwrap().to_owned()).collect()
}

/// Returns the commands of a sample that can be run here, or `None` if there are none.
fn commands(sample: &str) -> Option<String> {
    // In a list, a sample is indented.
    let is_run = |line: &&str| {
        let line = line.trim_start();
        !line.is_empty() && !NOT_RUN.iter().any(|start| line.starts_with(start))
    };
    let lines: Vec<_> = sample.lines().filter(is_run).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn run(commands: &str) -> Output {
    let app = TestApp::new();
    app.post("/api/token", "", &credentials("nobody@example.com", "wrong"));
    let dump = r#"[{"model": "auth.user", "pk": 1, "fields": {"email": "grace@example.com",
        "password": "pbkdf2_sha256$1000$seasoningseasoning22$pcNp2D8+ZMYvp8uibnw3RAckInZ03+Y79eeAv5xB6rk="}}]"#;
    fs::write(app.folder.path().join("users.json"), dump).unwrap();
    // The first line is the password of a new account.
    fs::write(app.folder.path().join("password"), "a long walk along the sea\n").unwrap();
    let folder = format!("{}/", app.folder.path().display());
    let database = shared().create_database(None);
    fs::write(app.folder.path().join("owner-url"), database.url()).unwrap();
    // The database of an app that embeds the crates, with an account.
    let embedded = "latchkey users create eve@example.com --database app.db < password\n";
    let before = if commands.contains("--database app.db") { embedded } else { "" };
    let commands = format!("{before}{commands}")
        .replace("http://localhost:8080", &format!("http://{}", app.address))
        .replace("/var/lib/latchkey/", &folder)
        .replace("/var/backups/", &folder)
        .replace("/etc/latchkey/", &folder)
        .replace("/dev/tty", "/dev/null");
    Command::new("sh")
        .args(["-eu", "-c", &commands])
        .current_dir(app.folder.path())
        .stdin(fs::File::open(app.folder.path().join("password")).unwrap())
        .env("URL", "postgres://localhost/postgres")
        .env("SECURITY_PASSWORD_SALT", FLASK_SECURITY_SALT)
        .env("PATH", format!("{}:{}", programs(&app.folder), std::env::var("PATH").unwrap()))
        .output()
        .unwrap()
}

/// Creates a folder with the program and the stand-ins, and returns its path.
fn programs(folder: &TempDir) -> String {
    let programs = folder.path().join("programs");
    fs::create_dir(&programs).unwrap();
    let latchkey = format!("exec {} \"$@\"", env!("CARGO_BIN_EXE_latchkey"));
    for (name, script) in STAND_INS.into_iter().chain([("latchkey", &*latchkey)]) {
        let path = programs.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    programs.to_str().unwrap().to_owned()
}

#[test]
fn every_command_in_the_documentation_works() {
    let mut samples_run = 0;
    for page in pages() {
        for sample in samples(&page) {
            let Some(commands) = commands(&sample) else { continue };
            let output = run(&commands);
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}:\n{commands}\n{stderr}", page.display());
            samples_run += 1;
        }
    }
    assert!(samples_run >= 7, "only {samples_run} samples were run");
}

#[test]
fn the_api_sample_signs_up_and_logs_in() {
    let commands = commands(&samples(&root().join("docs/API.md"))[0]).unwrap();
    let stdout = String::from_utf8(run(&commands).stdout).unwrap();
    assert_eq!(stdout.matches("ada@example.com").count(), 2, "{stdout}");
    assert!(stdout.contains("\"current\":true"), "{stdout}");
}

#[test]
fn the_flask_security_sample_adds_the_salt_to_the_hashes() {
    let samples = samples(&root().join("docs/operations/import.md"));
    let sample = samples.iter().find(|sample| sample.contains("flask-security")).unwrap();
    let commands = sample.replace("> users.csv", "");
    let query = String::from_utf8(run(&commands).stdout).unwrap();
    let database = rusqlite::Connection::open_in_memory().unwrap();
    database
        .execute_batch(
            "CREATE TABLE user (email, active, password);
             INSERT INTO user VALUES ('ada@example.com', 1, '$2b$04$hash')",
        )
        .unwrap();
    let hash: String = database.query_row(&query, [], |row| row.get("password_hash")).unwrap();
    // The base64 of the salt.
    assert_eq!(hash, "flask-security$JDJhJCBhIHNhbHQgb2YgdGhlIGFwcCwgw7w=$$2b$04$hash");
}

#[test]
fn every_excluded_command_still_exists() {
    let all: String = pages().iter().flat_map(|page| samples(page)).collect();
    for start in NOT_RUN {
        assert!(all.lines().any(|line| line.starts_with(start)), "{start}");
    }
}

#[test]
fn the_unit_sets_known_variables_to_valid_values() {
    let unit = fs::read_to_string(root().join("deploy/latchkey.service")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let variables: Vec<_> = unit
        .lines()
        .filter_map(|line| line.strip_prefix("Environment=")?.split_once('='))
        .filter(|(name, _)| *name != "LATCHKEY_DATABASE")
        .collect();
    assert!(variables.len() >= 3, "{variables:?}");
    let output = Command::new(env!("CARGO_BIN_EXE_latchkey"))
        .args(["doctor", "--json"])
        .current_dir(folder.path())
        .env_clear()
        .envs(variables)
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    for name in ["environment", "proxy", "public url"] {
        let checks = report["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["check"] == name).unwrap();
        assert_eq!(check["level"], "ok", "{check}");
    }
}

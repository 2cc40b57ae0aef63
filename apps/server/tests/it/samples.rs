//! Runs the command samples in README.md and docs, each with its own folder and server.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::app::TestApp;
use crate::server::credentials;

/// The prefixes of commands that these tests skip: `cargo xtask ci` runs the first, and the others
/// change the system.
const NOT_RUN: [&str; 3] = ["cargo ", "useradd ", "install "];

/// Replacements for programs that may be missing or ask for a password.
const STAND_INS: [(&str, &str); 2] =
    [("openssl", "head -c 18 /dev/urandom | base64"), ("sudo", "shift 2; exec \"$@\"")];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the command samples in a page.
fn samples(page: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(page)).unwrap();
    let begun = text.split("```sh\n").skip(1);
    begun.map(|sample| sample.split("```").next().unwrap().to_owned()).collect()
}

/// Returns the commands of a sample without the skipped ones, or `None` if none is left.
fn commands(sample: &str) -> Option<String> {
    let is_run = |line: &&str| !NOT_RUN.iter().any(|start| line.starts_with(start));
    let lines: Vec<_> = sample.lines().filter(is_run).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

fn run(commands: &str) -> Output {
    let app = TestApp::new();
    app.post("/api/token", "", &credentials("nobody@example.com", "wrong"));
    let dump = r#"[{"model": "auth.user", "pk": 1, "fields": {"email": "grace@example.com",
        "password": "pbkdf2_sha256$1000$seasoningseasoning22$pcNp2D8+ZMYvp8uibnw3RAckInZ03+Y79eeAv5xB6rk="}}]"#;
    fs::write(app.folder.path().join("users.json"), dump).unwrap();
    let here = format!("{}/", app.folder.path().display());
    let commands = commands
        .replace("http://localhost:8080", &format!("http://{}", app.address))
        .replace("/var/lib/latchkey/", &here)
        .replace("/var/backups/", &here)
        .replace("/dev/tty", "/dev/null");
    Command::new("sh")
        .args(["-eu", "-c", &commands])
        .current_dir(app.folder.path())
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
    let mut pages = vec!["README.md".to_owned()];
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        pages.extend(name.ends_with(".md").then(|| format!("docs/{name}")));
    }
    let mut number = 0;
    for page in pages {
        for sample in samples(&page) {
            let Some(commands) = commands(&sample) else { continue };
            let output = run(&commands);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{page}:\n{commands}\n{said}");
            number += 1;
        }
    }
    assert!(number >= 7, "{number} samples were run");
}

#[test]
fn the_api_sample_signs_up_and_logs_in() {
    let commands = commands(&samples("docs/API.md")[0]).unwrap();
    let said = String::from_utf8(run(&commands).stdout).unwrap();
    assert_eq!(said.matches("ada@example.com").count(), 2, "{said}");
    assert!(said.contains("\"current\":true"), "{said}");
}

#[test]
fn every_excluded_command_still_exists() {
    let pages = ["README.md", "docs/OPERATIONS.md"];
    let all: String = pages.iter().flat_map(|page| samples(page)).collect();
    for start in NOT_RUN {
        assert!(all.lines().any(|line| line.starts_with(start)), "{start}");
    }
}

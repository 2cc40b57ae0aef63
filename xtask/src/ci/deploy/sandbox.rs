//! Runs the server with the system calls that the systemd unit permits.
//!
//! `systemd-analyze` does not run the unit, so it cannot tell that the server needs a system call
//! that the unit denies. systemd itself may not be running on a CI machine, so the filter is
//! installed by libseccomp, which systemd also uses.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::syscall_filter::{self, Groups};
use crate::apt::Requirement;
use crate::process::{step, succeeds};
use crate::server::Server;
use crate::workspace;

/// Debian's Python. The module for seccomp is a Debian package, which another Python does not find.
const PYTHON: &str = "/usr/bin/python3";
const SECCOMP: Requirement =
    Requirement { name: "Python's module seccomp", packages: &["python3-seccomp"] };

/// The setting that makes a denied system call fail instead of killing the server. A later version
/// of a library may try a call that it can do without.
const ERROR_NUMBER: (&str, &str) = ("SystemCallErrorNumber", "EPERM");

/// A system call that the server can do without, and the note in its log if it is denied.
const OPTIONAL_CALL: (&str, &str) = ("setpriority", "the priority of the threads that hash");

/// The effect of a system call that is not permitted.
#[derive(Clone, Copy)]
enum Denied {
    Kill,
    Error,
}

/// Checks that the server serves a sign-up and stops with the system calls that the unit permits,
/// and also where lowering the priority of threads is not permitted.
pub(super) fn check(unit: &Path, server: &Path) -> Result<()> {
    SECCOMP.ensure(
        || succeeds(Command::new(PYTHON).args(["-c", "import seccomp"])),
        "the module seccomp for Python is missing: run this step on Linux with Python and \
         libseccomp (on Debian `apt-get install python3-seccomp`)",
    )?;
    let unit = fs::read_to_string(unit)?;
    let (setting, value) = ERROR_NUMBER;
    if !syscall_filter::settings(&unit, setting).any(|found| found == value) {
        bail!("add {setting}={value} to the unit, so that a denied system call is an error");
    }
    let mut permitted = syscall_filter::permitted(&unit, &Groups::of_this_machine()?)?;
    step("running the server with the system calls that the unit permits", || {
        run_server(server, &permitted, Denied::Kill).map(drop)
    })?;
    let (call, note) = OPTIONAL_CALL;
    permitted.remove(call);
    step(&format!("running the server without {call}"), || {
        let log = run_server(server, &permitted, Denied::Error)?;
        match log.contains(note) {
            true => Ok(()),
            false => bail!("the log does not say that {call} failed: {log}"),
        }
    })
}

/// Runs the server until a user has signed up. Returns its log.
fn run_server(binary: &Path, permitted: &BTreeSet<String>, denied: Denied) -> Result<String> {
    let directory = tempfile::tempdir()?;
    // The user that runs the server may not be able to read the directory of the build.
    let binary = copy_into(directory.path(), binary)?;
    let [log, list] = ["log", "permitted"].map(|name| directory.path().join(name));
    fs::write(&list, permitted.iter().map(|call| format!("{call}\n")).collect::<String>())?;
    let mut command = Command::new(PYTHON);
    command
        .current_dir(&directory)
        .arg(workspace::root().join("xtask/src/ci/deploy/syscall_filter.py"))
        .arg(match denied {
            Denied::Kill => "kill",
            Denied::Error => "errno",
        })
        .arg(list)
        .arg(binary)
        .args(["serve", "--listen", "127.0.0.1:0", "--database", "latchkey.db"]);
    let server = Server::start_with_log(&mut command, File::create(&log)?.into());
    let served = server.and_then(|server| {
        sign_up(&server.address)?;
        server.stop()
    });
    let log = fs::read_to_string(&log)?;
    served.with_context(|| {
        format!("the unit may deny a system call that the server needs; the log is {log:?}")
    })?;
    Ok(log)
}

fn copy_into(directory: &Path, binary: &Path) -> Result<PathBuf> {
    let copy = directory.join("latchkey");
    fs::copy(binary, &copy).with_context(|| format!("{} cannot be copied", binary.display()))?;
    Ok(copy)
}

fn sign_up(address: &str) -> Result<()> {
    let body = r#"{"email": "ada@example.com", "password": "a long walk along the sea"}"#;
    let request = format!(
        "POST /api/signup HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(Duration::from_secs(60)))?;
    connection.write_all(request.as_bytes())?;
    let mut response = String::new();
    connection.read_to_string(&mut response)?;
    match response.starts_with("HTTP/1.1 201 ") {
        true => Ok(()),
        false => bail!("the response to a sign-up is {response:?}"),
    }
}

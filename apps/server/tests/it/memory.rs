//! The memory that imported password hashes take.

use std::fs;
use std::thread;

use serde_json::json;

use crate::operator::{Operator, success};
use crate::server::{Server, credentials};

/// An Argon2id hash that takes 64 MiB to verify.
const ARGON2_64_MIB: &str = "$argon2id$v=19$m=65536,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$BBs+1+PaslLtBPULUr8/lQicvVuHiEPMz0i8MjLCbzM";

const USERS: usize = 8;
const MIB: u64 = 1_024;

/// Returns a field of `/proc/PID/status`, in KiB.
fn status(server: &Server, field: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let value = text.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    value.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn log_ins_with_argon2_hashes_stay_within_the_budget_and_return_their_memory() {
    let folder = tempfile::tempdir().unwrap();
    let user = |n| json!({"email": format!("user{n}@example.com"), "password_hash": ARGON2_64_MIB});
    let users: String = (0..USERS).map(|n| format!("{}\n", user(n))).collect();
    let arguments = ["import", "-", "--format", "jsonl"];
    success(&Operator::new(&folder).run("users", &arguments, &users));
    let server = Server::start(&folder, &["--hash-memory", "64MiB"]);
    let before = status(&server, "VmRSS");
    thread::scope(|scope| {
        for n in 0..USERS {
            let server = &server;
            scope.spawn(move || {
                let body = credentials(&format!("user{n}@example.com"), "a swim in the river");
                let status = server.post("/api/token", "", &body).status;
                // On a busy machine, a password can be queued for too long.
                assert!([401, 503].contains(&status), "{status}");
            });
        }
    });
    let peak = status(&server, "VmHWM");
    assert!(peak > before + 48 * MIB, "the hashes take memory: {peak} KiB");
    assert!(peak < before + 112 * MIB, "two hashes at a time would take more: {peak} KiB");
    // A response is sent after its hash has been verified, so all memory has been freed.
    let after = status(&server, "VmRSS");
    assert!(after < before + 32 * MIB, "{before} KiB before, {after} KiB after");
}

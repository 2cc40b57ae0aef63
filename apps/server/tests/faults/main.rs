//! Fault tests: the server is killed, its disk is full, its database is locked, damaged, read-only
//! or does not answer, or its clients are slow, are many, or send malformed requests.
//!
//! Acknowledged changes are never lost, and errors are clear. `cargo xtask soak` runs the same
//! tests for longer, with the release binary.

#![expect(clippy::unwrap_used, reason = "a panic shows which step of a test failed")]

mod damaged_file;
mod doctor;
mod full_disk;
mod kill;
mod load;
mod locked_file;
mod malformed_requests;
mod many_connections;
mod postgres;
mod read_only_file;
#[path = "../support/server.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod server;
mod slow_clients;
mod start;
mod stop;
mod two_servers;
mod user;

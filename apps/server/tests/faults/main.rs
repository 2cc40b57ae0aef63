//! Fault tests: the server is killed, its disk is full, its database is locked, damaged, read-only
//! or unresponsive, or its clients are slow, are many, or send malformed requests. Several servers
//! share a PostgreSQL database, and some of them are killed.
//!
//! Acknowledged changes are never lost, and errors are clear. `cargo xtask soak` runs the same
//! tests for longer, with the release binary.

#![expect(clippy::unwrap_used, reason = "a panic shows which step of a test failed")]

#[path = "../support/app.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod app;
mod damaged_file;
mod doctor;
mod full_disk;
mod kill;
mod load;
mod locked_file;
mod malformed_requests;
mod many_connections;
#[path = "../support/operator.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod operator;
mod postgres;
mod read_only_file;
#[path = "../support/server.rs"]
#[expect(dead_code, reason = "other tests use the rest")]
mod server;
mod slow_clients;
mod start;
mod stop;
mod three_servers;
mod two_servers;
mod user;

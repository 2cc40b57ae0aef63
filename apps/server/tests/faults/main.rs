//! What the program does when things break: it is killed, its disk is full, its database is
//! locked, damaged or not to be written, its clients are slow or talk nonsense.
//!
//! What was acknowledged is never lost, and what is refused is refused clearly.
//! `cargo xtask soak` runs the same for longer, with the program as it is released.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where, and stops")]

mod clients;
mod crowd;
mod damaged;
mod full;
mod killed;
mod locked;
mod nonsense;
mod person;
mod read_only;
#[path = "../support/server.rs"]
#[expect(dead_code, reason = "part of it serves other tests")]
mod server;
mod start;
mod stopped;
mod two_servers;

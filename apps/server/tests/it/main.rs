//! Tests of the program, through its command line and its HTTP interface.

#![expect(clippy::unwrap_used, reason = "a panic shows which step of a test failed")]

#[path = "../support/app.rs"]
mod app;
mod audit;
mod backup;
mod connection;
mod doctor;
mod enumeration;
mod files;
mod headers;
mod import;
mod keys;
mod lifecycle;
mod log;
mod mail;
mod mail_crashes;
mod memory;
mod migrate_store;
#[path = "../support/operator.rs"]
mod operator;
mod pages;
#[path = "../../../../crates/accounts/tests/support/passkey.rs"]
#[expect(dead_code, reason = "the tests of accounts use more of it")]
mod passkey;
mod postgres;
mod relay;
mod roles;
mod samples;
mod second_factors;
#[path = "../support/server.rs"]
mod server;
mod sessions;
mod sign_up;
mod start;
mod throttle;
mod transfer;
mod users;

//! The program as those who run it and those who connect to it see it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where, and stops")]

#[path = "../support/app.rs"]
mod app;
mod audit;
mod backup;
mod connection;
mod doctor;
mod enumeration;
mod headers;
mod keys;
mod lifecycle;
mod log;
#[path = "../support/operator.rs"]
mod operator;
mod pages;
mod samples;
#[path = "../support/server.rs"]
mod server;
mod sessions;
mod start;
mod throttle;
mod transfer;
mod users;

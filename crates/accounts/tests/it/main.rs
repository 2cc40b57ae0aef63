//! What `accounts` promises, on a real SQLite store, with a clock that the tests move.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where, and stops")]

mod administration;
mod builder;
mod clock_steps;
mod hooks;
mod keys;
mod log;
mod own_account;
mod refresh;
mod session;
mod sessions;
mod sign_in;
mod sign_up;
mod taken_over;
mod throttle;
mod world;

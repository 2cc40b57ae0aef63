//! Tests of the public API on a real SQLite store, with a clock that the tests move.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue panics")]

mod account;
mod app;
mod authenticate;
mod builder;
mod clock_steps;
mod hooks;
mod imported;
mod keys;
mod log;
mod operator;
mod refresh;
mod sessions;
mod sign_in;
mod sign_up;
mod throttle;

//! Tests of the public API on a real SQLite store, with a manual clock.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod account;
mod app;
mod authenticate;
mod before_sign_up;
mod builder;
mod clock_steps;
mod concurrent_sign_ins;
mod factors;
mod followers;
mod imported;
mod invitations;
mod keys;
mod known_browsers;
mod log;
mod mail;
mod operator;
#[path = "../support/passkey.rs"]
mod passkey;
mod refresh;
mod roles;
mod sessions;
mod sign_in;
mod sign_up;
mod testing;
mod throttle;

//! The API as its clients see it, on a real store.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where, and stops")]

mod activity;
mod contract;
mod discovery;
mod embedded;
mod logout;
mod me;
mod one_browser;
mod password;
mod refresh;
mod refused;
mod sessions;
mod signup;
mod throttle;
mod token;
mod world;

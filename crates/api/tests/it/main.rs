//! Tests of the HTTP API on a real store.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod activity;
mod checks;
mod discovery;
mod embedded;
mod logout;
mod me;
mod openapi;
mod password;
mod refresh;
mod replaced_sessions;
mod sessions;
mod signup;
mod test_app;
mod throttle;
mod token;

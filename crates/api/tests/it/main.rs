//! Tests of the HTTP API on a real store.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod activity;
mod checks;
mod discovery;
mod email;
mod email_sign_in;
mod embedded;
mod logout;
mod mailbox;
mod me;
mod openapi;
mod outbox;
mod password;
mod password_reset;
mod refresh;
mod replaced_sessions;
mod sessions;
mod signup;
mod test_app;
mod throttle;
mod token;

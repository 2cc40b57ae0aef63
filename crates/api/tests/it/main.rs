//! The API as its clients see it, on a real store.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where, and stops")]

mod discovery;
mod logout;
mod me;
mod refused;
mod signup;
mod token;
mod world;

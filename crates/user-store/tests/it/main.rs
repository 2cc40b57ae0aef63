//! The conformance suite on every backend, and tests of each backend.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

#[cfg(all(feature = "postgres", feature = "sqlite"))]
mod copy;
#[cfg(feature = "postgres")]
mod postgres;
mod signatures;
#[cfg(feature = "sqlite")]
mod sqlite;

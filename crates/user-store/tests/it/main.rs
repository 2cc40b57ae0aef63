//! The conformance suite on SQLite, and what is particular to a file.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod sqlite;

//! The conformance suite on SQLite, and tests of the database file.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod sqlite;

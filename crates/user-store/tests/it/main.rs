//! The SQLite store: the conformance suite, and what only a file can do.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where, and stops")]

mod sqlite;

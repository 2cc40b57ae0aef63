//! A record of the SQL statements that run, for tests.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Records the SQL statements of all stores of this process, until it is dropped. Only one record
/// can exist at a time.
#[derive(Debug)]
pub struct StatementRecord(());

/// The statements since the start of the record, or `None` if there is no record.
static STATEMENTS: Mutex<Option<Vec<String>>> = Mutex::new(None);

impl StatementRecord {
    /// Starts a record. Replaces the previous one.
    #[must_use]
    pub fn start() -> Self {
        *statements() = Some(Vec::new());
        Self(())
    }

    /// Returns the statements since the start or the last call, in the order in which they began.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        statements().as_mut().map(std::mem::take).unwrap_or_default()
    }
}

impl Drop for StatementRecord {
    fn drop(&mut self) {
        *statements() = None;
    }
}

/// Adds a statement to the record, if there is one.
pub(crate) fn record(sql: &str) {
    if let Some(statements) = statements().as_mut() {
        statements.push(sql.to_owned());
    }
}

fn statements() -> MutexGuard<'static, Option<Vec<String>>> {
    STATEMENTS.lock().unwrap_or_else(PoisonError::into_inner)
}

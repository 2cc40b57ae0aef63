//! Checksums of tables, which are equal for equal rows in any kind of store.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::copy_end::{CopyEnd, CopyError, PAGE, Page, Table, Value};

/// The SHA-256 of the rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableChecksum([u8; 32]);

impl fmt::Display for TableChecksum {
    /// Formats the checksum as 64 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The number of rows, their checksum, and the key of the last one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) rows: u64,
    pub(super) checksum: TableChecksum,
    pub(super) last: Option<Value>,
}

/// The rows that are summarised.
pub(super) struct Range<'a> {
    /// Only rows up to this key.
    pub(super) until: Option<&'a Value>,
    /// Called with the number of rows that have been read.
    pub(super) progress: &'a (dyn Fn(u64) + Send + Sync),
}

pub(super) async fn summarise(
    store: &dyn CopyEnd,
    table: &'static Table,
    range: Range<'_>,
) -> Result<Summary, CopyError> {
    let (mut rows, mut hasher, mut last) = (0, Sha256::new(), None);
    loop {
        let page = Page { after: last.clone(), until: range.until.cloned(), limit: PAGE };
        let page = store.page(table, page).await?;
        let Some(key) = page.last().and_then(|row| row.first()) else { break };
        last = Some(key.clone());
        rows += page.len() as u64;
        page.iter().for_each(|row| add(&mut hasher, &row[..table.columns.len()]));
        (range.progress)(rows);
    }
    Ok(Summary { rows, checksum: TableChecksum(hasher.finalize().into()), last })
}

/// Adds a row. Every value begins with its type, and text and bytes with their length, so that
/// different rows have different encodings.
fn add(hasher: &mut Sha256, row: &[Value]) {
    for value in row {
        match value {
            Value::Null => hasher.update([0]),
            Value::Integer(number) => {
                hasher.update([1]);
                hasher.update(number.to_be_bytes());
            }
            Value::Text(text) => add_bytes(hasher, 2, text.as_bytes()),
            Value::Bytes(bytes) => add_bytes(hasher, 3, bytes),
        }
    }
}

fn add_bytes(hasher: &mut Sha256, kind: u8, bytes: &[u8]) {
    hasher.update([kind]);
    hasher.update((bytes.len() as u64).to_be_bytes());
    hasher.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checksum(rows: &[Vec<Value>]) -> [u8; 32] {
        let mut hasher = Sha256::new();
        rows.iter().for_each(|row| add(&mut hasher, row));
        hasher.finalize().into()
    }

    #[test]
    fn different_rows_have_different_checksums() {
        let text = |text: &str| Value::Text(text.to_owned());
        let bytes = |text: &str| Value::Bytes(text.as_bytes().to_vec());
        let rows = [
            vec![],
            vec![vec![Value::Null]],
            vec![vec![Value::Integer(0)]],
            vec![vec![text("")]],
            vec![vec![bytes("")]],
            vec![vec![text("ab"), text("c")]],
            vec![vec![text("a"), text("bc")]],
            vec![vec![bytes("a"), bytes("bc")]],
            vec![vec![text("a")], vec![text("b")]],
            vec![vec![text("b")], vec![text("a")]],
        ];
        for (index, row) in rows.iter().enumerate() {
            for other in &rows[..index] {
                assert_ne!(checksum(row), checksum(other));
            }
        }
    }
}

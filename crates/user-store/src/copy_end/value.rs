use std::fmt;

/// The value of a column. Booleans are the numbers 0 and 1, and ids are bytes, so that a value is
/// equal in both kinds of stores.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// The values of a row, in the order of the columns of its table.
pub(crate) type Row = Vec<Value>;

impl fmt::Debug for Value {
    /// Formats the type only, because the value can be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Integer(_) => "Integer(..)",
            Self::Text(_) => "Text(..)",
            Self::Bytes(_) => "Bytes(..)",
        })
    }
}

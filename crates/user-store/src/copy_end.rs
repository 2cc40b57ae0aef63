//! The two stores of a copy: their tables and rows, and the operations that a copy needs.

mod end;
mod error;
mod tables;
mod value;

pub(crate) use end::{CopyEnd, PAGE, Page, Select};
pub use error::CopyError;
pub(crate) use tables::{DECOY_STATE, EVENTS, TABLES, Table, TableKind};
pub(crate) use value::{Row, Value};

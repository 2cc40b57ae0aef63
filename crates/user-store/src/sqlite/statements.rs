//! The SQL statements, one function each. They make no decisions: the transactions call the rules.

pub(super) mod attempts;
pub(super) mod audit;
pub(super) mod keys;
pub(super) mod sessions;
pub(super) mod users;

//! The SQL statements, by entity.

pub(super) mod audit;
pub(super) mod sessions;
pub(super) mod users;

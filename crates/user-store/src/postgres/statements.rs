//! The SQL statements, by entity.

pub(super) mod audit;
pub(super) mod counters;
pub(super) mod decoys;
pub(super) mod imports;
pub(super) mod sessions;
pub(super) mod users;

//! The SQL statements, by entity.

pub(super) mod attempts;
pub(super) mod audit;
pub(super) mod codes;
pub(super) mod decoys;
pub(super) mod factors;
pub(super) mod followers;
pub(super) mod imports;
pub(super) mod inspect;
pub(super) mod keys;
pub(super) mod mails;
pub(super) mod metadata;
pub(super) mod servers;
pub(super) mod sessions;
pub(super) mod users;

//! The commands, one file each.

pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod doctor;
pub(crate) mod keys;
pub(crate) mod mail;
pub(crate) mod migrate;
pub(crate) mod migrate_store;
pub(crate) mod serve;
pub(crate) mod users;

//! The operations of the transactions, on [`Rows`](crate::rows::Rows).

pub(super) mod attempts;
pub(super) mod audit;
pub(super) mod codes;
pub(super) mod decoys;
pub(super) mod factors;
pub(super) mod followers;
pub(super) mod keys;
pub(super) mod mails;
pub(super) mod metadata;
pub(super) mod sessions;
pub(super) mod users;

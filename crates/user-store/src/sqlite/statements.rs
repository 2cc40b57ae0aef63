//! The SQL, one function per statement. They decide nothing: the transactions call the rules.

pub(super) mod attempts;
pub(super) mod audit;
pub(super) mod keys;
pub(super) mod sessions;
pub(super) mod users;

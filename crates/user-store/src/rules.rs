//! The decisions that a backend carries out, and the audit events that they cause.
//!
//! A transaction reads the rows that it needs under lock, asks the rule, and writes what the rule
//! says. The rules are pure functions: no backend may decide any of this by itself.

pub(crate) mod attempts;
pub(crate) mod audit;
mod decision;
pub(crate) mod keys;
pub(crate) mod sessions;
pub(crate) mod users;

pub(crate) use decision::Decision;

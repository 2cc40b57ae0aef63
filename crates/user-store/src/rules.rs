//! The decisions that every backend must follow, and the audit events to record for them.
//!
//! A transaction locks and reads the rows that it needs, calls a rule, and carries out the
//! decision. The rules are pure functions, so that all backends make the same decisions.

pub(crate) mod attempts;
pub(crate) mod audit;
pub(crate) mod codes;
mod decision;
pub(crate) mod decoys;
pub(crate) mod email_change;
pub(crate) mod email_sign_in;
pub(crate) mod email_verification;
pub(crate) mod factors;
pub(crate) mod followers;
pub(crate) mod invitations;
pub(crate) mod keys;
pub(crate) mod mails;
pub(crate) mod metadata;
pub(crate) mod password_reset;
pub(crate) mod refresh;
pub(crate) mod roles;
pub(crate) mod sessions;
pub(crate) mod users;

pub(crate) use decision::Decision;

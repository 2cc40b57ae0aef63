//! What operators do with all accounts.

pub(crate) mod audit;
pub(crate) mod keys;
pub(crate) mod transfer;
pub(crate) mod users;

use crate::accounts::Accounts;

/// What an operator can do with all accounts.
///
/// No password is required: the code that builds this must make sure that the caller is an
/// operator. The command line is used on the machine that has the database.
pub struct Operator<'a> {
    accounts: &'a Accounts,
}

impl Accounts {
    /// Returns what an operator can do.
    #[must_use]
    pub const fn operator(&self) -> Operator<'_> {
        Operator { accounts: self }
    }
}

//! Operator commands.

pub(crate) mod audit;
pub(crate) mod invitations;
pub(crate) mod keys;
pub(crate) mod mails;
pub(crate) mod roles;
pub(crate) mod transfer;
pub(crate) mod users;

use crate::accounts::Accounts;

/// The commands of an operator, which work on all accounts.
///
/// No password is required. Code that calls [`Accounts::operator`] must make sure that the request
/// comes from an operator. Latchkey's command line treats everyone who can open the database as an
/// operator.
///
/// A new password, a reset of the second factor and a deletion are announced by a notice to a
/// verified email address, if mail is on or the service was built with
/// [`Builder::notices_without_transport`](crate::Builder::notices_without_transport). The notice
/// says that an administrator made the change.
pub struct Operator<'a> {
    accounts: &'a Accounts,
}

impl Accounts {
    /// Returns the operator commands.
    #[must_use]
    pub const fn operator(&self) -> Operator<'_> {
        Operator { accounts: self }
    }
}

use auth_core::UserId;

use crate::metadata::Metadata;
use crate::rows::{Result, Tx};

/// Returns the metadata of an account, or `None` if the account does not exist.
pub(in crate::rows) fn of_user(tx: Tx<'_>, user: UserId) -> Result<Option<Metadata>> {
    match tx.account(user)? {
        Some(_) => Ok(Some(tx.metadata(user)?)),
        None => Ok(None),
    }
}

/// Replaces the metadata of an account.
pub(in crate::rows) fn set(tx: Tx<'_>, user: UserId, metadata: &Metadata) -> Result<()> {
    tx.save_metadata(user, metadata)
}

use std::error::Error;

use auth_core::KeyError;
use user_store::StoreError;

use crate::passwords::HashingError;

/// An error in the service itself, not in the request. The same request may succeed later.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A password could not be hashed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Too many mails have not been sent yet.
    #[error("too many mails have not been sent yet")]
    OutboxFull,
    /// The check of the app before a sign-up failed, panicked or took too long
    /// ([`Builder::before_sign_up`](crate::Builder::before_sign_up)).
    #[error("the check before the sign-up failed")]
    BeforeSignUp(#[source] Box<dyn Error + Send + Sync>),
    /// The hook that computes the custom claims of access tokens failed or panicked. The cause is
    /// in the log.
    #[error("the hook for the custom claims of access tokens failed")]
    TokenClaims,
    /// A token could not be signed.
    #[error(transparent)]
    Key(#[from] KeyError),
}

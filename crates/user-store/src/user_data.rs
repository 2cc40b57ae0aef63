//! Everything stored about one user, across the entities.

use async_trait::async_trait;
use auth_core::{PasswordHash, UserId};

use crate::audit::Event;
use crate::error::StoreError;
use crate::factors::Factors;
use crate::metadata::MetadataValue;
use crate::sessions::SessionRecord;
use crate::users::User;

/// Exports everything stored about a user.
#[doc = include_str!("signatures/UserDataStore.md")]
#[async_trait]
pub trait UserDataStore: Send + Sync + 'static {
    /// Returns everything stored about this user, read in one transaction, or `None` if the account
    /// does not exist.
    async fn user_data(&self, user: UserId) -> Result<Option<UserData>, StoreError>;
}

/// Everything stored about a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserData {
    /// The account.
    pub user: User,
    /// The hash of the current password.
    pub password_hash: PasswordHash,
    /// The metadata that the user can read. The private metadata is left out.
    pub public_metadata: Option<MetadataValue>,
    /// The second factors and the passkeys.
    pub factors: Factors,
    /// The sessions, including expired ones that have not been purged yet.
    pub sessions: Vec<SessionRecord>,
    /// The audit events about the account, newest first. There are at most
    /// [`MAX_EVENTS`](Self::MAX_EVENTS): older ones are left out.
    pub events: Vec<Event>,
}

impl UserData {
    /// The maximum number of events in [`events`](Self::events).
    pub const MAX_EVENTS: u32 = 2_000;
}

//! Everything stored about one user, across the entities.

use async_trait::async_trait;
use auth_core::{PasswordHash, UserId};

use crate::audit::Event;
use crate::error::StoreError;
use crate::sessions::SessionRecord;
use crate::users::User;

/// Exports what is stored about a user.
#[async_trait]
pub trait UserDataStore: Send + Sync + 'static {
    /// Returns everything stored about this user, as it is at one moment.
    async fn user_data(&self, user: UserId) -> Result<Option<UserData>, StoreError>;
}

/// Everything stored about a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserData {
    /// The account.
    pub user: User,
    /// The hash of the current password.
    pub password_hash: PasswordHash,
    /// The sessions, including those that have expired and are not purged yet.
    pub sessions: Vec<SessionRecord>,
    /// The audit events about the account, the newest first, at most
    /// [`MAX_EVENTS`](Self::MAX_EVENTS).
    pub events: Vec<Event>,
}

impl UserData {
    /// The highest number of events in [`events`](Self::events).
    pub const MAX_EVENTS: u32 = 2_000;
}

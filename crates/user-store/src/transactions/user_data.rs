use async_trait::async_trait;
use auth_core::UserId;

use super::factors::read_factors;
use super::statements::{audit, metadata, sessions, users};
use super::{BackendStore, Result};
use crate::error::StoreError;
use crate::user_data::{UserData, UserDataStore};

#[async_trait]
impl UserDataStore for BackendStore {
    async fn user_data(&self, user: UserId) -> Result<Option<UserData>, StoreError> {
        self.database
            .snapshot(move |tx| {
                let Some(account) = users::by_id(tx, user)? else { return Ok(None) };
                let Some(password_hash) = users::password_hash(tx, user)? else {
                    return Ok(None);
                };
                Ok(Some(UserData {
                    user: account,
                    password_hash,
                    public_metadata: metadata::of_user(tx, user)?
                        .and_then(|metadata| metadata.public),
                    factors: read_factors(tx, user)?,
                    sessions: sessions::of_user(tx, user)?,
                    events: audit::of_user(tx, user, UserData::MAX_EVENTS)?,
                }))
            })
            .await
    }
}

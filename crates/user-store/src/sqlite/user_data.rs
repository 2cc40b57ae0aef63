use async_trait::async_trait;
use auth_core::UserId;

use crate::error::StoreError;
use crate::sqlite::factors::read_factors;
use crate::sqlite::statements::{audit, metadata, sessions, users};
use crate::sqlite::store::SqliteStore;
use crate::user_data::{UserData, UserDataStore};

#[async_trait]
impl UserDataStore for SqliteStore {
    async fn user_data(&self, user: UserId) -> Result<Option<UserData>, StoreError> {
        self.database
            .read(move |connection| {
                let tx = connection.unchecked_transaction()?;
                let Some(account) = users::by_id(&tx, user)? else { return Ok(None) };
                let Some(password_hash) = users::password_hash(&tx, user)? else {
                    return Ok(None);
                };
                Ok(Some(UserData {
                    user: account,
                    password_hash,
                    public_metadata: metadata::of_user(&tx, user)?
                        .and_then(|metadata| metadata.public),
                    factors: read_factors(&tx, user)?,
                    sessions: sessions::of_user(&tx, user)?,
                    events: audit::of_user(&tx, user, UserData::MAX_EVENTS)?,
                }))
            })
            .await
    }
}

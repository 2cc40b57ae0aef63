use async_trait::async_trait;
use auth_core::UserId;

use crate::error::StoreError;
use crate::postgres::factors::{factors_of, read_factors};
use crate::postgres::statements::{audit, sessions, users};
use crate::postgres::store::PostgresStore;
use crate::user_data::{UserData, UserDataStore};
use crate::users::StoredUser;

#[async_trait]
impl UserDataStore for PostgresStore {
    async fn user_data(&self, user: UserId) -> Result<Option<UserData>, StoreError> {
        let mut queries = vec![
            users::stored(user),
            sessions::records_of_user(user),
            audit::of_user(user, UserData::MAX_EVENTS),
        ];
        let factors = queries.len();
        queries.extend(factors_of(user));
        let reply = self.database.snapshot(queries).await?;
        let Some(row) = reply.first(0) else { return Ok(None) };
        let StoredUser { user, password_hash, metadata } = users::read_stored(row)?;
        let events: Result<_, _> = reply.rows(2).iter().map(audit::read).collect();
        Ok(Some(UserData {
            factors: read_factors(&reply, factors, &user)?,
            user,
            password_hash,
            public_metadata: metadata.public,
            sessions: sessions::read_records(reply.rows(1))?,
            events: events?,
        }))
    }
}

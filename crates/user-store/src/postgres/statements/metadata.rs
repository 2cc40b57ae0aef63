use auth_core::UserId;
use tokio_postgres::Row;

use crate::metadata::{Metadata, MetadataValue};
use crate::postgres::query::Query;
use crate::postgres::rows::Result;
use crate::users::StoredUser;

/// Reads metadata from the columns that begin at `first`: `public, private`. They are null if there
/// is no row.
pub(in crate::postgres) fn read(row: &Row, first: usize) -> Result<Metadata> {
    let value = |column| -> Result<Option<MetadataValue>> {
        let json: Option<&str> = row.try_get(column)?;
        Ok(json.map(MetadataValue::from_stored))
    };
    Ok(Metadata { public: value(first)?, private: value(first + 1)? })
}

/// Selects the metadata of an account. There is no row if the account does not exist. Read the row
/// with [`read`].
pub(in crate::postgres) fn of_user(user: UserId) -> Query {
    Query::new(
        "SELECT m.public, m.private
         FROM users u LEFT JOIN user_metadata m ON m.user_id = u.id WHERE u.id = $1",
    )
    .bind(*user.as_uuid())
}

/// Replaces the metadata of an account, which must be locked.
pub(in crate::postgres) fn set(user: UserId, metadata: &Metadata) -> Query {
    if *metadata == Metadata::default() {
        return Query::new("DELETE FROM user_metadata WHERE user_id = $1").bind(*user.as_uuid());
    }
    Query::new(
        "INSERT INTO user_metadata (user_id, public, private) VALUES ($1, $2, $3)
         ON CONFLICT (user_id) DO UPDATE
         SET public = excluded.public, private = excluded.private",
    )
    .bind(*user.as_uuid())
    .bind(json(metadata.public.as_ref()))
    .bind(json(metadata.private.as_ref()))
}

/// Inserts the metadata of new accounts.
pub(in crate::postgres) fn insert_all(users: &[&StoredUser]) -> Query {
    let column = |value: fn(&Metadata) -> Option<&MetadataValue>| -> Vec<Option<String>> {
        users.iter().map(|stored| json(value(&stored.metadata))).collect()
    };
    let ids: Vec<_> = users.iter().map(|stored| *stored.user.id.as_uuid()).collect();
    Query::new(
        "INSERT INTO user_metadata (user_id, public, private)
         SELECT user_id, public, private
         FROM unnest($1::uuid[], $2::text[], $3::text[]) AS m (user_id, public, private)",
    )
    .bind(ids)
    .bind(column(|metadata| metadata.public.as_ref()))
    .bind(column(|metadata| metadata.private.as_ref()))
}

fn json(value: Option<&MetadataValue>) -> Option<String> {
    value.map(|value| value.as_json().to_owned())
}

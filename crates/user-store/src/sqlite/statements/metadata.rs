use auth_core::UserId;
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use crate::metadata::{Metadata, MetadataValue};

/// The columns that [`read`] reads. The table `user_metadata` must have the alias `m`.
pub(in crate::sqlite) const COLUMNS: &str = "m.public, m.private";

/// Reads metadata from the columns that begin at `first`. They are `NULL` if there is no row.
pub(in crate::sqlite) fn read(row: &Row<'_>, first: usize) -> Result<Metadata> {
    let value = |column| -> Result<Option<MetadataValue>> {
        Ok(row.get_ref(column)?.as_str_or_null()?.map(MetadataValue::from_stored))
    };
    Ok(Metadata { public: value(first)?, private: value(first + 1)? })
}

/// Returns the metadata of an account, or `None` if the account does not exist.
pub(in crate::sqlite) fn of_user(
    connection: &Connection,
    user: UserId,
) -> Result<Option<Metadata>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM users u LEFT JOIN user_metadata m ON m.user_number = u.number
             WHERE u.id = ?1"
        ))?
        .query_row([user.as_uuid().as_bytes()], |row| read(row, 0))
        .optional()
}

/// Replaces the metadata of an account.
pub(in crate::sqlite) fn set(
    connection: &Connection,
    user: UserId,
    metadata: &Metadata,
) -> Result<()> {
    let id = user.as_uuid().as_bytes();
    if *metadata == Metadata::default() {
        connection
            .prepare_cached(
                "DELETE FROM user_metadata
                 WHERE user_number = (SELECT number FROM users WHERE id = ?1)",
            )?
            .execute([id])?;
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT INTO user_metadata (user_number, public, private)
             VALUES ((SELECT number FROM users WHERE id = ?1), ?2, ?3)
             ON CONFLICT (user_number) DO UPDATE
             SET public = excluded.public, private = excluded.private",
        )?
        .execute(params![
            id,
            metadata.public.as_ref().map(MetadataValue::as_json),
            metadata.private.as_ref().map(MetadataValue::as_json),
        ])?;
    Ok(())
}

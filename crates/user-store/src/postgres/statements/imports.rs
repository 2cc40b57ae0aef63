use auth_core::Timestamp;
use tokio_postgres::Row;

use crate::postgres::query::Query;
use crate::postgres::rows::{Result, invalid};
use crate::users::{StoredUser, User};

/// Inserts accounts, in this order. Fails if an id or an email address is taken.
pub(in crate::postgres) fn insert_all(users: &[&StoredUser]) -> Query {
    fn column<T>(users: &[&StoredUser], value: impl Fn(&User) -> T) -> Vec<T> {
        users.iter().map(|stored| value(&stored.user)).collect()
    }
    let hashes: Vec<_> = users.iter().map(|stored| stored.password_hash.to_text()).collect();
    Query::new(
        "INSERT INTO users (
             id, email, email_key, password_hash, created_at, disabled_at, email_verified_at, roles
         )
         SELECT id, email, email_key, password_hash, created_at, disabled_at, email_verified_at,
             roles
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
                 $7::bigint[], $8::text[])
             WITH ORDINALITY AS u (
                 id, email, email_key, password_hash, created_at, disabled_at, email_verified_at,
                 roles, n
             )
         ORDER BY n",
    )
    .bind(column(users, |user| *user.id.as_uuid()))
    .bind(column(users, |user| user.email.as_str().to_owned()))
    .bind(column(users, |user| user.email.key().as_str().to_owned()))
    .bind(hashes)
    .bind(column(users, |user| user.created_at.as_millisecond()))
    .bind(column(users, |user| user.disabled_at.map(Timestamp::as_millisecond)))
    .bind(column(users, |user| user.email_verified_at.map(Timestamp::as_millisecond)))
    .bind(column(users, |user| user.roles.as_str().to_owned()))
}

/// Selects the positions, counted from 1, of the entries whose id or email address belongs to an
/// account. Read the rows with [`read_taken`].
pub(in crate::postgres) fn taken(users: &[StoredUser]) -> Query {
    let ids: Vec<_> = users.iter().map(|stored| *stored.user.id.as_uuid()).collect();
    let emails: Vec<_> =
        users.iter().map(|stored| stored.user.email.key().as_str().to_owned()).collect();
    // `OFFSET 0` makes the server search the indexes for each entry. Otherwise, it might read the
    // whole table for each list.
    Query::new(
        "SELECT n FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS entry (id, email_key, n)
         WHERE EXISTS (SELECT FROM users u WHERE u.id = entry.id OFFSET 0)
             OR EXISTS (SELECT FROM users u WHERE u.email_key = entry.email_key OFFSET 0)",
    )
    .bind(ids)
    .bind(emails)
}

/// Returns the indices of the entries, counted from 0.
pub(in crate::postgres) fn read_taken(rows: &[Row]) -> Result<Vec<usize>> {
    let index = |row: &Row| {
        let number: i64 = row.try_get(0)?;
        usize::try_from(number - 1).map_err(invalid)
    };
    rows.iter().map(index).collect()
}

/// Selects the number of accounts. Read the row with [`read_total`].
pub(in crate::postgres) fn total() -> Query {
    Query::new("SELECT count(*) FROM users")
}

pub(in crate::postgres) fn read_total(row: &Row) -> Result<u32> {
    let total: i64 = row.try_get(0)?;
    Ok(u32::try_from(total).unwrap_or(u32::MAX))
}

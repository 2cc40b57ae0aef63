use tokio_postgres::Row;
use uuid::Uuid;

use crate::postgres::database_error::{DatabaseError, ErrorKind};
use crate::postgres::query::{Query, Reply};
use crate::postgres::rows::Result;

/// Renews the row of a server, or adds it if there is none. All times are from the clock of the
/// database, so that they can be compared. Read the id of the server with [`read_id`].
pub(in crate::postgres) fn renew(id: Option<Uuid>) -> Query {
    Query::new(
        "INSERT INTO servers (id, version, last_seen_at)
         VALUES (coalesce($1, gen_random_uuid()), $2,
                 (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
         ON CONFLICT (id) DO UPDATE
         SET version = excluded.version, last_seen_at = excluded.last_seen_at
         RETURNING id",
    )
    .bind(id)
    .bind(env!("CARGO_PKG_VERSION"))
}

pub(in crate::postgres) fn read_id(reply: &Reply) -> Result<Uuid> {
    let row = reply.first(0);
    let row = row.ok_or_else(|| DatabaseError::new(ErrorKind::Defect, "no row was added"))?;
    Ok(row.try_get(0)?)
}

/// Selects the oldest version of the schema whose servers can use the database. Read the row with
/// [`read_min_reader`].
pub(in crate::postgres) fn min_reader() -> Query {
    Query::new("SELECT min_reader FROM latchkey_meta")
}

pub(in crate::postgres) fn read_min_reader(row: Option<&Row>) -> Result<i64> {
    let row = row.ok_or_else(|| DatabaseError::new(ErrorKind::Defect, "no version was found"))?;
    Ok(row.try_get(0)?)
}

/// Deletes the rows of servers that have not renewed theirs for an hour.
pub(in crate::postgres) fn delete_old() -> Query {
    Query::new(
        "DELETE FROM servers
         WHERE last_seen_at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - 3600000",
    )
}

pub(in crate::postgres) fn delete(id: Uuid) -> Query {
    Query::new("DELETE FROM servers WHERE id = $1").bind(id)
}

/// Selects whether transactions are read-only. Read the row with [`read_is_read_only`].
pub(in crate::postgres) fn is_read_only() -> Query {
    Query::new("SELECT current_setting('transaction_read_only') = 'on'")
}

pub(in crate::postgres) fn read_is_read_only(reply: &Reply) -> Result<bool> {
    let row = reply.first(0);
    let row = row.ok_or_else(|| DatabaseError::new(ErrorKind::Defect, "no setting was found"))?;
    Ok(row.try_get(0)?)
}

use std::collections::BTreeMap;

use auth_core::{DecoyKey, Timestamp, UserId};
use tokio_postgres::Row;

use crate::postgres::query::Query;
use crate::postgres::rows::{Result, invalid, timestamp, user_id};
use crate::rules::decoys::{DecoyState, Decoys, HashClass, count_stored};

/// Selects the key. Read the row with [`read_key`].
pub(in crate::postgres) fn key() -> Query {
    Query::new("SELECT key FROM decoy_state")
}

/// Locks the key and the decoys. Read the row with [`read_key`].
pub(in crate::postgres) fn lock_key() -> Query {
    Query::new("SELECT key FROM decoy_state FOR UPDATE")
}

pub(in crate::postgres) fn read_key(row: &Row) -> Result<Option<DecoyKey>> {
    let key: Option<&[u8]> = row.try_get(0)?;
    let key: Option<[u8; 32]> = key.map(TryFrom::try_from).transpose().map_err(invalid)?;
    Ok(key.map(DecoyKey::from_bytes))
}

pub(in crate::postgres) fn set_key(key: &DecoyKey) -> Query {
    Query::new("UPDATE decoy_state SET key = $1").bind(key.as_bytes().to_vec())
}

/// Selects the state of the decoys. Read the row with [`read_state`].
pub(in crate::postgres) fn state() -> Query {
    Query::new("SELECT version, counted_at FROM decoy_state")
}

/// Locks the decoys. Read the row with [`read_state`].
pub(in crate::postgres) fn lock_state() -> Query {
    Query::new("SELECT version, counted_at FROM decoy_state FOR UPDATE")
}

pub(in crate::postgres) fn read_state(row: &Row) -> Result<DecoyState> {
    let counted_at: Option<i64> = row.try_get(1)?;
    let counted_at = counted_at.map(|_| timestamp(row, 1)).transpose()?;
    Ok(DecoyState { version: row.try_get(0)?, counted_at })
}

/// Selects the classes of hashes. Read the rows of this and of [`templates`] with [`read`].
pub(in crate::postgres) fn classes() -> Query {
    Query::new("SELECT template, accounts, max_accounts FROM decoy_classes")
}

/// Selects the templates of the decoys.
pub(in crate::postgres) fn templates() -> Query {
    Query::new("SELECT position, template FROM decoys")
}

pub(in crate::postgres) fn read(classes: &[Row], templates: &[Row]) -> Result<Decoys> {
    let mut decoys = Decoys::default();
    for row in classes {
        let (accounts, max_accounts): (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
        let class = HashClass {
            accounts: u32::try_from(accounts).map_err(invalid)?,
            max_accounts: u32::try_from(max_accounts).map_err(invalid)?,
        };
        decoys.classes.insert(row.try_get(0)?, class);
    }
    for row in templates {
        let position: i32 = row.try_get(0)?;
        decoys.templates.insert(u8::try_from(position).map_err(invalid)?, row.try_get(1)?);
    }
    Ok(decoys)
}

/// Replaces all decoys, and increments their version.
pub(in crate::postgres) fn replace(decoys: &Decoys) -> [Query; 5] {
    let (templates, classes): (Vec<_>, Vec<_>) = decoys.classes.clone().into_iter().unzip();
    let accounts: Vec<_> = classes.iter().map(|class| i64::from(class.accounts)).collect();
    let max_accounts: Vec<_> = classes.iter().map(|class| i64::from(class.max_accounts)).collect();
    let positions: Vec<_> = decoys.templates.keys().map(|number| i32::from(*number)).collect();
    let at_positions: Vec<_> = decoys.templates.values().cloned().collect();
    [
        Query::new("DELETE FROM decoys"),
        Query::new("DELETE FROM decoy_classes"),
        Query::new("UPDATE decoy_state SET version = version + 1"),
        Query::new(
            "INSERT INTO decoy_classes (template, accounts, max_accounts)
             SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])",
        )
        .bind(templates)
        .bind(accounts)
        .bind(max_accounts),
        Query::new(
            "INSERT INTO decoys (position, template)
             SELECT * FROM unnest($1::integer[], $2::text[])",
        )
        .bind(positions)
        .bind(at_positions),
    ]
}

pub(in crate::postgres) fn set_counted_at(now: Timestamp) -> Query {
    Query::new("UPDATE decoy_state SET counted_at = $1").bind(now.as_millisecond())
}

/// Selects the ids of up to `limit` accounts after `after`, in the order of their ids, and their
/// hashes, except those in Latchkey's own format, which need no decoy. Read the rows with
/// [`count_page`].
pub(in crate::postgres) fn page_of_hashes(after: Option<UserId>, limit: u32) -> Query {
    let query = match after {
        Some(after) => Query::new(
            "SELECT id, CASE WHEN password_hash NOT LIKE '$pbkdf2-sha256$i=%' THEN password_hash END
             FROM users WHERE id > $1 ORDER BY id LIMIT $2",
        )
        .bind(*after.as_uuid()),
        None => Query::new(
            "SELECT id, CASE WHEN password_hash NOT LIKE '$pbkdf2-sha256$i=%' THEN password_hash END
             FROM users ORDER BY id LIMIT $1",
        ),
    };
    query.bind(i64::from(limit))
}

/// Counts the hashes of a page by template. Returns the last id.
pub(in crate::postgres) fn count_page(
    rows: &[Row],
    by_template: &mut BTreeMap<String, u32>,
) -> Result<Option<UserId>> {
    for row in rows {
        let stored: Option<&str> = row.try_get(1)?;
        if let Some(stored) = stored {
            count_stored(stored, by_template);
        }
    }
    rows.last().map(|row| user_id(row, 0)).transpose()
}

use std::collections::BTreeMap;

use auth_core::{DecoyKey, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Result, params};

use crate::rules::decoys::{AccountCount, DecoyState, Decoys, HashClass, count_stored};
use crate::sqlite::rows::timestamp;

pub(in crate::sqlite) fn key(connection: &Connection) -> Result<Option<DecoyKey>> {
    let key = connection.query_row("SELECT key FROM decoy_state", [], |row| row.get(0));
    Ok(key.optional()?.flatten().map(DecoyKey::from_bytes))
}

pub(in crate::sqlite) fn set_key(connection: &Connection, key: &DecoyKey) -> Result<()> {
    connection.execute("UPDATE decoy_state SET key = ?1", [key.as_bytes().as_slice()])?;
    Ok(())
}

pub(in crate::sqlite) fn state(connection: &Connection) -> Result<DecoyState> {
    connection.query_row("SELECT version, counted_at FROM decoy_state", [], |row| {
        let counted_at: Option<i64> = row.get(1)?;
        let counted_at = counted_at.map(|_| timestamp(row, 1)).transpose()?;
        Ok(DecoyState { version: row.get(0)?, counted_at })
    })
}

pub(in crate::sqlite) fn set_counted_at(connection: &Connection, now: Timestamp) -> Result<()> {
    connection.execute("UPDATE decoy_state SET counted_at = ?1", [now.as_millisecond()])?;
    Ok(())
}

pub(in crate::sqlite) fn all(connection: &Connection) -> Result<Decoys> {
    let mut classes = BTreeMap::new();
    let mut statement =
        connection.prepare("SELECT template, accounts, max_accounts FROM decoy_classes")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        classes.insert(row.get(0)?, HashClass { accounts: row.get(1)?, max_accounts: row.get(2)? });
    }
    let templates = connection
        .prepare("SELECT position, template FROM decoys")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_>>()?;
    Ok(Decoys { classes, templates })
}

/// Replaces all decoys, and increments their version.
pub(in crate::sqlite) fn replace(connection: &Connection, decoys: &Decoys) -> Result<()> {
    connection.execute_batch(
        "DELETE FROM decoys; DELETE FROM decoy_classes;
         UPDATE decoy_state SET version = version + 1;",
    )?;
    let mut insert = connection.prepare(
        "INSERT INTO decoy_classes (template, accounts, max_accounts) VALUES (?1, ?2, ?3)",
    )?;
    for (template, class) in &decoys.classes {
        insert.execute(params![template, class.accounts, class.max_accounts])?;
    }
    let mut insert =
        connection.prepare("INSERT INTO decoys (position, template) VALUES (?1, ?2)")?;
    for (position, template) in &decoys.templates {
        insert.execute(params![position, template])?;
    }
    Ok(())
}

/// Counts the accounts by the templates of their hashes.
pub(in crate::sqlite) fn count(connection: &Connection) -> Result<AccountCount> {
    let mut by_template = BTreeMap::new();
    // Hashes in Latchkey's own format need no decoy.
    let mut statement = connection.prepare(
        "SELECT password_hash FROM users WHERE password_hash NOT GLOB '$pbkdf2-sha256$i=*'",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        count_stored(row.get_ref(0)?.as_str()?, &mut by_template);
    }
    Ok(AccountCount { by_template, total: total(connection)? })
}

/// Returns the number of accounts.
pub(in crate::sqlite) fn total(connection: &Connection) -> Result<u32> {
    connection.query_row("SELECT count(*) FROM users", [], |row| row.get(0))
}

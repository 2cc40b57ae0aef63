use std::fs::File;
use std::path::Path;

use rusqlite::{Connection, Transaction, params};
use user_store::NewSession;

use super::FilledUser;
use crate::command::CommandResult;

/// Adds users to a SQLite database, in one transaction.
pub(super) fn fill(database: &Path, users: u32, hash: &str) -> CommandResult<()> {
    let mut connection = Connection::open(database)?;
    // Each insert changes a random page of the sessions' index, so a large cache speeds up inserts.
    connection.pragma_update(None, "cache_size", -500_000)?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    let tx = connection.transaction()?;
    for n in 0..users {
        insert(&tx, &FilledUser::new(n)?, hash)?;
    }
    tx.commit()?;
    connection.pragma_update(None, "wal_checkpoint", "TRUNCATE")?;
    drop(connection);
    // Otherwise the first commit of the measurement would wait until the whole file is on disk.
    Ok(File::open(database)?.sync_all()?)
}

fn insert(tx: &Transaction<'_>, user: &FilledUser, hash: &str) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO users (id, email, email_key, password_hash, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        user.id.as_uuid().as_bytes(),
        user.email.as_str(),
        user.email.key().as_str(),
        hash,
        user.created_at.as_millisecond(),
    ])?;
    let NewSession { session, family, refresh_token, .. } = &user.session;
    tx.prepare_cached(
        "INSERT INTO sessions (id, user_number, created_at, last_used_at, idle_expires_at,
                               expires_at, remember, refresh_family, refresh_token)
         VALUES (?1, ?2, ?3, ?3, ?4, ?5, 1, ?6, ?7)",
    )?
    .execute(params![
        session.id.as_uuid().as_bytes(),
        tx.last_insert_rowid(),
        session.created_at.as_millisecond(),
        session.idle_expires_at.as_millisecond(),
        session.expires_at.as_millisecond(),
        family.as_bytes(),
        refresh_token.as_bytes(),
    ])?;
    Ok(())
}

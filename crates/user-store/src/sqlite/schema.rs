use rusqlite::{Connection, TransactionBehavior};

use crate::migrated::Migrated;

/// The application id in the file header, which marks a file as Latchkey's: "LKey" (SQLite file
/// format, 1.3.15).
pub(super) const APPLICATION_ID: i32 = 0x4c4b_6579;

/// The migrations, in order. The `user_version` of a file is the number of migrations applied to
/// it. The statements of a released migration are never changed.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_users_and_sessions.sql"),
    include_str!("migrations/0002_refresh_tokens_and_disabled_users.sql"),
    include_str!("migrations/0003_password_versions.sql"),
    include_str!("migrations/0004_counters.sql"),
    include_str!("migrations/0005_events.sql"),
    include_str!("migrations/0006_signing_key_set.sql"),
    include_str!("migrations/0007_refresh_token_repeats.sql"),
    include_str!("migrations/0008_key_activation.sql"),
    include_str!("migrations/0009_decoys.sql"),
    include_str!("migrations/0010_device_versions.sql"),
    include_str!("migrations/0011_narrow_lookups.sql"),
    include_str!("migrations/0012_mail.sql"),
    include_str!("migrations/0013_claimed_mails.sql"),
    include_str!("migrations/0014_second_factors.sql"),
    include_str!("migrations/0015_event_followers.sql"),
    include_str!("migrations/0016_roles.sql"),
];

/// Returns the version of the newest schema.
pub(super) fn latest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Applies the missing migrations. The version is read in the transaction that changes it, so that
/// servers that start at the same time migrate one after the other.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<Migrated> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let done = usize::try_from(version).unwrap_or(usize::MAX);
    for migration in MIGRATIONS.iter().skip(done) {
        tx.execute_batch(migration)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    if version < latest() {
        tx.pragma_update(None, "user_version", latest())?;
    }
    tx.commit()?;
    Ok(Migrated { from: version, to: latest() })
}

/// Returns `true` if the database is an unfinished copy of another store. Such a database has the
/// table `unfinished_copy`, with one row: the identity of the source.
pub(super) fn is_unfinished_copy(connection: &Connection) -> rusqlite::Result<bool> {
    connection.table_exists(None, "unfinished_copy")
}

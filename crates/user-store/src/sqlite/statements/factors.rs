use auth_core::{
    CodeFailures, CredentialId, PasskeyId, PasskeyName, PasskeyPublicKey, PasskeyState,
    RecoveryCodeHash, SingleUseId, Timestamp, TotpSecret, TotpStep, UserId,
};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use crate::factors::{Passkey, RecoveryCodes, Totp};
use crate::rules::factors::{FailuresRow, PendingTotpRow, TotpRow, UsedId};
use crate::sqlite::rows::{blob, json, optional_timestamp, parsed, passkey_id, timestamp, user_id};

pub(in crate::sqlite) fn totp(connection: &Connection, user: UserId) -> Result<Option<TotpRow>> {
    connection
        .prepare_cached(
            "SELECT secret, last_step FROM totp
             WHERE user_number = (SELECT number FROM users WHERE id = ?1)",
        )?
        .query_row([user.as_uuid().as_bytes()], |row| {
            let last_step = TotpStep::from_number(row.get(1)?);
            Ok(TotpRow { secret: blob(row, 0, TotpSecret::from_bytes)?, last_step })
        })
        .optional()
}

/// Returns the app without its secret.
pub(in crate::sqlite) fn totp_times(connection: &Connection, user: UserId) -> Result<Option<Totp>> {
    connection
        .prepare_cached(
            "SELECT created_at, last_used_at FROM totp
             WHERE user_number = (SELECT number FROM users WHERE id = ?1)",
        )?
        .query_row([user.as_uuid().as_bytes()], |row| {
            Ok(Totp { created_at: timestamp(row, 0)?, last_used_at: optional_timestamp(row, 1)? })
        })
        .optional()
}

/// Stores an app that was confirmed, instead of the one in use.
pub(in crate::sqlite) fn replace_totp(
    connection: &Connection,
    user: UserId,
    totp: &TotpRow,
    created_at: Timestamp,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO totp (user_number, secret, created_at, last_used_at, last_step)
             VALUES ((SELECT number FROM users WHERE id = ?1), ?2, ?3, NULL, ?4)
             ON CONFLICT (user_number) DO UPDATE
             SET secret = excluded.secret, created_at = excluded.created_at, last_used_at = NULL,
                 last_step = excluded.last_step",
        )?
        .execute(params![
            user.as_uuid().as_bytes(),
            totp.secret.as_bytes(),
            created_at.as_millisecond(),
            totp.last_step.number(),
        ])?;
    Ok(())
}

/// Saves the use of an app code.
pub(in crate::sqlite) fn use_totp(
    connection: &Connection,
    user: UserId,
    step: TotpStep,
    used_at: Timestamp,
) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE totp SET last_step = ?2, last_used_at = ?3
             WHERE user_number = (SELECT number FROM users WHERE id = ?1) AND last_step < ?2",
        )?
        .execute(params![user.as_uuid().as_bytes(), step.number(), used_at.as_millisecond()])?;
    Ok(())
}

pub(in crate::sqlite) fn delete_totp(connection: &Connection, user: UserId) -> Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM totp WHERE user_number = (SELECT number FROM users WHERE id = ?1)",
        )?
        .execute([user.as_uuid().as_bytes()])?;
    Ok(())
}

/// Returns the app that is being set up, even if its time has expired.
pub(in crate::sqlite) fn pending_totp(
    connection: &Connection,
    user: UserId,
) -> Result<Option<PendingTotpRow>> {
    connection
        .prepare_cached(
            "SELECT secret, expires_at FROM pending_totp
             WHERE user_number = (SELECT number FROM users WHERE id = ?1)",
        )?
        .query_row([user.as_uuid().as_bytes()], |row| {
            let expires_at = timestamp(row, 1)?;
            Ok(PendingTotpRow { secret: blob(row, 0, TotpSecret::from_bytes)?, expires_at })
        })
        .optional()
}

/// Stores an app that is being set up, instead of an earlier one.
pub(in crate::sqlite) fn replace_pending_totp(
    connection: &Connection,
    user: UserId,
    pending: &PendingTotpRow,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO pending_totp (user_number, secret, expires_at)
             VALUES ((SELECT number FROM users WHERE id = ?1), ?2, ?3)
             ON CONFLICT (user_number) DO UPDATE
             SET secret = excluded.secret, expires_at = excluded.expires_at",
        )?
        .execute(params![
            user.as_uuid().as_bytes(),
            pending.secret.as_bytes(),
            pending.expires_at.as_millisecond(),
        ])?;
    Ok(())
}

pub(in crate::sqlite) fn delete_pending_totp(connection: &Connection, user: UserId) -> Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM pending_totp
             WHERE user_number = (SELECT number FROM users WHERE id = ?1)",
        )?
        .execute([user.as_uuid().as_bytes()])?;
    Ok(())
}

pub(in crate::sqlite) fn has_recovery_code(
    connection: &Connection,
    user: UserId,
    code: &RecoveryCodeHash,
) -> Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM recovery_codes
             WHERE hash = ?2 AND user_number = (SELECT number FROM users WHERE id = ?1)",
        )?
        .exists(params![user.as_uuid().as_bytes(), code.as_bytes()])
}

/// Returns the number of unused recovery codes, if the user has a list of them.
pub(in crate::sqlite) fn recovery_codes(
    connection: &Connection,
    user: UserId,
) -> Result<Option<RecoveryCodes>> {
    connection
        .prepare_cached(
            "SELECT l.created_at,
                 (SELECT count(*) FROM recovery_codes c WHERE c.user_number = l.user_number)
             FROM recovery_code_lists l
             WHERE l.user_number = (SELECT number FROM users WHERE id = ?1)",
        )?
        .query_row([user.as_uuid().as_bytes()], |row| {
            Ok(RecoveryCodes { left: row.get(1)?, created_at: timestamp(row, 0)? })
        })
        .optional()
}

/// Stores recovery codes instead of all others of the user.
pub(in crate::sqlite) fn replace_recovery_codes(
    connection: &Connection,
    user: UserId,
    codes: &[RecoveryCodeHash],
    created_at: Timestamp,
) -> Result<()> {
    delete_recovery_codes(connection, user)?;
    connection
        .prepare_cached(
            "INSERT INTO recovery_code_lists (user_number, created_at)
             VALUES ((SELECT number FROM users WHERE id = ?1), ?2)",
        )?
        .execute(params![user.as_uuid().as_bytes(), created_at.as_millisecond()])?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO recovery_codes (hash, user_number)
         VALUES (?2, (SELECT number FROM users WHERE id = ?1))",
    )?;
    for code in codes {
        insert.execute(params![user.as_uuid().as_bytes(), code.as_bytes()])?;
    }
    Ok(())
}

/// Deletes the recovery codes of a user, and their list.
pub(in crate::sqlite) fn delete_recovery_codes(
    connection: &Connection,
    user: UserId,
) -> Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM recovery_codes
             WHERE user_number = (SELECT number FROM users WHERE id = ?1)",
        )?
        .execute([user.as_uuid().as_bytes()])?;
    connection
        .prepare_cached(
            "DELETE FROM recovery_code_lists
             WHERE user_number = (SELECT number FROM users WHERE id = ?1)",
        )?
        .execute([user.as_uuid().as_bytes()])?;
    Ok(())
}

pub(in crate::sqlite) fn delete_recovery_code(
    connection: &Connection,
    user: UserId,
    code: &RecoveryCodeHash,
) -> Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM recovery_codes
             WHERE hash = ?2 AND user_number = (SELECT number FROM users WHERE id = ?1)",
        )?
        .execute(params![user.as_uuid().as_bytes(), code.as_bytes()])?;
    Ok(())
}

/// The columns that [`read_passkey`] reads, from [`PASSKEYS`].
const PASSKEY_COLUMNS: &str = "p.id, u.id, p.credential_id, p.public_key, p.name, p.sign_count, \
                               p.backup_eligible, p.backed_up, p.created_at, p.last_used_at";

/// The passkeys `p`, each joined with its user `u`.
const PASSKEYS: &str = "passkeys p JOIN users u ON u.number = p.user_number";

fn read_passkey(row: &Row<'_>) -> Result<Passkey> {
    Ok(Passkey {
        id: passkey_id(row, 0)?,
        user: user_id(row, 1)?,
        credential_id: blob(row, 2, CredentialId::from_bytes)?,
        public_key: blob(row, 3, PasskeyPublicKey::from_cose)?,
        name: PasskeyName::from_stored(row.get(4)?),
        state: PasskeyState {
            sign_count: row.get(5)?,
            backup_eligible: row.get(6)?,
            backed_up: row.get(7)?,
        },
        created_at: timestamp(row, 8)?,
        last_used_at: optional_timestamp(row, 9)?,
    })
}

pub(in crate::sqlite) fn passkey(
    connection: &Connection,
    id: PasskeyId,
) -> Result<Option<Passkey>> {
    connection
        .prepare_cached(&format!("SELECT {PASSKEY_COLUMNS} FROM {PASSKEYS} WHERE p.id = ?1"))?
        .query_row([id.as_uuid().as_bytes()], read_passkey)
        .optional()
}

pub(in crate::sqlite) fn passkey_by_credential(
    connection: &Connection,
    credential: &CredentialId,
) -> Result<Option<Passkey>> {
    connection
        .prepare_cached(&format!(
            "SELECT {PASSKEY_COLUMNS} FROM {PASSKEYS} WHERE p.credential_id = ?1"
        ))?
        .query_row([credential.as_bytes()], read_passkey)
        .optional()
}

/// Returns the passkeys of a user, in the order of their ids.
pub(in crate::sqlite) fn passkeys(connection: &Connection, user: UserId) -> Result<Vec<Passkey>> {
    connection
        .prepare_cached(&format!(
            "SELECT {PASSKEY_COLUMNS} FROM {PASSKEYS} WHERE u.id = ?1 ORDER BY p.id"
        ))?
        .query_map([user.as_uuid().as_bytes()], read_passkey)?
        .collect()
}

/// Returns the ids of the passkeys of a user.
pub(in crate::sqlite) fn passkey_ids(
    connection: &Connection,
    user: UserId,
) -> Result<Vec<PasskeyId>> {
    connection
        .prepare_cached(
            "SELECT id FROM passkeys WHERE user_number = (SELECT number FROM users WHERE id = ?1)",
        )?
        .query_map([user.as_uuid().as_bytes()], |row| passkey_id(row, 0))?
        .collect()
}

pub(in crate::sqlite) fn insert_passkey(connection: &Connection, passkey: &Passkey) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO passkeys (
                 id, user_number, credential_id, public_key, name, sign_count, backup_eligible,
                 backed_up, created_at, last_used_at
             ) VALUES (?1, (SELECT number FROM users WHERE id = ?2), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            passkey.id.as_uuid().as_bytes(),
            passkey.user.as_uuid().as_bytes(),
            passkey.credential_id.as_bytes(),
            passkey.public_key.to_cose(),
            passkey.name.as_str(),
            passkey.state.sign_count,
            passkey.state.backup_eligible,
            passkey.state.backed_up,
            passkey.created_at.as_millisecond(),
            passkey.last_used_at.map(Timestamp::as_millisecond),
        ])?;
    Ok(())
}

/// Renames a passkey, if it belongs to this user.
pub(in crate::sqlite) fn rename_passkey(
    connection: &Connection,
    user: UserId,
    id: PasskeyId,
    name: &PasskeyName,
) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE passkeys SET name = ?3
             WHERE id = ?2 AND user_number = (SELECT number FROM users WHERE id = ?1)",
        )?
        .execute(params![user.as_uuid().as_bytes(), id.as_uuid().as_bytes(), name.as_str()])?;
    Ok(())
}

/// Saves the use of a passkey.
pub(in crate::sqlite) fn use_passkey(
    connection: &Connection,
    id: PasskeyId,
    state: PasskeyState,
    used_at: Timestamp,
) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE passkeys
             SET sign_count = ?2, backup_eligible = ?3, backed_up = ?4, last_used_at = ?5
             WHERE id = ?1",
        )?
        .execute(params![
            id.as_uuid().as_bytes(),
            state.sign_count,
            state.backup_eligible,
            state.backed_up,
            used_at.as_millisecond(),
        ])?;
    Ok(())
}

pub(in crate::sqlite) fn delete_passkey(connection: &Connection, id: PasskeyId) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM passkeys WHERE id = ?1")?
        .execute([id.as_uuid().as_bytes()])?;
    Ok(())
}

pub(in crate::sqlite) fn delete_passkeys(connection: &Connection, user: UserId) -> Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM passkeys WHERE user_number = (SELECT number FROM users WHERE id = ?1)",
        )?
        .execute([user.as_uuid().as_bytes()])?;
    Ok(())
}

/// Returns the wrong codes of a user. If none are stored, there are none.
pub(in crate::sqlite) fn failures(connection: &Connection, user: UserId) -> Result<FailuresRow> {
    let read = |row: &Row<'_>, column: usize| match row.get_ref(column)?.as_str_or_null()? {
        Some(_) => parsed(row, column, |text| serde_json::from_str(text)),
        None => Ok(CodeFailures::default()),
    };
    let found = connection
        .prepare_cached(
            "SELECT app_codes, recovery_codes FROM code_failures
             WHERE user_number = (SELECT number FROM users WHERE id = ?1)",
        )?
        .query_row([user.as_uuid().as_bytes()], |row| {
            Ok(FailuresRow { app_codes: read(row, 0)?, recovery_codes: read(row, 1)? })
        })
        .optional()?;
    Ok(found.unwrap_or_default())
}

pub(in crate::sqlite) fn save_failures(
    connection: &Connection,
    user: UserId,
    failures: &FailuresRow,
) -> Result<()> {
    let text = |failures: &CodeFailures| match *failures == CodeFailures::default() {
        true => Ok(None),
        false => json(failures).map(Some),
    };
    connection
        .prepare_cached(
            "INSERT INTO code_failures (user_number, app_codes, recovery_codes)
             VALUES ((SELECT number FROM users WHERE id = ?1), ?2, ?3)
             ON CONFLICT (user_number) DO UPDATE
             SET app_codes = excluded.app_codes, recovery_codes = excluded.recovery_codes",
        )?
        .execute(params![
            user.as_uuid().as_bytes(),
            text(&failures.app_codes)?,
            text(&failures.recovery_codes)?,
        ])?;
    Ok(())
}

pub(in crate::sqlite) fn delete_failures(connection: &Connection, user: UserId) -> Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM code_failures
             WHERE user_number = (SELECT number FROM users WHERE id = ?1)",
        )?
        .execute([user.as_uuid().as_bytes()])?;
    Ok(())
}

/// Returns whether a ticket or a challenge was used.
pub(in crate::sqlite) fn is_used(connection: &Connection, id: SingleUseId) -> Result<bool> {
    connection.prepare_cached("SELECT 1 FROM used_ids WHERE id = ?1")?.exists([id.as_bytes()])
}

pub(in crate::sqlite) fn insert_used(connection: &Connection, used: &UsedId) -> Result<()> {
    connection
        .prepare_cached("INSERT INTO used_ids (id, expires_at) VALUES (?1, ?2)")?
        .execute(params![used.id.as_bytes(), used.expires_at.as_millisecond()])?;
    Ok(())
}

/// Deletes up to `limit` ids of used tickets and challenges that have expired. Returns the number
/// deleted.
pub(in crate::sqlite) fn delete_expired_used(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM used_ids WHERE id IN (
                 SELECT id FROM used_ids WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2
             )",
        )?
        .execute(params![now.as_millisecond(), limit])
}

/// Deletes up to `limit` apps that were being set up and have expired. Returns the number deleted.
pub(in crate::sqlite) fn delete_expired_pending_totp(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM pending_totp WHERE user_number IN (
                 SELECT user_number FROM pending_totp
                 WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2
             )",
        )?
        .execute(params![now.as_millisecond(), limit])
}

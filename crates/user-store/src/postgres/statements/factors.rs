use auth_core::{
    CodeFailures, CredentialId, PasskeyId, PasskeyName, PasskeyPublicKey, PasskeyState,
    RecoveryCodeHash, SingleUseId, Timestamp, TotpSecret, TotpStep, UserId,
};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::factors::{Passkey, RecoveryCodes, Totp};
use crate::postgres::database_error::DatabaseError;
use crate::postgres::query::Query;
use crate::postgres::rows::{Result, bytes, invalid, json, optional_timestamp, timestamp, user_id};
use crate::rules::factors::{FailuresRow, PendingTotpRow, TotpRow, UsedId};

/// Sets the time at which the second factor was turned on, or turns it off.
pub(in crate::postgres) fn set_second_factor_at(user: UserId, at: Option<Timestamp>) -> Query {
    Query::new("UPDATE users SET second_factor_at = $2 WHERE id = $1")
        .bind(*user.as_uuid())
        .bind(at.map(Timestamp::as_millisecond))
}

/// Selects the app of a user. Read the row with [`read_totp`] or [`read_totp_row`].
pub(in crate::postgres) fn totp(user: UserId) -> Query {
    Query::new("SELECT created_at, last_used_at, secret, last_step FROM totp WHERE user_id = $1")
        .bind(*user.as_uuid())
}

pub(in crate::postgres) fn read_totp(row: &Row) -> Result<Totp> {
    Ok(Totp { created_at: timestamp(row, 0)?, last_used_at: optional_timestamp(row, 1)? })
}

pub(in crate::postgres) fn read_totp_row(row: &Row) -> Result<TotpRow> {
    Ok(TotpRow {
        secret: bytes(row, 2, TotpSecret::from_bytes)?,
        last_step: TotpStep::from_number(row.try_get(3)?),
    })
}

/// Stores an app instead of the previous one of the user. `step` is that of the code that confirmed
/// it.
pub(in crate::postgres) fn replace_totp(
    user: UserId,
    secret: &TotpSecret,
    step: TotpStep,
    now: Timestamp,
) -> Query {
    Query::new(
        "INSERT INTO totp (user_id, secret, created_at, last_step) VALUES ($1, $2, $3, $4)
         ON CONFLICT (user_id) DO UPDATE
         SET secret = excluded.secret, created_at = excluded.created_at, last_used_at = NULL,
             last_step = excluded.last_step",
    )
    .bind(*user.as_uuid())
    .bind(secret.as_bytes().to_vec())
    .bind(now.as_millisecond())
    .bind(step.number())
}

/// Records the use of an app code.
pub(in crate::postgres) fn use_totp(user: UserId, step: TotpStep, now: Timestamp) -> Query {
    Query::new(
        "UPDATE totp SET last_step = $2, last_used_at = $3 WHERE user_id = $1 AND last_step < $2",
    )
    .bind(*user.as_uuid())
    .bind(step.number())
    .bind(now.as_millisecond())
}

pub(in crate::postgres) fn delete_totp(user: UserId) -> Query {
    Query::new("DELETE FROM totp WHERE user_id = $1").bind(*user.as_uuid())
}

/// Selects the app that a user is setting up. Read the row with [`read_pending_totp`].
pub(in crate::postgres) fn pending_totp(user: UserId) -> Query {
    Query::new("SELECT secret, expires_at FROM pending_totp WHERE user_id = $1")
        .bind(*user.as_uuid())
}

pub(in crate::postgres) fn read_pending_totp(row: &Row) -> Result<PendingTotpRow> {
    Ok(PendingTotpRow {
        secret: bytes(row, 0, TotpSecret::from_bytes)?,
        expires_at: timestamp(row, 1)?,
    })
}

/// Stores an app that a user is setting up, instead of the previous one.
pub(in crate::postgres) fn replace_pending_totp(
    user: UserId,
    secret: &TotpSecret,
    expires_at: Timestamp,
) -> Query {
    Query::new(
        "INSERT INTO pending_totp (user_id, secret, expires_at) VALUES ($1, $2, $3)
         ON CONFLICT (user_id) DO UPDATE
         SET secret = excluded.secret, expires_at = excluded.expires_at",
    )
    .bind(*user.as_uuid())
    .bind(secret.as_bytes().to_vec())
    .bind(expires_at.as_millisecond())
}

pub(in crate::postgres) fn delete_pending_totp(users: impl IntoIterator<Item = UserId>) -> Query {
    let users: Vec<_> = users.into_iter().map(|user| *user.as_uuid()).collect();
    Query::new("DELETE FROM pending_totp WHERE user_id = ANY($1)").bind(users)
}

/// Locks up to `limit` apps that were being set up, that have expired, and that no other
/// transaction has locked. Read the rows with [`read_users`].
pub(in crate::postgres) fn lock_expired_totp(now: Timestamp, limit: u32) -> Query {
    Query::new(
        "SELECT user_id FROM pending_totp WHERE expires_at <= $1
         ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED",
    )
    .bind(now.as_millisecond())
    .bind(i64::from(limit))
}

pub(in crate::postgres) fn read_users(rows: &[Row]) -> Result<Vec<UserId>> {
    rows.iter().map(|row| user_id(row, 0)).collect()
}

/// Selects the time and the number of the recovery codes of a user. Read the row with
/// [`read_recovery_codes`].
pub(in crate::postgres) fn recovery_codes(user: UserId) -> Query {
    Query::new(
        "SELECT created_at, (SELECT count(*) FROM recovery_codes WHERE user_id = $1)
         FROM recovery_code_lists WHERE user_id = $1",
    )
    .bind(*user.as_uuid())
}

pub(in crate::postgres) fn read_recovery_codes(row: &Row) -> Result<RecoveryCodes> {
    let left: i64 = row.try_get(1)?;
    Ok(RecoveryCodes {
        left: u32::try_from(left).unwrap_or(u32::MAX),
        created_at: timestamp(row, 0)?,
    })
}

/// Selects a recovery code of a user. There is no row if it does not exist.
pub(in crate::postgres) fn recovery_code(user: UserId, code: &RecoveryCodeHash) -> Query {
    Query::new("SELECT hash FROM recovery_codes WHERE hash = $1 AND user_id = $2")
        .bind(code.as_bytes().to_vec())
        .bind(*user.as_uuid())
}

pub(in crate::postgres) fn delete_recovery_code(code: &RecoveryCodeHash) -> Query {
    Query::new("DELETE FROM recovery_codes WHERE hash = $1").bind(code.as_bytes().to_vec())
}

/// Stores recovery codes instead of the previous ones of the user.
pub(in crate::postgres) fn replace_recovery_codes(
    user: UserId,
    codes: &[RecoveryCodeHash],
    created_at: Timestamp,
) -> [Query; 3] {
    let hashes: Vec<_> = codes.iter().map(|code| code.as_bytes().to_vec()).collect();
    let list = Query::new(
        "INSERT INTO recovery_code_lists (user_id, created_at) VALUES ($1, $2)
         ON CONFLICT (user_id) DO UPDATE SET created_at = excluded.created_at",
    );
    let insert = Query::new(
        "INSERT INTO recovery_codes (hash, user_id) SELECT hash, $2 FROM unnest($1::bytea[]) AS c (hash)",
    );
    [
        delete_all_recovery_codes(user),
        list.bind(*user.as_uuid()).bind(created_at.as_millisecond()),
        insert.bind(hashes).bind(*user.as_uuid()),
    ]
}

fn delete_all_recovery_codes(user: UserId) -> Query {
    Query::new("DELETE FROM recovery_codes WHERE user_id = $1").bind(*user.as_uuid())
}

/// Deletes the recovery codes of a user, and the time at which they were stored.
pub(in crate::postgres) fn delete_recovery_codes(user: UserId) -> [Query; 2] {
    let list = Query::new("DELETE FROM recovery_code_lists WHERE user_id = $1");
    [delete_all_recovery_codes(user), list.bind(*user.as_uuid())]
}

/// Selects the passkeys of a user in the order of their ids. Read the rows with [`read_passkeys`].
pub(in crate::postgres) fn passkeys_of_user(user: UserId) -> Query {
    Query::new(
        "SELECT id, user_id, credential_id, public_key, name, sign_count, backup_eligible,
             backed_up, created_at, last_used_at
         FROM passkeys WHERE user_id = $1 ORDER BY id",
    )
    .bind(*user.as_uuid())
}

/// Selects the ids of the passkeys of a user. Read the rows with [`read_passkey_ids`].
pub(in crate::postgres) fn passkey_ids(user: UserId) -> Query {
    Query::new("SELECT id FROM passkeys WHERE user_id = $1").bind(*user.as_uuid())
}

pub(in crate::postgres) fn read_passkey_ids(rows: &[Row]) -> Result<Vec<PasskeyId>> {
    rows.iter().map(passkey_id).collect()
}

fn passkey_id(row: &Row) -> Result<PasskeyId> {
    let id: Uuid = row.try_get(0)?;
    Ok(PasskeyId::from_uuid_bytes(id.into_bytes()))
}

/// Selects a passkey by its id. Read the row with [`read_passkey`].
pub(in crate::postgres) fn passkey(id: PasskeyId) -> Query {
    Query::new(
        "SELECT id, user_id, credential_id, public_key, name, sign_count, backup_eligible,
             backed_up, created_at, last_used_at
         FROM passkeys WHERE id = $1",
    )
    .bind(*id.as_uuid())
}

/// Selects a passkey of any user by its credential ID. Read the row with [`read_passkey`].
pub(in crate::postgres) fn passkey_by_credential(credential: &CredentialId) -> Query {
    Query::new(
        "SELECT id, user_id, credential_id, public_key, name, sign_count, backup_eligible,
             backed_up, created_at, last_used_at
         FROM passkeys WHERE credential_id = $1",
    )
    .bind(credential.as_bytes().to_vec())
}

pub(in crate::postgres) fn read_passkey(row: &Row) -> Result<Passkey> {
    let sign_count: i64 = row.try_get(5)?;
    Ok(Passkey {
        id: passkey_id(row)?,
        user: user_id(row, 1)?,
        credential_id: bytes(row, 2, CredentialId::from_bytes)?,
        public_key: bytes(row, 3, PasskeyPublicKey::from_cose)?,
        name: PasskeyName::from_stored(row.try_get(4)?),
        state: PasskeyState {
            sign_count: u32::try_from(sign_count).map_err(invalid)?,
            backup_eligible: row.try_get(6)?,
            backed_up: row.try_get(7)?,
        },
        created_at: timestamp(row, 8)?,
        last_used_at: optional_timestamp(row, 9)?,
    })
}

pub(in crate::postgres) fn read_passkeys(rows: &[Row]) -> Result<Vec<Passkey>> {
    rows.iter().map(read_passkey).collect()
}

/// Inserts a passkey. Fails if another passkey has the same credential ID.
pub(in crate::postgres) fn insert_passkey(passkey: &Passkey) -> Query {
    Query::new(
        "INSERT INTO passkeys (
             id, user_id, credential_id, public_key, name, sign_count, backup_eligible, backed_up,
             created_at, last_used_at
         ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(*passkey.id.as_uuid())
    .bind(*passkey.user.as_uuid())
    .bind(passkey.credential_id.as_bytes().to_vec())
    .bind(passkey.public_key.to_cose())
    .bind(passkey.name.as_str().to_owned())
    .bind(i64::from(passkey.state.sign_count))
    .bind(passkey.state.backup_eligible)
    .bind(passkey.state.backed_up)
    .bind(passkey.created_at.as_millisecond())
    .bind(passkey.last_used_at.map(Timestamp::as_millisecond))
}

/// Records the use of a passkey.
pub(in crate::postgres) fn use_passkey(
    id: PasskeyId,
    state: &PasskeyState,
    now: Timestamp,
) -> Query {
    Query::new(
        "UPDATE passkeys
         SET sign_count = $2, backup_eligible = $3, backed_up = $4, last_used_at = $5
         WHERE id = $1",
    )
    .bind(*id.as_uuid())
    .bind(i64::from(state.sign_count))
    .bind(state.backup_eligible)
    .bind(state.backed_up)
    .bind(now.as_millisecond())
}

pub(in crate::postgres) fn rename_passkey(id: PasskeyId, name: &PasskeyName) -> Query {
    Query::new("UPDATE passkeys SET name = $2 WHERE id = $1")
        .bind(*id.as_uuid())
        .bind(name.as_str().to_owned())
}

pub(in crate::postgres) fn delete_passkey(id: PasskeyId) -> Query {
    Query::new("DELETE FROM passkeys WHERE id = $1").bind(*id.as_uuid())
}

pub(in crate::postgres) fn delete_passkeys(user: UserId) -> Query {
    Query::new("DELETE FROM passkeys WHERE user_id = $1").bind(*user.as_uuid())
}

/// Selects the wrong codes of a user. Read the row with [`read_failures`].
pub(in crate::postgres) fn failures(user: UserId) -> Query {
    Query::new("SELECT app_codes, recovery_codes FROM code_failures WHERE user_id = $1")
        .bind(*user.as_uuid())
}

/// Reads the wrong codes of a user. If there is no row, there are none.
pub(in crate::postgres) fn read_failures(row: Option<&Row>) -> Result<FailuresRow> {
    let Some(row) = row else { return Ok(FailuresRow::default()) };
    let read = |column| {
        let text: Option<&str> = row.try_get(column)?;
        let failures = text.map(serde_json::from_str).transpose().map_err(invalid)?;
        Ok::<_, DatabaseError>(failures.unwrap_or_default())
    };
    Ok(FailuresRow { app_codes: read(0)?, recovery_codes: read(1)? })
}

pub(in crate::postgres) fn save_failures(user: UserId, failures: &FailuresRow) -> Result<Query> {
    let text = |failures: &CodeFailures| {
        if *failures == CodeFailures::default() { Ok(None) } else { json(failures).map(Some) }
    };
    let query = Query::new(
        "INSERT INTO code_failures (user_id, app_codes, recovery_codes) VALUES ($1, $2, $3)
         ON CONFLICT (user_id) DO UPDATE
         SET app_codes = excluded.app_codes, recovery_codes = excluded.recovery_codes",
    );
    Ok(query
        .bind(*user.as_uuid())
        .bind(text(&failures.app_codes)?)
        .bind(text(&failures.recovery_codes)?))
}

pub(in crate::postgres) fn delete_failures(user: UserId) -> Query {
    Query::new("DELETE FROM code_failures WHERE user_id = $1").bind(*user.as_uuid())
}

/// Selects the used ones among these ids of tickets and challenges. Read the rows with
/// [`read_ids`].
pub(in crate::postgres) fn used(ids: &[SingleUseId]) -> Query {
    let ids: Vec<_> = ids.iter().map(|id| id.as_bytes().to_vec()).collect();
    Query::new("SELECT id FROM used_ids WHERE id = ANY($1)").bind(ids)
}

pub(in crate::postgres) fn read_ids(rows: &[Row]) -> Result<Vec<SingleUseId>> {
    let id = |row| bytes(row, 0, |bytes| <[u8; 16]>::try_from(bytes).map(SingleUseId::from_bytes));
    rows.iter().map(id).collect()
}

/// Stores that an id was used. Fails if it was used before. Waits for a transaction that uses the
/// same id.
pub(in crate::postgres) fn insert_used(used: &UsedId) -> Query {
    Query::new("INSERT INTO used_ids (id, expires_at) VALUES ($1, $2)")
        .bind(used.id.as_bytes().to_vec())
        .bind(used.expires_at.as_millisecond())
}

/// Locks up to `limit` used ids that have expired and that no other transaction has locked. Read
/// the rows with [`read_ids`].
pub(in crate::postgres) fn lock_expired_ids(now: Timestamp, limit: u32) -> Query {
    Query::new(
        "SELECT id FROM used_ids WHERE expires_at <= $1
         ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED",
    )
    .bind(now.as_millisecond())
    .bind(i64::from(limit))
}

pub(in crate::postgres) fn delete_ids(ids: &[SingleUseId]) -> Query {
    let ids: Vec<_> = ids.iter().map(|id| id.as_bytes().to_vec()).collect();
    Query::new("DELETE FROM used_ids WHERE id = ANY($1)").bind(ids)
}

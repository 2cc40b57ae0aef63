use auth_core::{
    CredentialId, PasskeyId, PasskeyName, PasskeyState, RecoveryCodeHash, SingleUseId, Timestamp,
    TotpStep, UserId,
};

use crate::factors::{Passkey, RecoveryCodes, Totp};
use crate::rows::row::{AccountTotp, PendingTotp, StoredRecoveryCodes};
use crate::rows::statements::users::change;
use crate::rows::{Result, Tx};
use crate::rules::factors::{FailuresRow, PendingTotpRow, TotpRow, UsedId};

pub(in crate::rows) fn totp(tx: Tx<'_>, user: UserId) -> Result<Option<TotpRow>> {
    let totp = tx.account(user)?.and_then(|account| account.totp);
    Ok(totp.map(|totp| TotpRow { secret: totp.secret, last_step: totp.last_step }))
}

/// Returns the app without its secret.
pub(in crate::rows) fn totp_times(tx: Tx<'_>, user: UserId) -> Result<Option<Totp>> {
    let totp = tx.account(user)?.and_then(|account| account.totp);
    let times =
        |totp: AccountTotp| Totp { created_at: totp.created_at, last_used_at: totp.last_used_at };
    Ok(totp.map(times))
}

pub(in crate::rows) fn replace_totp(
    tx: Tx<'_>,
    user: UserId,
    totp: &TotpRow,
    created_at: Timestamp,
) -> Result<()> {
    let TotpRow { secret, last_step } = totp.clone();
    let totp = AccountTotp { secret, last_step, created_at, last_used_at: None };
    change(tx, user, |account| account.totp = Some(totp))
}

pub(in crate::rows) fn use_totp(
    tx: Tx<'_>,
    user: UserId,
    step: TotpStep,
    used_at: Timestamp,
) -> Result<()> {
    change(tx, user, |account| {
        if let Some(totp) = &mut account.totp {
            totp.last_step = step;
            totp.last_used_at = Some(used_at);
        }
    })
}

pub(in crate::rows) fn delete_totp(tx: Tx<'_>, user: UserId) -> Result<()> {
    change(tx, user, |account| account.totp = None)
}

/// Returns the app that is being set up, even if its time has expired.
pub(in crate::rows) fn pending_totp(tx: Tx<'_>, user: UserId) -> Result<Option<PendingTotpRow>> {
    let pending = tx.account(user)?.and_then(|account| account.pending_totp);
    Ok(pending.map(|PendingTotp { secret, expires_at }| PendingTotpRow { secret, expires_at }))
}

pub(in crate::rows) fn replace_pending_totp(
    tx: Tx<'_>,
    user: UserId,
    pending: &PendingTotpRow,
) -> Result<()> {
    let PendingTotpRow { secret, expires_at } = pending.clone();
    change(tx, user, |account| account.pending_totp = Some(PendingTotp { secret, expires_at }))
}

pub(in crate::rows) fn delete_pending_totp(tx: Tx<'_>, user: UserId) -> Result<()> {
    change(tx, user, |account| account.pending_totp = None)
}

pub(in crate::rows) fn has_recovery_code(
    tx: Tx<'_>,
    user: UserId,
    code: &RecoveryCodeHash,
) -> Result<bool> {
    let codes = tx.account(user)?.and_then(|account| account.recovery_codes);
    Ok(codes.is_some_and(|codes| codes.hashes.contains(code)))
}

/// Returns the number of unused recovery codes, if the user has a list of them.
pub(in crate::rows) fn recovery_codes(tx: Tx<'_>, user: UserId) -> Result<Option<RecoveryCodes>> {
    let codes = tx.account(user)?.and_then(|account| account.recovery_codes);
    Ok(codes.map(|codes| RecoveryCodes {
        left: u32::try_from(codes.hashes.len()).unwrap_or(u32::MAX),
        created_at: codes.created_at,
    }))
}

pub(in crate::rows) fn replace_recovery_codes(
    tx: Tx<'_>,
    user: UserId,
    codes: &[RecoveryCodeHash],
    created_at: Timestamp,
) -> Result<()> {
    let codes = StoredRecoveryCodes { hashes: codes.to_vec(), created_at };
    change(tx, user, |account| account.recovery_codes = Some(codes))
}

pub(in crate::rows) fn delete_recovery_codes(tx: Tx<'_>, user: UserId) -> Result<()> {
    change(tx, user, |account| account.recovery_codes = None)
}

pub(in crate::rows) fn delete_recovery_code(
    tx: Tx<'_>,
    user: UserId,
    code: &RecoveryCodeHash,
) -> Result<()> {
    change(tx, user, |account| {
        if let Some(codes) = &mut account.recovery_codes {
            codes.hashes.retain(|hash| hash != code);
        }
    })
}

pub(in crate::rows) fn passkey(tx: Tx<'_>, id: PasskeyId) -> Result<Option<Passkey>> {
    tx.passkey(id)
}

pub(in crate::rows) fn passkey_by_credential(
    tx: Tx<'_>,
    credential: &CredentialId,
) -> Result<Option<Passkey>> {
    tx.passkey_by_credential(credential)
}

pub(in crate::rows) fn passkeys(tx: Tx<'_>, user: UserId) -> Result<Vec<Passkey>> {
    tx.passkeys(user)
}

pub(in crate::rows) fn passkey_ids(tx: Tx<'_>, user: UserId) -> Result<Vec<PasskeyId>> {
    Ok(tx.passkeys(user)?.iter().map(|passkey| passkey.id).collect())
}

pub(in crate::rows) fn insert_passkey(tx: Tx<'_>, passkey: &Passkey) -> Result<()> {
    tx.save_passkey(passkey)
}

/// Renames a passkey, if it belongs to this user.
pub(in crate::rows) fn rename_passkey(
    tx: Tx<'_>,
    user: UserId,
    id: PasskeyId,
    name: &PasskeyName,
) -> Result<()> {
    match tx.passkey(id)? {
        Some(passkey) if passkey.user == user => {
            tx.save_passkey(&Passkey { name: name.clone(), ..passkey })
        }
        _ => Ok(()),
    }
}

pub(in crate::rows) fn use_passkey(
    tx: Tx<'_>,
    id: PasskeyId,
    state: PasskeyState,
    used_at: Timestamp,
) -> Result<()> {
    match tx.passkey(id)? {
        Some(passkey) => {
            tx.save_passkey(&Passkey { state, last_used_at: Some(used_at), ..passkey })
        }
        None => Ok(()),
    }
}

pub(in crate::rows) fn delete_passkey(tx: Tx<'_>, id: PasskeyId) -> Result<()> {
    tx.delete_passkey(id)
}

pub(in crate::rows) fn delete_passkeys(tx: Tx<'_>, user: UserId) -> Result<()> {
    for id in passkey_ids(tx, user)? {
        tx.delete_passkey(id)?;
    }
    Ok(())
}

pub(in crate::rows) fn failures(tx: Tx<'_>, user: UserId) -> Result<FailuresRow> {
    let failures = tx.account(user)?.map(|account| FailuresRow {
        app_codes: account.wrong_app_codes,
        recovery_codes: account.wrong_recovery_codes,
    });
    Ok(failures.unwrap_or_default())
}

pub(in crate::rows) fn save_failures(
    tx: Tx<'_>,
    user: UserId,
    failures: &FailuresRow,
) -> Result<()> {
    let FailuresRow { app_codes, recovery_codes } = failures.clone();
    change(tx, user, |account| {
        account.wrong_app_codes = app_codes;
        account.wrong_recovery_codes = recovery_codes;
    })
}

pub(in crate::rows) fn delete_failures(tx: Tx<'_>, user: UserId) -> Result<()> {
    save_failures(tx, user, &FailuresRow::default())
}

pub(in crate::rows) fn is_used(tx: Tx<'_>, id: SingleUseId) -> Result<bool> {
    tx.is_used(id)
}

pub(in crate::rows) fn insert_used(tx: Tx<'_>, used: &UsedId) -> Result<()> {
    tx.save_used_id(used.id, used.expires_at)
}

pub(in crate::rows) fn delete_expired_used(
    tx: Tx<'_>,
    now: Timestamp,
    limit: u32,
) -> Result<usize> {
    tx.delete_expired_used_ids(now, limit)
}

pub(in crate::rows) fn delete_expired_pending_totp(
    tx: Tx<'_>,
    now: Timestamp,
    limit: u32,
) -> Result<usize> {
    let expired = tx.expired_pending_totp(now, limit)?;
    for account in &expired {
        delete_pending_totp(tx, account.user.id)?;
    }
    Ok(expired.len())
}

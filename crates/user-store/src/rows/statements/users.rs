use auth_core::{
    CodeFailures, DecoyPosition, Email, EmailKey, PasswordHash, Roles, SessionId, Timestamp, UserId,
};

use crate::metadata::Metadata;
use crate::rows::row::Account;
use crate::rows::{Result, Tx};
use crate::rules::users::{AccountState, OWN_FORMAT, decoy};
use crate::users::{
    Challenge, Credentials, DeviceVersion, KnownBrowsers, PasswordVersion, StoredUser, User,
};

pub(in crate::rows) use crate::rows::traits::InsertOutcome;

pub(in crate::rows) fn insert(
    tx: Tx<'_>,
    user: &User,
    password: &PasswordHash,
) -> Result<InsertOutcome> {
    tx.insert_account(&Account {
        user: user.clone(),
        password_hash: password.clone(),
        password_version: PasswordVersion(0),
        device_version: DeviceVersion(0),
        totp: None,
        pending_totp: None,
        recovery_codes: None,
        wrong_app_codes: CodeFailures::default(),
        wrong_recovery_codes: CodeFailures::default(),
    })
}

/// Looks up an account, its decoy and the version of the signing keys. The same rows are read
/// whether or not the account exists.
pub(in crate::rows) fn credentials(
    tx: Tx<'_>,
    email: &EmailKey,
    decoy_position: DecoyPosition,
) -> Result<Challenge> {
    let key_set_version = tx.signing_keys()?.version;
    let decoys = tx.decoys()?;
    let account = tx.account_by_email(email)?;
    match account.filter(|account| account.user.disabled_at.is_none()) {
        Some(account) => Ok(Challenge::Account(Credentials {
            user_id: account.user.id,
            password_hash: account.password_hash,
            password_version: account.password_version,
            key_set_version,
            device_version: account.device_version,
            second_factor_at: account.user.second_factor_at,
        })),
        None => {
            let template = decoys.templates.get(&decoy_position.number());
            let hash = template.map_or(OWN_FORMAT, String::as_str);
            Ok(decoy(PasswordHash::from_stored(hash)))
        }
    }
}

pub(in crate::rows) fn password_hash(tx: Tx<'_>, user: UserId) -> Result<Option<PasswordHash>> {
    Ok(tx.account(user)?.map(|account| account.password_hash))
}

pub(in crate::rows) fn account_state(tx: Tx<'_>, user: UserId) -> Result<Option<AccountState>> {
    Ok(tx.account(user)?.map(|account| AccountState {
        id: account.user.id,
        password_version: account.password_version,
        disabled_at: account.user.disabled_at,
        device_version: account.device_version,
        second_factor_at: account.user.second_factor_at,
    }))
}

pub(in crate::rows) fn email_key(tx: Tx<'_>, user: UserId) -> Result<Option<String>> {
    Ok(tx.account(user)?.map(|account| account.user.email.key().as_str().to_owned()))
}

pub(in crate::rows) fn by_id(tx: Tx<'_>, id: UserId) -> Result<Option<User>> {
    Ok(tx.account(id)?.map(|account| account.user))
}

pub(in crate::rows) fn by_email(tx: Tx<'_>, email: &EmailKey) -> Result<Option<User>> {
    Ok(tx.account_by_email(email)?.map(|account| account.user))
}

pub(in crate::rows) fn page(tx: Tx<'_>, after: Option<UserId>, limit: u32) -> Result<Vec<User>> {
    Ok(tx.accounts(after, limit)?.into_iter().map(|account| account.user).collect())
}

/// Returns the same accounts as [`page`], with their password hashes and their metadata.
pub(in crate::rows) fn stored_page(
    tx: Tx<'_>,
    after: Option<UserId>,
    limit: u32,
) -> Result<Vec<StoredUser>> {
    let accounts = tx.accounts(after, limit)?.into_iter();
    let stored = |account: Account| {
        let metadata = tx.metadata(account.user.id)?;
        Ok(StoredUser { user: account.user, password_hash: account.password_hash, metadata })
    };
    accounts.map(stored).collect()
}

pub(in crate::rows) fn exists_like(tx: Tx<'_>, user: &User) -> Result<bool> {
    Ok(tx.account(user.id)?.is_some() || tx.account_by_email(user.email.key())?.is_some())
}

/// Changes an account, if it exists.
pub(super) fn change(tx: Tx<'_>, user: UserId, change: impl FnOnce(&mut Account)) -> Result<()> {
    let Some(mut account) = tx.account(user)? else { return Ok(()) };
    change(&mut account);
    tx.save_account(&account)
}

pub(in crate::rows) fn rehash(tx: Tx<'_>, user: UserId, rehashed: &PasswordHash) -> Result<()> {
    change(tx, user, |account| account.password_hash = rehashed.clone())
}

pub(in crate::rows) fn set_password(
    tx: Tx<'_>,
    user: UserId,
    new: &PasswordHash,
    browsers: KnownBrowsers,
) -> Result<()> {
    change(tx, user, |account| {
        account.password_hash = new.clone();
        account.password_version = account.password_version.next();
        if browsers == KnownBrowsers::Forget {
            account.device_version = account.device_version.next();
        }
    })
}

/// Returns the version of the browsers that an account knows. The account exists.
pub(in crate::rows) fn device_version(tx: Tx<'_>, user: UserId) -> Result<DeviceVersion> {
    Ok(tx.account(user)?.map_or(DeviceVersion(0), |account| account.device_version))
}

/// Replaces the roles.
pub(in crate::rows) fn set_roles(tx: Tx<'_>, user: UserId, roles: &Roles) -> Result<()> {
    change(tx, user, |account| account.user.roles = roles.clone())
}

/// Returns the roles of an account, or no roles if it does not exist.
pub(in crate::rows) fn roles(tx: Tx<'_>, user: UserId) -> Result<Roles> {
    Ok(tx.account(user)?.map_or(Roles::NONE, |account| account.user.roles))
}

pub(in crate::rows) fn set_verified_at(
    tx: Tx<'_>,
    user: UserId,
    verified_at: Timestamp,
) -> Result<()> {
    change(tx, user, |account| account.user.email_verified_at = Some(verified_at))
}

/// Sets a verified email address, and forgets the known browsers.
pub(in crate::rows) fn set_email(
    tx: Tx<'_>,
    user: UserId,
    email: &Email,
    verified_at: Timestamp,
) -> Result<()> {
    change(tx, user, |account| {
        account.user.email = email.clone();
        account.user.email_verified_at = Some(verified_at);
        account.device_version = account.device_version.next();
    })
}

/// Disables an account and forgets its known browsers, or enables it.
pub(in crate::rows) fn set_disabled_at(
    tx: Tx<'_>,
    user: UserId,
    disabled_at: Option<Timestamp>,
) -> Result<()> {
    change(tx, user, |account| {
        account.user.disabled_at = disabled_at;
        if disabled_at.is_some() {
            account.device_version = account.device_version.next();
        }
    })
}

pub(in crate::rows) fn set_second_factor_at(
    tx: Tx<'_>,
    user: UserId,
    second_factor_at: Option<Timestamp>,
) -> Result<()> {
    change(tx, user, |account| account.user.second_factor_at = second_factor_at)
}

/// Deletes a user, and the user's sessions, passkeys and metadata.
pub(in crate::rows) fn delete(tx: Tx<'_>, user: UserId) -> Result<()> {
    let sessions: Vec<SessionId> =
        tx.sessions(user)?.iter().map(|stored| stored.session.id).collect();
    for id in sessions {
        tx.delete_session(id)?;
    }
    for passkey in tx.passkeys(user)? {
        tx.delete_passkey(passkey.id)?;
    }
    tx.save_metadata(user, &Metadata::default())?;
    tx.delete_account(user)
}

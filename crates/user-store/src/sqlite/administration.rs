//! What an operator changes, and what is told of it, in one transaction each.

use std::collections::HashSet;

use auth_core::{PasswordHash, SigningKeySeed, Timestamp, UserId};
use rusqlite::{Connection, Transaction};

use super::queries::{events, keys, sessions, users};
use super::transactions::{count_alive, delete_account, retire, told};
use crate::{
    Event, EventKind, ImportUsersOutcome, RetireKeyOutcome, StoredUser, UpdateUserOutcome,
};

pub(super) fn end_sessions(
    tx: &Transaction<'_>,
    user: UserId,
    now: Timestamp,
) -> rusqlite::Result<usize> {
    let ended = count_alive(sessions::delete_all(tx, user, None)?, now);
    told(tx, &Event::by_operator(EventKind::AllSessionsEnded, now).about(user), ended > 0)?;
    Ok(ended)
}

pub(super) fn disable_user(
    tx: &Transaction<'_>,
    user: UserId,
    now: Timestamp,
) -> rusqlite::Result<UpdateUserOutcome> {
    sessions::delete_all(tx, user, None)?;
    let Some(before) = users::by_id(tx, user)? else { return Ok(UpdateUserOutcome::NotFound) };
    if before.disabled_at.is_none() {
        users::set_disabled(tx, user, Some(now))?;
        events::insert(tx, &Event::by_operator(EventKind::AccountDisabled, now).about(user))?;
    }
    Ok(UpdateUserOutcome::Updated)
}

pub(super) fn enable_user(
    tx: &Transaction<'_>,
    user: UserId,
    now: Timestamp,
) -> rusqlite::Result<UpdateUserOutcome> {
    let Some(before) = users::by_id(tx, user)? else { return Ok(UpdateUserOutcome::NotFound) };
    if before.disabled_at.is_some() {
        users::set_disabled(tx, user, None)?;
        events::insert(tx, &Event::by_operator(EventKind::AccountEnabled, now).about(user))?;
    }
    Ok(UpdateUserOutcome::Updated)
}

pub(super) fn set_password(
    tx: &Transaction<'_>,
    user: UserId,
    new: &PasswordHash,
    now: Timestamp,
) -> rusqlite::Result<UpdateUserOutcome> {
    sessions::delete_all(tx, user, None)?;
    if !users::change_password(tx, user, new)? {
        return Ok(UpdateUserOutcome::NotFound);
    }
    events::insert(tx, &Event::by_operator(EventKind::PasswordChanged, now).about(user))?;
    Ok(UpdateUserOutcome::Updated)
}

pub(super) fn delete_user(
    tx: &Transaction<'_>,
    user: UserId,
    now: Timestamp,
) -> rusqlite::Result<UpdateUserOutcome> {
    if !delete_account(tx, user)? {
        return Ok(UpdateUserOutcome::NotFound);
    }
    events::insert(tx, &Event::by_operator(EventKind::AccountDeleted, now).about(user))?;
    Ok(UpdateUserOutcome::Updated)
}

pub(super) fn add_signing_key(
    tx: &Transaction<'_>,
    key: &SigningKeySeed,
    kid: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    keys::insert(tx, key, now)?;
    let event = Event::by_operator(EventKind::SigningKeyRotated, now);
    events::insert(tx, &event.about_key(kid))
}

pub(super) fn retire_signing_key(
    tx: &Transaction<'_>,
    key: &SigningKeySeed,
    kid: &str,
    now: Timestamp,
) -> rusqlite::Result<RetireKeyOutcome> {
    let retired = retire(tx, key)?;
    let event = Event::by_operator(EventKind::SigningKeyRetired, now).about_key(kid);
    told(tx, &event, retired == RetireKeyOutcome::Retired)?;
    Ok(retired)
}

pub(super) fn import_users(
    tx: &Transaction<'_>,
    users: &[StoredUser],
    now: Timestamp,
) -> rusqlite::Result<ImportUsersOutcome> {
    let outcome = check_import(tx, users)?;
    if outcome == ImportUsersOutcome::Imported {
        for StoredUser { user, password_hash } in users {
            let event = Event::by_operator(EventKind::AccountCreated, now).about(user.id);
            told(tx, &event, users::insert(tx, user, password_hash)?)?;
        }
    }
    Ok(outcome)
}

pub(super) fn check_import(
    connection: &Connection,
    users: &[StoredUser],
) -> rusqlite::Result<ImportUsersOutcome> {
    let (mut ids, mut addresses) = (HashSet::new(), HashSet::new());
    let mut taken = Vec::new();
    for (place, StoredUser { user, .. }) in users.iter().enumerate() {
        let is_new = ids.insert(user.id) & addresses.insert(user.email.key());
        if !is_new || users::is_taken(connection, user)? {
            taken.push(place);
        }
    }
    Ok(if taken.is_empty() {
        ImportUsersOutcome::Imported
    } else {
        ImportUsersOutcome::Taken(taken)
    })
}

use std::cmp::Reverse;

use auth_core::{FamilyHash, RefreshState, ReplacedToken, Session, SessionId, Timestamp, UserId};

use crate::rows::row::StoredSession;
use crate::rows::{Result, Tx};
use crate::rules::refresh::RefreshableSession;
use crate::sessions::{ActiveSession, NewSession, Rotation, SessionRecord};

pub(in crate::rows) fn insert(tx: Tx<'_>, new: &NewSession) -> Result<()> {
    tx.save_session(&StoredSession {
        session: new.session,
        client: new.client.clone(),
        family: new.family,
        refresh_token: new.refresh_token,
        replaced: None,
    })
}

/// Returns the session, expired or not, with its user and the version of the signing keys.
pub(in crate::rows) fn with_user(tx: Tx<'_>, id: SessionId) -> Result<Option<ActiveSession>> {
    let Some(StoredSession { session, .. }) = tx.session(id)? else { return Ok(None) };
    let Some(account) = tx.account(session.user_id)? else { return Ok(None) };
    let key_set_version = tx.signing_keys()?.version;
    Ok(Some(ActiveSession { session, user: account.user, key_set_version }))
}

pub(in crate::rows) fn by_id(tx: Tx<'_>, id: SessionId) -> Result<Option<Session>> {
    Ok(tx.session(id)?.map(|stored| stored.session))
}

pub(in crate::rows) fn by_family(
    tx: Tx<'_>,
    family: &FamilyHash,
) -> Result<Option<RefreshableSession>> {
    Ok(tx.session_by_family(family)?.map(|stored| RefreshableSession {
        session: stored.session,
        tokens: RefreshState { current: stored.refresh_token, replaced: stored.replaced },
    }))
}

/// Saves a refreshed session with the successor of its token.
pub(in crate::rows) fn refresh(tx: Tx<'_>, refreshed: &Session, rotation: &Rotation) -> Result<()> {
    let Some(stored) = tx.session(refreshed.id)? else { return Ok(()) };
    tx.save_session(&StoredSession {
        session: *refreshed,
        client: rotation.client.clone(),
        refresh_token: rotation.successor,
        replaced: Some(ReplacedToken {
            token: stored.refresh_token,
            salt: rotation.salt,
            at: refreshed.last_used_at,
            client: rotation.client.clone(),
            repeats: 0,
        }),
        ..stored
    })
}

pub(in crate::rows) fn count_repeat(tx: Tx<'_>, session: SessionId) -> Result<()> {
    let Some(mut stored) = tx.session(session)? else { return Ok(()) };
    if let Some(replaced) = &mut stored.replaced {
        replaced.repeats += 1;
    }
    tx.save_session(&stored)
}

/// Returns the number of active sessions of a user, not counting the session `except`.
pub(in crate::rows) fn count_others(
    tx: Tx<'_>,
    user: UserId,
    except: SessionId,
    now: Timestamp,
) -> Result<usize> {
    let sessions = tx.sessions(user)?;
    let is_other = |stored: &&StoredSession| {
        stored.session.id != except && stored.session.idle_expires_at > now
    };
    Ok(sessions.iter().filter(is_other).count())
}

/// Returns all sessions of a user, expired or not, most recently used first.
pub(in crate::rows) fn of_user(tx: Tx<'_>, user: UserId) -> Result<Vec<SessionRecord>> {
    let mut sessions = tx.sessions(user)?;
    sessions.sort_by_key(|stored| Reverse((stored.session.last_used_at, stored.session.id)));
    let record =
        |stored: StoredSession| SessionRecord { session: stored.session, client: stored.client };
    Ok(sessions.into_iter().map(record).collect())
}

pub(in crate::rows) fn delete(tx: Tx<'_>, id: SessionId) -> Result<()> {
    tx.delete_session(id)
}

/// Deletes all sessions of a user. Returns the idle expiry of each.
pub(in crate::rows) fn delete_all(tx: Tx<'_>, user: UserId) -> Result<Vec<Timestamp>> {
    let sessions = tx.sessions(user)?;
    for stored in &sessions {
        tx.delete_session(stored.session.id)?;
    }
    Ok(sessions.iter().map(|stored| stored.session.idle_expires_at).collect())
}

pub(in crate::rows) fn delete_others(tx: Tx<'_>, user: UserId, keep: SessionId) -> Result<()> {
    for stored in tx.sessions(user)? {
        if stored.session.id != keep {
            tx.delete_session(stored.session.id)?;
        }
    }
    Ok(())
}

/// Deletes the session of this family of refresh tokens, if it belongs to this user and is active.
/// Returns its id.
pub(in crate::rows) fn delete_family(
    tx: Tx<'_>,
    user: UserId,
    family: &FamilyHash,
    now: Timestamp,
) -> Result<Option<SessionId>> {
    match tx.session_by_family(family)? {
        Some(StoredSession { session, .. })
            if session.user_id == user && session.idle_expires_at > now =>
        {
            tx.delete_session(session.id)?;
            Ok(Some(session.id))
        }
        _ => Ok(None),
    }
}

/// Deletes the active sessions of a user, except the `keep` most recently used ones. Returns the
/// ids of the deleted sessions.
pub(in crate::rows) fn delete_least_recent(
    tx: Tx<'_>,
    user: UserId,
    keep: u32,
    now: Timestamp,
) -> Result<Vec<SessionId>> {
    let mut sessions = of_user(tx, user)?;
    sessions.retain(|record| record.session.idle_expires_at > now);
    let keep = usize::try_from(keep).unwrap_or(usize::MAX);
    let deleted: Vec<_> = sessions.iter().skip(keep).map(|record| record.session.id).collect();
    for id in &deleted {
        tx.delete_session(*id)?;
    }
    Ok(deleted)
}

pub(in crate::rows) fn delete_expired(tx: Tx<'_>, now: Timestamp, limit: u32) -> Result<usize> {
    tx.delete_expired_sessions(now, limit)
}

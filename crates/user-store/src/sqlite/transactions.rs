//! What a transaction decides by what it finds.

use auth_core::{
    ClientInfo, PasswordHash, RefreshUse, Session, SessionPolicy, SigningKeySeed, Timestamp, UserId,
};
use rusqlite::{Connection, Transaction};

use super::queries::{events, keys, sessions, users};
use crate::{
    EndSessionsOutcome, Event, EventKind, NewSession, OpenSessionOutcome, PasswordVersion,
    ReauthenticatedChangeOutcome, Reauthentication, RetireKeyOutcome, RotateOutcome, Rotation,
    UserData,
};

/// Opens a session with the password that was verified, if it still is the one in force.
pub(super) fn open_session(
    tx: &Transaction<'_>,
    new: &NewSession,
    verified: PasswordVersion,
    renewed: Option<&PasswordHash>,
) -> rusqlite::Result<OpenSessionOutcome> {
    let user = new.session.user_id;
    if !users::is_in_force(tx, user, verified)? {
        return Ok(OpenSessionOutcome::CredentialsChanged);
    }
    if let Some(renewed) = renewed {
        users::renew_password_hash(tx, user, renewed)?;
    }
    let now = new.session.created_at;
    let mut ended = match &new.replaces {
        Some(family) => sessions::delete_family(tx, user, family, now)?,
        None => Vec::new(),
    };
    ended.extend(sessions::delete_least_recent(tx, user, NewSession::MAX_PER_USER - 1, now)?);
    sessions::insert(tx, new)?;
    let event = Event::by_user(EventKind::SignedIn, now, new.client.clone());
    events::insert(tx, &event.about(user).in_session(new.session.id))?;
    Ok(OpenSessionOutcome::Opened(ended))
}

/// Uses a refresh token as its session judges it.
pub(super) fn rotate(
    tx: &Transaction<'_>,
    rotation: &Rotation,
    policy: &SessionPolicy,
    now: Timestamp,
) -> rusqlite::Result<RotateOutcome> {
    let (session, tokens) = match sessions::by_family(tx, &rotation.family)? {
        Some((session, tokens)) if session.is_alive(now) => (session, tokens),
        _ => return Ok(RotateOutcome::Unknown),
    };
    Ok(match tokens.judge(&rotation.presented, now) {
        RefreshUse::First => {
            let renewed = session.refreshed(now, policy);
            sessions::update(tx, &renewed, rotation)?;
            RotateOutcome::Rotated(renewed)
        }
        RefreshUse::Repeated(salt) => RotateOutcome::Repeated(session, salt),
        RefreshUse::Reused => {
            sessions::delete(tx, session.user_id, session.id)?;
            let client = rotation.client.clone();
            let event = Event::by_user(EventKind::RefreshTokenReused, now, client);
            events::insert(tx, &event.about(session.user_id).in_session(session.id))?;
            RotateOutcome::Reused(session)
        }
    })
}

/// Ends sessions for somebody whose own session is alive at the time of the event that tells
/// of it. `end` answers when each of them would have been over.
pub(super) fn while_alive<E: IntoIterator<Item = Timestamp>>(
    tx: &Transaction<'_>,
    by: &Session,
    event: &Event,
    end: impl FnOnce() -> rusqlite::Result<E>,
) -> rusqlite::Result<EndSessionsOutcome> {
    match sessions::by_id(tx, by.id)? {
        Some(session) if session.is_alive(event.at) => {
            let ended = count_alive(end()?, event.at);
            told(tx, event, ended > 0)?;
            Ok(EndSessionsOutcome::Ended(ended))
        }
        _ => Ok(EndSessionsOutcome::SessionEnded),
    }
}

/// Tells of something if it has happened; answers whether it has.
pub(super) fn told(
    tx: &Transaction<'_>,
    event: &Event,
    has_happened: bool,
) -> rusqlite::Result<bool> {
    if has_happened {
        events::insert(tx, event)?;
    }
    Ok(has_happened)
}

/// What tells of a change that a person has given their word for. Of an account that is
/// deleted nothing is kept but which it was.
fn event_of(word: &Reauthentication, kind: EventKind, now: Timestamp) -> Event {
    let user = word.session.user_id;
    match kind {
        EventKind::AccountDeleted => Event::by_user(kind, now, ClientInfo::default()).about(user),
        _ => Event::by_user(kind, now, word.client.clone()).about(user).in_session(word.session.id),
    }
}

/// Deletes an account with all that is held about its user; answers whether there was one.
/// (The events go last: those about a user who is there cannot be deleted.)
pub(super) fn delete_account(tx: &Transaction<'_>, user: UserId) -> rusqlite::Result<bool> {
    let deleted = users::delete(tx, user)?;
    if deleted {
        events::delete_of_user(tx, user)?;
    }
    Ok(deleted)
}

/// Of sessions that were deleted, those count that were not over by themselves.
pub(super) fn count_alive(ends: impl IntoIterator<Item = Timestamp>, now: Timestamp) -> usize {
    ends.into_iter().filter(|end| *end > now).count()
}

/// Makes a change provided that a person's word still holds: their session is alive, and
/// the password they gave is in force.
pub(super) fn reauthenticated(
    tx: &Transaction<'_>,
    word: &Reauthentication,
    kind: EventKind,
    now: Timestamp,
    change: impl FnOnce(&Session) -> rusqlite::Result<()>,
) -> rusqlite::Result<ReauthenticatedChangeOutcome> {
    let session = match sessions::by_id(tx, word.session.id)? {
        Some(session) if session.is_alive(now) => session,
        _ => return Ok(ReauthenticatedChangeOutcome::SessionEnded),
    };
    if !users::is_in_force(tx, session.user_id, word.verified)? {
        return Ok(ReauthenticatedChangeOutcome::CredentialsChanged);
    }
    change(&session)?;
    events::insert(tx, &event_of(word, kind, now))?;
    Ok(ReauthenticatedChangeOutcome::Done)
}

/// Removes a signing key, unless it is the one that signs at this moment.
pub(super) fn retire(
    tx: &Transaction<'_>,
    key: &SigningKeySeed,
) -> rusqlite::Result<RetireKeyOutcome> {
    if keys::signing(tx)?.is_some_and(|signing| signing == *key) {
        return Ok(RetireKeyOutcome::InUse);
    }
    Ok(match keys::delete(tx, key)? {
        true => RetireKeyOutcome::Retired,
        false => RetireKeyOutcome::NotFound,
    })
}

/// Everything that is held about a user, all of it as it was at one moment.
pub(super) fn user_data(
    connection: &Connection,
    user: UserId,
) -> rusqlite::Result<Option<UserData>> {
    let tx = connection.unchecked_transaction()?;
    let (Some(account), Some(password_hash)) =
        (users::by_id(&tx, user)?, users::password_hash(&tx, user)?)
    else {
        return Ok(None);
    };
    let sessions = sessions::of_user(&tx, user)?;
    let events = events::of_user(&tx, user, UserData::MAX_EVENTS)?;
    Ok(Some(UserData { user: account, password_hash, sessions, events }))
}

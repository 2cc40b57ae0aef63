//! Locks the rows of a user, and reads the locked rows.

use auth_core::{CounterKey, Session, SessionId, UserId};

use crate::postgres::attempts::email_changed;
use crate::postgres::database_error::DatabaseError;
use crate::postgres::query::{Query, Reply};
use crate::postgres::statements::{attempts, sessions, users};
use crate::rules::users::AccountState;

/// Locks the counters, the account and the sessions of a user, in this order. `lock_account` locks
/// the account. Read the reply with [`read_locked`], the sessions at [`SESSIONS`], and the account
/// at [`USER`].
pub(super) fn lock_all(user: UserId, email: &str, lock_account: Query) -> Vec<Query> {
    vec![
        attempts::lock_of_account(email),
        lock_account,
        attempts::email_key(user),
        sessions::lock_of_user(user),
        users::by_id(user),
    ]
}

/// The indices of the sessions and of the account in the reply to [`lock_all`].
pub(super) const SESSIONS: usize = 3;
pub(super) const USER: usize = 4;

/// The locked rows of a user.
pub(super) struct Locked {
    pub(super) counters: Vec<CounterKey>,
    pub(super) account: Option<AccountState>,
}

/// Reads the locked rows. Fails if the email address of the account is not `email`, because the
/// locked counters are those of `email`.
pub(super) fn read_locked(reply: &Reply, email: &str) -> Result<Locked, DatabaseError> {
    let current = attempts::read_email_key(reply.first(2))?;
    if current.is_some_and(|current| current != email) {
        return Err(email_changed());
    }
    Ok(Locked { counters: attempts::read_keys(reply.rows(0))?, account: read_account(reply, 1)? })
}

pub(super) fn read_account(
    reply: &Reply,
    statement: usize,
) -> Result<Option<AccountState>, DatabaseError> {
    reply.first(statement).map(users::read_account_state).transpose()
}

pub(super) fn find_session(
    reply: &Reply,
    statement: usize,
    id: SessionId,
) -> Result<Option<Session>, DatabaseError> {
    let found = sessions::read_all(reply.rows(statement))?;
    Ok(found.into_iter().find(|session| session.id == id))
}

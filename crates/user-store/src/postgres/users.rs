use async_trait::async_trait;
use auth_core::{
    CounterKey, DecoyPosition, EmailKey, MailId, PasswordHash, Session, SessionId, Timestamp,
    UserId,
};

use crate::audit::Event;
use crate::codes::NewCode;
use crate::error::StoreError;
use crate::postgres::attempts::email_key;
use crate::postgres::database::{Plan, WriteError};
use crate::postgres::database_error::{DatabaseError, ErrorKind};
use crate::postgres::query::{Query, Reply};
use crate::postgres::statements::{attempts, audit, sessions, users};
use crate::postgres::store::PostgresStore;
use crate::rules::users::AccountState;
use crate::rules::{self, Decision};
use crate::users::{
    Challenge, CreateUserError, ImportUsersOutcome, KnownBrowsers, ReauthenticatedChangeOutcome,
    Reauthentication, SetPassword, StoredUser, UpdateUserOutcome, User, UserStore,
};

#[async_trait]
impl UserStore for PostgresStore {
    async fn create_user(
        &self,
        user: &User,
        password: &PasswordHash,
        event: &Event,
        verification: Option<&NewCode>,
    ) -> Result<(), CreateUserError> {
        let id = user.id;
        let database = self.database.one_call();
        let create = || {
            let reads = vec![users::insert(user, password), users::by_email(user.email.key())];
            let event = event.clone();
            let decide = move |reply: &Reply| {
                if reply.first(0).is_some() {
                    let writes = vec![audit::insert(&event)];
                    return Ok(Plan { writes, outcome: Creation::Created });
                }
                let owner = reply.first(1).map(|row| users::read(row, 0)).transpose()?;
                Ok(match owner {
                    // The commit of a lock waits until a synchronous standby has everything before
                    // it, the transaction that created the account included.
                    Some(owner) if owner.id == id => {
                        Plan { writes: vec![users::lock(id)], outcome: Creation::Exists }
                    }
                    _ => Plan::unchanged(Creation::EmailTaken),
                })
            };
            database.write(reads, decide)
        };
        let created = match create().await {
            // The account may have been created. A second attempt detects that: its insertion waits
            // until the first transaction has ended.
            Err(WriteError::Unknown(_)) => match create().await {
                Ok(Creation::Exists) => return Ok(()),
                created => created,
            },
            created => created,
        };
        match created.map_err(StoreError::from)? {
            Creation::Created => Ok(()),
            Creation::EmailTaken | Creation::Exists => Err(CreateUserError::EmailTaken),
        }
    }

    async fn credentials(
        &self,
        email: &EmailKey,
        decoy_position: &DecoyPosition,
    ) -> Result<Challenge, StoreError> {
        let row = self.database.look_up(users::credentials(email, *decoy_position)).await?;
        Ok(users::read_challenge(&row)?)
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let reply = self.database.read(vec![users::by_id(id)]).await?;
        Ok(reply.first(0).map(|row| users::read(row, 0)).transpose()?)
    }

    async fn user_by_email(&self, email: &EmailKey) -> Result<Option<User>, StoreError> {
        let reply = self.database.read(vec![users::by_email(email)]).await?;
        Ok(reply.first(0).map(|row| users::read(row, 0)).transpose()?)
    }

    async fn users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        let reply = self.database.snapshot(vec![users::page(after, limit)]).await?;
        let page: Result<_, _> = reply.rows(0).iter().map(|row| users::read(row, 0)).collect();
        Ok(page?)
    }

    async fn change_password(
        &self,
        reauthentication: &Reauthentication,
        new: &PasswordHash,
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<ReauthenticatedChangeOutcome, StoreError> {
        let (proof, new) = (reauthentication.clone(), new.clone());
        let Session { id, user_id: user, .. } = proof.session;
        let reads = vec![users::lock(user), sessions::lock_of_user(user)];
        let decide = move |reply: &Reply| {
            let account = read_account(reply, 0)?;
            let session = find_session(reply, 1, id)?;
            let decision =
                rules::users::change_password(&proof, session.as_ref(), account.as_ref(), now);
            let event = match decision {
                Decision::Write(event) => event,
                Decision::Return(outcome) => return Ok(Plan::unchanged(outcome)),
            };
            let writes = vec![
                users::set_password(user, &new, KnownBrowsers::Forget),
                sessions::delete_others(user, id),
                audit::insert(&event),
            ];
            Ok(Plan { writes, outcome: ReauthenticatedChangeOutcome::Done })
        };
        Ok(self.database.write(reads, decide).await?)
    }

    async fn delete_own_account(
        &self,
        reauthentication: &Reauthentication,
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<ReauthenticatedChangeOutcome, StoreError> {
        let proof = reauthentication.clone();
        let Session { id, user_id: user, .. } = proof.session;
        let database = self.database.one_call();
        let Some(email) = email_key(&database, user).await? else {
            return Ok(ReauthenticatedChangeOutcome::SessionEnded);
        };
        let reads = lock_all(user, &email, users::lock_to_delete(user));
        let decide = move |reply: &Reply| {
            let locked = read_locked(reply, &email)?;
            let session = find_session(reply, SESSIONS, id)?;
            let decision = rules::users::delete_own_account(
                &proof,
                session.as_ref(),
                locked.account.as_ref(),
                now,
            );
            match decision {
                Decision::Write(event) => Ok(Plan {
                    writes: delete_account(user, &locked.counters, &event),
                    outcome: ReauthenticatedChangeOutcome::Done,
                }),
                Decision::Return(outcome) => Ok(Plan::unchanged(outcome)),
            }
        };
        Ok(database.write(reads, decide).await?)
    }

    async fn set_password(
        &self,
        new: &SetPassword,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError> {
        let SetPassword { user, password, browsers, notice } = new.clone();
        let _ = notice;
        let database = self.database.one_call();
        let Some(email) = email_key(&database, user).await? else {
            return Ok(UpdateUserOutcome::NotFound);
        };
        let reads = lock_all(user, &email, users::lock(user));
        let decide = move |reply: &Reply| {
            let locked = read_locked(reply, &email)?;
            let event = match rules::users::set_password(locked.account.as_ref(), now) {
                Decision::Write(event) => event,
                Decision::Return(outcome) => return Ok(Plan::unchanged(outcome)),
            };
            let writes = vec![
                users::set_password(user, &password, browsers),
                sessions::delete_all(user),
                attempts::delete(locked.counters.iter()),
                audit::insert(&event),
            ];
            Ok(Plan { writes, outcome: UpdateUserOutcome::Updated })
        };
        Ok(database.write(reads, decide).await?)
    }

    async fn disable_user(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError> {
        let reads = vec![users::lock(user), sessions::lock_of_user(user)];
        let decide = move |reply: &Reply| {
            let mut writes = Vec::new();
            if !reply.rows(1).is_empty() {
                writes.push(sessions::delete_all(user));
            }
            let outcome = match rules::users::disable_user(read_account(reply, 0)?.as_ref(), now) {
                Decision::Write(event) => {
                    writes.extend([users::set_disabled_at(user, Some(now)), audit::insert(&event)]);
                    UpdateUserOutcome::Updated
                }
                Decision::Return(outcome) => outcome,
            };
            Ok(Plan { writes, outcome })
        };
        Ok(self.database.write(reads, decide).await?)
    }

    async fn enable_user(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError> {
        let decide = move |reply: &Reply| match rules::users::enable_user(
            read_account(reply, 0)?.as_ref(),
            now,
        ) {
            Decision::Write(event) => Ok(Plan {
                writes: vec![users::set_disabled_at(user, None), audit::insert(&event)],
                outcome: UpdateUserOutcome::Updated,
            }),
            Decision::Return(outcome) => Ok(Plan::unchanged(outcome)),
        };
        Ok(self.database.write(vec![users::lock(user)], decide).await?)
    }

    async fn mark_email_verified(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError> {
        let _ = (user, now);
        Err(StoreError::Defect("mail is not supported yet".into()))
    }

    async fn delete_user(
        &self,
        user: UserId,
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError> {
        let database = self.database.one_call();
        let Some(email) = email_key(&database, user).await? else {
            return Ok(UpdateUserOutcome::NotFound);
        };
        let reads = lock_all(user, &email, users::lock_to_delete(user));
        let decide = move |reply: &Reply| {
            let locked = read_locked(reply, &email)?;
            match rules::users::delete_user(locked.account.as_ref(), now) {
                Decision::Write(event) => Ok(Plan {
                    writes: delete_account(user, &locked.counters, &event),
                    outcome: UpdateUserOutcome::Updated,
                }),
                Decision::Return(outcome) => Ok(Plan::unchanged(outcome)),
            }
        };
        Ok(database.write(reads, decide).await?)
    }

    async fn import_users(
        &self,
        users: &[StoredUser],
        now: Timestamp,
    ) -> Result<ImportUsersOutcome, StoreError> {
        self.import(users.into(), now).await
    }

    async fn check_import(&self, users: &[StoredUser]) -> Result<ImportUsersOutcome, StoreError> {
        self.check_list(users).await
    }

    async fn export_users(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<StoredUser>, StoreError> {
        let reply = self.database.snapshot(vec![users::page_with_hashes(after, limit)]).await?;
        let page: Result<_, _> = reply.rows(0).iter().map(users::read_with_hash).collect();
        Ok(page?)
    }
}

/// The outcome of the transaction that creates an account.
enum Creation {
    Created,
    /// The account exists: it has the same id and the same email address.
    Exists,
    EmailTaken,
}

/// Locks the counters, the account and the sessions of a user, in this order. `lock_account` locks
/// the account. Read the reply with [`read_locked`], and the sessions at [`SESSIONS`].
fn lock_all(user: UserId, email: &str, lock_account: Query) -> Vec<Query> {
    vec![
        attempts::lock_of_account(email),
        lock_account,
        attempts::email_key(user),
        sessions::lock_of_user(user),
    ]
}

/// The index of the sessions in the reply to [`lock_all`].
const SESSIONS: usize = 3;

/// The locked rows of a user.
struct Locked {
    counters: Vec<CounterKey>,
    account: Option<AccountState>,
}

/// Fails if the email address of the account is not `email`, because the locked counters are those
/// of `email`.
fn read_locked(reply: &Reply, email: &str) -> Result<Locked, DatabaseError> {
    let current = attempts::read_email_key(reply.first(2))?;
    if current.is_some_and(|current| current != email) {
        let message = "the email address of the account was changed at the same time";
        return Err(DatabaseError::new(ErrorKind::Conflict, message));
    }
    Ok(Locked { counters: attempts::read_keys(reply.rows(0))?, account: read_account(reply, 1)? })
}

/// Deletes an account and everything stored about its user, and records `event`.
///
/// The events are deleted after the account by a statement of their own: events that were recorded
/// while the account was being locked are visible only to a later statement.
fn delete_account(user: UserId, counters: &[CounterKey], event: &Event) -> Vec<Query> {
    vec![
        attempts::delete(counters.iter()),
        users::delete(user),
        audit::delete_of_user(user),
        audit::insert(event),
    ]
}

fn read_account(reply: &Reply, statement: usize) -> Result<Option<AccountState>, DatabaseError> {
    reply.first(statement).map(users::read_account_state).transpose()
}

fn find_session(
    reply: &Reply,
    statement: usize,
    id: SessionId,
) -> Result<Option<Session>, DatabaseError> {
    let found = sessions::read_all(reply.rows(statement))?;
    Ok(found.into_iter().find(|session| session.id == id))
}

mod attempts;
mod backup;
mod database;
mod error;
mod inspect;
mod open;
mod queries;
mod schema;
mod transactions;

use std::path::Path;

use async_trait::async_trait;
use auth_core::{
    Admission, Client, DeviceKey, EmailKey, FamilyHash, PasswordHash, Session, SessionId,
    SessionPolicy, SigningKey, SigningKeySeed, Timestamp, UserId,
};

use crate::{
    Count, CreateUserError, Credentials, EndSessions, Event, EventId, EventKind, Holdings,
    NewSession, OpenSession, PasswordVersion, Reauthenticated, Reauthentication, Removed,
    RetireSigningKey, RotateRefreshToken, Rotation, SessionRecord, Settlement, StoreError,
    StoredSigningKey, User, UserStore,
};
pub use backup::Backup;
use database::Database;
pub use error::{BackupError, OpenError};
pub use inspect::Inspection;
use queries::{counters, events, keys, sessions, users};
use transactions::{
    count_alive, delete_account, open_session, reauthenticated, retire, rotate, told, while_alive,
};

/// A [`UserStore`] on one SQLite file, with SQLite built in.
///
/// Several servers on one machine may share the file. It is kept in WAL mode with
/// `synchronous=FULL`: a commit is on the disk before it is answered. The file and what
/// SQLite keeps beside it are readable by their owner alone.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    database: Database,
}

impl SqliteStore {
    /// Opens the file at `path`; makes it if it is absent, and brings an older schema up
    /// to date. Blocks while it does.
    ///
    /// # Errors
    ///
    /// [`OpenError`] for a file that is not Latchkey's, is of a newer version or cannot be
    /// used. Such a file is left as it was.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        open::open(path).map(|database| Self { database })
    }

    /// Opens the file at `path` as a server of this version has made it: makes none, and
    /// changes no schema under a server of an older version. Blocks while it does.
    ///
    /// # Errors
    ///
    /// [`OpenError`] also for a file that is absent or of an older version. It is left as it
    /// was.
    pub fn open_existing(path: &Path) -> Result<Self, OpenError> {
        open::open_existing(path).map(|database| Self { database })
    }

    /// Looks at the file at `path`, whether a server has it open or not, and changes nothing.
    /// Blocks while it reads all of it.
    ///
    /// # Errors
    ///
    /// [`OpenError`] as [`open_existing`](Self::open_existing), but for an older schema.
    pub fn inspect(path: &Path) -> Result<Inspection, OpenError> {
        inspect::inspect(path)
    }

    /// The version of SQLite that is built in.
    #[must_use]
    pub fn sqlite_version() -> &'static str {
        rusqlite::version()
    }

    /// Copies the database to `path` as it is at one moment, while it is in use: whoever writes
    /// does not wait. The copy is whole and on the disk before it has this name, and readable
    /// by its owner alone, like the database: all keys and sessions are in it.
    ///
    /// # Errors
    ///
    /// [`BackupError`] says why there is none. A file that was there is left as it was.
    pub async fn backup(&self, path: &Path) -> Result<Backup, BackupError> {
        let path = path.to_owned();
        self.database.run(move |connection| backup::backup(connection, &path)).await
    }
}

#[async_trait]
impl UserStore for SqliteStore {
    async fn create_user(
        &self,
        user: &User,
        password: &PasswordHash,
        event: &Event,
    ) -> Result<(), CreateUserError> {
        let (user, password, event) = (user.clone(), password.clone(), event.clone());
        let created = self
            .database
            .write(move |tx| told(tx, &event, users::insert(tx, &user, &password)?))
            .await?;
        if created { Ok(()) } else { Err(CreateUserError::EmailTaken) }
    }

    async fn credentials(&self, email: &EmailKey) -> Result<Option<Credentials>, StoreError> {
        let email = email.clone();
        self.database.read(move |connection| users::credentials(connection, &email)).await
    }

    async fn open_session(
        &self,
        session: &NewSession,
        verified: PasswordVersion,
        renewed: Option<&PasswordHash>,
    ) -> Result<OpenSession, StoreError> {
        let (new, renewed) = (session.clone(), renewed.cloned());
        self.database.write(move |tx| open_session(tx, &new, verified, renewed.as_ref())).await
    }

    async fn session(
        &self,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<(Session, User)>, StoreError> {
        let found =
            self.database.read(move |connection| sessions::with_user(connection, id)).await?;
        Ok(found.filter(|(session, _)| session.is_alive(now)))
    }

    async fn session_of_family(
        &self,
        family: &FamilyHash,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        let family = *family;
        let found =
            self.database.read(move |connection| sessions::by_family(connection, &family)).await?;
        Ok(found.map(|(session, _)| session).filter(|session| session.is_alive(now)))
    }

    async fn rotate_refresh_token(
        &self,
        rotation: &Rotation,
        policy: &SessionPolicy,
        now: Timestamp,
    ) -> Result<RotateRefreshToken, StoreError> {
        let (rotation, policy) = (rotation.clone(), *policy);
        self.database.write(move |tx| rotate(tx, &rotation, &policy, now)).await
    }

    async fn end_session(
        &self,
        by: &Session,
        id: SessionId,
        client: &Client,
        now: Timestamp,
    ) -> Result<EndSessions, StoreError> {
        let (by, client) = (*by, client.clone());
        let kind = if id == by.id { EventKind::SignedOut } else { EventKind::SessionEnded };
        self.database
            .write(move |tx| {
                let event = Event::by_user(kind, now, client).about(by.user_id).in_session(id);
                while_alive(tx, &by, &event, || sessions::delete(tx, by.user_id, id))
            })
            .await
    }

    async fn end_other_sessions(
        &self,
        by: &Session,
        client: &Client,
        now: Timestamp,
    ) -> Result<EndSessions, StoreError> {
        let (by, client) = (*by, client.clone());
        self.database
            .write(move |tx| {
                let event = Event::by_user(EventKind::OtherSessionsEnded, now, client);
                let event = event.about(by.user_id).in_session(by.id);
                while_alive(tx, &by, &event, || sessions::delete_all(tx, by.user_id, Some(by.id)))
            })
            .await
    }

    async fn end_sessions(&self, user: UserId, now: Timestamp) -> Result<usize, StoreError> {
        self.database
            .write(move |tx| {
                let ended = count_alive(sessions::delete_all(tx, user, None)?, now);
                let event = Event::by_operator(EventKind::AllSessionsEnded, now).about(user);
                told(tx, &event, ended > 0)?;
                Ok(ended)
            })
            .await
    }

    async fn sessions(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let mut found =
            self.database.read(move |connection| sessions::of_user(connection, user)).await?;
        found.retain(|record| record.session.is_alive(now));
        Ok(found)
    }

    async fn remove_ended(&self, now: Timestamp, limit: u32) -> Result<Removed, StoreError> {
        self.database
            .write(move |tx| {
                let sessions = sessions::delete_ended(tx, now, limit)?;
                let counters = counters::delete_ended(tx, now, limit)?;
                let events = events::delete_old(tx, now, limit)?;
                Ok(Removed { sessions, counters, events })
            })
            .await
    }

    async fn begin_attempt(
        &self,
        counts: &[Count],
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        let counts = counts.to_vec();
        self.database.write(move |tx| attempts::begin(tx, &counts, now)).await
    }

    async fn settle_attempt(
        &self,
        counts: &[(Count, Settlement)],
        event: Option<&Event>,
        began: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (counts, event) = (counts.to_vec(), event.cloned());
        self.database
            .write(move |tx| attempts::settle(tx, &counts, event.as_ref(), began, now))
            .await
    }

    async fn activity(&self, user: UserId, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.database.read(move |connection| events::of_user(connection, user, limit)).await
    }

    async fn events(
        &self,
        user: Option<UserId>,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<(EventId, Event)>, StoreError> {
        self.database.read(move |connection| events::page(connection, user, after, limit)).await
    }

    async fn record(&self, event: &Event) -> Result<(), StoreError> {
        let event = event.clone();
        self.database.write(move |tx| events::insert(tx, &event)).await
    }

    async fn change_password(
        &self,
        word: &Reauthentication,
        new: &PasswordHash,
        now: Timestamp,
    ) -> Result<Reauthenticated, StoreError> {
        let (word, new) = (word.clone(), new.clone());
        self.database
            .write(move |tx| {
                reauthenticated(tx, &word, EventKind::PasswordChanged, now, |session| {
                    users::change_password(tx, session.user_id, &new)?;
                    sessions::delete_all(tx, session.user_id, Some(session.id)).map(drop)
                })
            })
            .await
    }

    async fn close_account(
        &self,
        word: &Reauthentication,
        now: Timestamp,
    ) -> Result<Reauthenticated, StoreError> {
        let word = word.clone();
        self.database
            .write(move |tx| {
                reauthenticated(tx, &word, EventKind::AccountDeleted, now, |session| {
                    delete_account(tx, session.user_id).map(drop)
                })
            })
            .await
    }

    async fn holdings(&self, user: UserId) -> Result<Option<Holdings>, StoreError> {
        self.database
            .read(move |connection| {
                // All of it as it was at one moment.
                let tx = connection.unchecked_transaction()?;
                let (Some(account), Some(password_hash)) =
                    (users::by_id(&tx, user)?, users::password_hash(&tx, user)?)
                else {
                    return Ok(None);
                };
                let sessions = sessions::of_user(&tx, user)?;
                let events = events::of_user(&tx, user, u32::MAX)?;
                Ok(Some(Holdings { user: account, password_hash, sessions, events }))
            })
            .await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.database.read(move |connection| users::by_id(connection, id)).await
    }

    async fn user_by_email(&self, email: &EmailKey) -> Result<Option<User>, StoreError> {
        let email = email.clone();
        self.database.read(move |connection| users::by_email(connection, &email)).await
    }

    async fn users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        self.database.read(move |connection| users::page(connection, after, limit)).await
    }

    async fn set_disabled(
        &self,
        user: UserId,
        disabled: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (kind, disabled_at) = match disabled {
            true => (EventKind::AccountDisabled, Some(now)),
            false => (EventKind::AccountEnabled, None),
        };
        self.database
            .write(move |tx| {
                if disabled {
                    sessions::delete_all(tx, user, None)?;
                }
                let found = users::set_disabled(tx, user, disabled_at)?;
                told(tx, &Event::by_operator(kind, now).about(user), found)
            })
            .await
    }

    async fn set_password(
        &self,
        user: UserId,
        new: &PasswordHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let new = new.clone();
        let event = Event::by_operator(EventKind::PasswordChanged, now).about(user);
        self.database
            .write(move |tx| {
                sessions::delete_all(tx, user, None)?;
                told(tx, &event, users::change_password(tx, user, &new)?)
            })
            .await
    }

    async fn delete_user(&self, user: UserId, now: Timestamp) -> Result<bool, StoreError> {
        let event = Event::by_operator(EventKind::AccountDeleted, now).about(user);
        self.database.write(move |tx| told(tx, &event, delete_account(tx, user)?)).await
    }

    async fn signing_keys(&self) -> Result<Vec<StoredSigningKey>, StoreError> {
        self.database.read(keys::all).await
    }

    async fn ensure_signing_key(
        &self,
        candidate: &SigningKeySeed,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // Who starts on a store that has one waits for nobody who writes.
        if self.database.read(keys::signing).await?.is_some() {
            return Ok(());
        }
        let candidate = candidate.clone();
        self.database
            .write(move |tx| match keys::signing(tx)? {
                Some(_) => Ok(()),
                None => keys::insert(tx, &candidate, now),
            })
            .await
    }

    async fn device_key(
        &self,
        candidate: &DeviceKey,
        now: Timestamp,
    ) -> Result<DeviceKey, StoreError> {
        if let Some(found) = self.database.read(counters::device_key).await? {
            return Ok(found);
        }
        let candidate = candidate.clone();
        self.database
            .write(move |tx| {
                if let Some(found) = counters::device_key(tx)? {
                    return Ok(found);
                }
                counters::insert_device_key(tx, &candidate, now)?;
                Ok(candidate)
            })
            .await
    }

    async fn add_signing_key(&self, key: &SigningKey, now: Timestamp) -> Result<(), StoreError> {
        let event = Event::by_operator(EventKind::SigningKeyRotated, now).about_key(key.kid());
        let seed = key.seed().clone();
        self.database
            .write(move |tx| {
                keys::insert(tx, &seed, now)?;
                events::insert(tx, &event)
            })
            .await
    }

    async fn retire_signing_key(
        &self,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<RetireSigningKey, StoreError> {
        let event = Event::by_operator(EventKind::SigningKeyRetired, now).about_key(key.kid());
        let seed = key.seed().clone();
        self.database
            .write(move |tx| {
                let retired = retire(tx, &seed)?;
                told(tx, &event, retired == RetireSigningKey::Retired)?;
                Ok(retired)
            })
            .await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // An empty transaction takes and gives back the lock that every write needs.
        self.database.write(|_| Ok(())).await
    }
}

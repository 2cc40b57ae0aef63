mod attempts;
mod database;
mod error;
mod open;
mod queries;
mod schema;
mod transactions;

use std::path::Path;

use async_trait::async_trait;
use auth_core::{
    Admission, DeviceKey, EmailKey, FamilyHash, PasswordHash, Session, SessionId, SessionPolicy,
    SigningKeySeed, Timestamp, UserId,
};

use crate::{
    Count, CreateUserError, Credentials, EndSessions, Holdings, NewSession, OpenSession,
    PasswordVersion, Reauthenticated, Reauthentication, RetireSigningKey, RotateRefreshToken,
    Rotation, SessionRecord, Settlement, StoreError, StoredSigningKey, User, UserStore,
};
use database::Database;
pub use error::OpenError;
use queries::{counters, keys, sessions, users};
use transactions::{count_alive, open_session, reauthenticated, retire, rotate, while_alive};

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
}

#[async_trait]
impl UserStore for SqliteStore {
    async fn create_user(
        &self,
        user: &User,
        password: &PasswordHash,
    ) -> Result<(), CreateUserError> {
        let (user, password) = (user.clone(), password.clone());
        let created = self.database.write(move |tx| users::insert(tx, &user, &password)).await?;
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
        now: Timestamp,
    ) -> Result<EndSessions, StoreError> {
        let by = *by;
        self.database
            .write(move |tx| while_alive(tx, &by, now, || sessions::delete(tx, by.user_id, id)))
            .await
    }

    async fn end_other_sessions(
        &self,
        by: &Session,
        now: Timestamp,
    ) -> Result<EndSessions, StoreError> {
        let by = *by;
        self.database
            .write(move |tx| {
                while_alive(tx, &by, now, || sessions::delete_all(tx, by.user_id, Some(by.id)))
            })
            .await
    }

    async fn end_sessions(&self, user: UserId, now: Timestamp) -> Result<usize, StoreError> {
        let ended = self.database.write(move |tx| sessions::delete_all(tx, user, None)).await?;
        Ok(count_alive(ended, now))
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

    async fn remove_ended(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        self.database
            .write(move |tx| {
                let sessions = sessions::delete_ended(tx, now, limit)?;
                Ok(sessions.max(counters::delete_ended(tx, now, limit)?))
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
        began: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let counts = counts.to_vec();
        self.database.write(move |tx| attempts::settle(tx, &counts, began, now)).await
    }

    async fn change_password(
        &self,
        word: &Reauthentication,
        new: &PasswordHash,
        now: Timestamp,
    ) -> Result<Reauthenticated, StoreError> {
        let (word, new) = (*word, new.clone());
        self.database
            .write(move |tx| {
                reauthenticated(tx, &word, now, |session| {
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
        let word = *word;
        self.database
            .write(move |tx| {
                reauthenticated(tx, &word, now, |session| {
                    users::delete(tx, session.user_id).map(drop)
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
                Ok(Some(Holdings { user: account, password_hash, sessions }))
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
        disabled_at: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        self.database
            .write(move |tx| {
                let found = users::set_disabled(tx, user, disabled_at)?;
                if disabled_at.is_some() {
                    sessions::delete_all(tx, user, None)?;
                }
                Ok(found)
            })
            .await
    }

    async fn set_password(&self, user: UserId, new: &PasswordHash) -> Result<bool, StoreError> {
        let new = new.clone();
        self.database
            .write(move |tx| {
                sessions::delete_all(tx, user, None)?;
                users::change_password(tx, user, &new)
            })
            .await
    }

    async fn delete_user(&self, user: UserId) -> Result<bool, StoreError> {
        self.database.write(move |tx| users::delete(tx, user)).await
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

    async fn add_signing_key(
        &self,
        key: &SigningKeySeed,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = key.clone();
        self.database.write(move |tx| keys::insert(tx, &key, now)).await
    }

    async fn retire_signing_key(
        &self,
        key: &SigningKeySeed,
    ) -> Result<RetireSigningKey, StoreError> {
        let key = key.clone();
        self.database.write(move |tx| retire(tx, &key)).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // An empty transaction takes and gives back the lock that every write needs.
        self.database.write(|_| Ok(())).await
    }
}

mod database;
mod error;
mod open;
mod queries;
mod schema;

use std::path::Path;

use async_trait::async_trait;
use auth_core::{EmailKey, PasswordHash, Session, SessionId, SigningKeySeed, Timestamp};

use crate::{CreateUserError, Credentials, OpenSession, StoreError, User, UserStore};
use database::Database;
pub use open::OpenError;

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
}

#[async_trait]
impl UserStore for SqliteStore {
    async fn create_user(
        &self,
        user: &User,
        password: &PasswordHash,
    ) -> Result<(), CreateUserError> {
        let (user, password) = (user.clone(), password.clone());
        let created =
            self.database.write(move |tx| queries::insert_user(tx, &user, &password)).await?;
        if created { Ok(()) } else { Err(CreateUserError::EmailTaken) }
    }

    async fn credentials(&self, email: &EmailKey) -> Result<Option<Credentials>, StoreError> {
        let email = email.clone();
        self.database.read(move |connection| queries::credentials(connection, &email)).await
    }

    async fn open_session(
        &self,
        session: &Session,
        verified: &PasswordHash,
        renewed: Option<&PasswordHash>,
    ) -> Result<OpenSession, StoreError> {
        let (session, verified, renewed) = (*session, verified.clone(), renewed.cloned());
        self.database
            .write(move |tx| {
                let in_force = renewed.as_ref().unwrap_or(&verified);
                if !queries::replace_password(tx, session.user_id, &verified, in_force)? {
                    return Ok(OpenSession::CredentialsChanged);
                }
                queries::insert_session(tx, &session)?;
                Ok(OpenSession::Opened)
            })
            .await
    }

    async fn session(
        &self,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<(Session, User)>, StoreError> {
        let found = self.database.read(move |connection| queries::session(connection, id)).await?;
        Ok(found.filter(|(session, _)| session.is_alive(now)))
    }

    async fn end_session(&self, id: SessionId) -> Result<bool, StoreError> {
        self.database.write(move |tx| queries::delete_session(tx, id)).await
    }

    async fn signing_keys(
        &self,
        candidate: &SigningKeySeed,
        now: Timestamp,
    ) -> Result<Vec<SigningKeySeed>, StoreError> {
        let candidate = candidate.clone();
        self.database
            .write(move |tx| {
                let keys = queries::signing_keys(tx)?;
                if !keys.is_empty() {
                    return Ok(keys);
                }
                queries::insert_signing_key(tx, &candidate, now)?;
                Ok(vec![candidate])
            })
            .await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // An empty transaction takes and gives back the lock that every write needs.
        self.database.write(|_| Ok(())).await
    }
}

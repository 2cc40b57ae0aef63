mod postgres;
mod sqlite;

use auth_core::{
    Amr, ClientInfo, Clock as _, Email, NewPassword, OpenSession, PasswordHash, PasswordHasher,
    PasswordPolicy, RefreshToken, Session, SessionPolicy, SystemClock, SystemRandom, Timestamp,
    UserId,
};
use serde_json::json;
use tokio::runtime::Runtime;
use user_store::NewSession;

use crate::command::{CommandResult, print_line};
use crate::database::Database;

pub(crate) const PASSWORD: &str = "a long walk along the sea";

/// Returns the email address of the `n`th user.
pub(crate) fn email(n: u32) -> CommandResult<Email> {
    Ok(Email::parse(&format!("user{n}@example.com"))?)
}

/// A user with a session.
struct FilledUser {
    id: UserId,
    email: Email,
    created_at: Timestamp,
    session: NewSession,
}

/// Fills a database. Writes to the tables directly, because the store would commit once per user.
/// All users have the same password hash.
pub(crate) fn fill(database: &Database, users: u32, iterations: u32) -> CommandResult<()> {
    let hash = password_hash(iterations)?.to_text();
    Runtime::new()?.block_on(async {
        drop(database.open().await?);
        match database {
            Database::Sqlite(path) => sqlite::fill(path, users, &hash),
            Database::Postgres(url) => postgres::fill(url, users, &hash).await,
        }
    })?;
    print_line(&json!({ "users": users }))
}

/// Returns a hash of [`PASSWORD`].
pub(crate) fn password_hash(iterations: u32) -> CommandResult<PasswordHash> {
    let password = NewPassword::parse(PASSWORD, &PasswordPolicy::default(), &[])?;
    Ok(PasswordHasher::new(iterations)?.hash(&password, &SystemRandom))
}

impl FilledUser {
    fn new(n: u32) -> CommandResult<Self> {
        let created_at = SystemClock.now();
        let id = UserId::generate(created_at, &SystemRandom);
        let open = OpenSession {
            user_id: id,
            remember: true,
            amr: Amr::PASSWORD,
            policy: &SessionPolicy::default(),
        };
        let session = Session::open(open, created_at, &SystemRandom);
        let token = RefreshToken::generate(&SystemRandom);
        let session = NewSession::new(session, ClientInfo::default(), &token);
        Ok(Self { id, email: email(n)?, created_at, session })
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{DecoyPosition, Password, Verification};
    use test_postgres::shared;
    use user_store::Store;

    use super::*;

    #[test]
    fn a_user_in_a_filled_sqlite_database_can_sign_in_and_has_a_session() {
        let folder = tempfile::tempdir().unwrap();
        check_filled(&Database::Sqlite(folder.path().join("latchkey.db")));
    }

    #[test]
    fn a_user_in_a_filled_postgresql_database_can_sign_in_and_has_a_session() {
        let database = shared().create_database(None);
        check_filled(&Database::Postgres(database.url()));
    }

    fn check_filled(database: &Database) {
        fill(database, 3, 1_000).unwrap();
        Runtime::new().unwrap().block_on(async {
            check_user(&*database.open().await.unwrap()).await;
        });
    }

    async fn check_user(store: &dyn Store) {
        let position = DecoyPosition::default();
        let found = store.credentials(email(2).unwrap().key(), &position).await.unwrap();
        let found = found.account().unwrap();
        let hasher = PasswordHasher::new(1_000).unwrap();
        let verification = hasher.verify(&Password::new(PASSWORD), Some(&found.password_hash));
        assert_eq!(verification, Verification::Match);
        let sessions = store.sessions(found.user_id, SystemClock.now()).await.unwrap();
        assert_eq!(sessions.len(), 1);
        let unknown = store.credentials(email(3).unwrap().key(), &position).await.unwrap();
        assert!(unknown.account().is_none());
    }
}

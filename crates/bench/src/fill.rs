use std::fs::File;
use std::path::Path;

use auth_core::{
    ClientInfo, Clock as _, Email, NewPassword, OpenSession, PasswordHasher, PasswordPolicy,
    RefreshToken, Session, SessionPolicy, SystemClock, SystemRandom, Timestamp, UserId,
};
use rusqlite::{Connection, Transaction, params};
use serde_json::json;
use user_store::{NewSession, SqliteStore};

use crate::command::{CommandResult, print_line};

pub(crate) const PASSWORD: &str = "a long walk along the sea";

/// Returns the email address of the `n`th user.
pub(crate) fn email(n: u32) -> CommandResult<Email> {
    Ok(Email::parse(&format!("user{n}@example.com"))?)
}

/// Fills a database in one transaction. Writes to the tables directly, because the store would
/// commit once per user. All users have the same password hash.
pub(crate) fn fill(database: &Path, users: u32, iterations: u32) -> CommandResult<()> {
    drop(SqliteStore::open(database)?);
    let password = NewPassword::parse(PASSWORD, &PasswordPolicy::default(), &[])?;
    let hash = PasswordHasher::new(iterations)?.hash(&password, &SystemRandom).to_text();
    let mut connection = Connection::open(database)?;
    // Each insert changes a random page of the sessions' index, so a large cache speeds up inserts.
    connection.pragma_update(None, "cache_size", -500_000)?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    let tx = connection.transaction()?;
    for n in 0..users {
        insert_user(&tx, n, &hash)?;
    }
    tx.commit()?;
    connection.pragma_update(None, "wal_checkpoint", "TRUNCATE")?;
    drop(connection);
    // Otherwise the first commit of the measurement would wait until the whole file is on disk.
    File::open(database)?.sync_all()?;
    print_line(&json!({ "users": users }))
}

fn insert_user(tx: &Transaction<'_>, n: u32, hash: &str) -> CommandResult<()> {
    let now = SystemClock.now();
    let (user, email) = (UserId::generate(now, &SystemRandom), email(n)?);
    tx.prepare_cached(
        "INSERT INTO users (id, email, email_key, password_hash, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        user.as_uuid().as_bytes(),
        email.as_str(),
        email.key().as_str(),
        hash,
        now.as_millisecond(),
    ])?;
    insert_session(tx, user, now)
}

fn insert_session(tx: &Transaction<'_>, user: UserId, now: Timestamp) -> CommandResult<()> {
    let open = OpenSession { user_id: user, remember: true, policy: &SessionPolicy::default() };
    let session = Session::open(open, now, &SystemRandom);
    let token = RefreshToken::generate(&SystemRandom);
    let NewSession { session, family, refresh_token, .. } =
        NewSession::new(session, ClientInfo::default(), &token);
    tx.prepare_cached(
        "INSERT INTO sessions (id, user_number, created_at, last_used_at, idle_expires_at,
                               expires_at, remember, refresh_family, refresh_token)
         VALUES (?1, (SELECT number FROM users WHERE id = ?2), ?3, ?3, ?4, ?5, 1, ?6, ?7)",
    )?
    .execute(params![
        session.id.as_uuid().as_bytes(),
        user.as_uuid().as_bytes(),
        now.as_millisecond(),
        session.idle_expires_at.as_millisecond(),
        session.expires_at.as_millisecond(),
        family.as_bytes(),
        refresh_token.as_bytes(),
    ])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use auth_core::{Password, Verification};
    use user_store::{SessionStore as _, UserStore as _};

    use super::*;

    #[tokio::test]
    async fn a_filled_user_can_sign_in_and_has_a_session() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("latchkey.db");
        fill(&path, 3, 1_000).unwrap();
        let store = SqliteStore::open(&path).unwrap();
        let found = store
            .credentials(email(2).unwrap().key(), &auth_core::DecoyPosition::default())
            .await
            .unwrap()
            .account()
            .unwrap();
        let hasher = PasswordHasher::new(1_000).unwrap();
        let verification = hasher.verify(&Password::new(PASSWORD), Some(&found.password_hash));
        assert_eq!(verification, Verification::Match);
        let sessions = store.sessions(found.user_id, SystemClock.now()).await.unwrap();
        assert_eq!(sessions.len(), 1);
        assert!(
            store
                .credentials(email(3).unwrap().key(), &auth_core::DecoyPosition::default())
                .await
                .unwrap()
                .account()
                .is_none()
        );
    }
}

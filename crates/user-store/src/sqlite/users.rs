use std::collections::HashSet;

use async_trait::async_trait;
use auth_core::{DecoyPosition, EmailKey, MailId, PasswordHash, Timestamp, UserId};
use rusqlite::Connection;

use crate::audit::Event;
use crate::codes::NewCode;
use crate::error::StoreError;
use crate::rules::{self, Decision};
use crate::sqlite::statements::{attempts, audit, decoys, sessions, users};
use crate::sqlite::store::SqliteStore;
use crate::users::{
    Challenge, CreateUserError, ImportUsersOutcome, KnownBrowsers, ReauthenticatedChangeOutcome,
    Reauthentication, SetPassword, StoredUser, UpdateUserOutcome, User, UserStore,
};

#[async_trait]
impl UserStore for SqliteStore {
    async fn create_user(
        &self,
        user: &User,
        password: &PasswordHash,
        event: &Event,
        verification: Option<&NewCode>,
    ) -> Result<(), CreateUserError> {
        let (user, password, event) = (user.clone(), password.clone(), event.clone());
        let outcome = self.database.write(move |tx| {
            let outcome = users::insert(tx, &user, &password)?;
            if let users::InsertOutcome::Inserted = outcome {
                audit::insert(tx, &event)?;
            }
            Ok(outcome)
        });
        match outcome.await? {
            users::InsertOutcome::Inserted => Ok(()),
            users::InsertOutcome::EmailTaken => Err(CreateUserError::EmailTaken),
        }
    }

    async fn credentials(
        &self,
        email: &EmailKey,
        decoy_position: &DecoyPosition,
    ) -> Result<Challenge, StoreError> {
        let (email, position) = (email.clone(), *decoy_position);
        self.database.read(move |connection| users::credentials(connection, &email, position)).await
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

    async fn change_password(
        &self,
        reauthentication: &Reauthentication,
        new: &PasswordHash,
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<ReauthenticatedChangeOutcome, StoreError> {
        let (proof, new) = (reauthentication.clone(), new.clone());
        self.database
            .write(move |tx| {
                let user = proof.session.user_id;
                let session = sessions::by_id(tx, proof.session.id)?;
                let account = users::account_state(tx, user)?;
                let decision =
                    rules::users::change_password(&proof, session.as_ref(), account.as_ref(), now);
                let event = match decision {
                    Decision::Write(event) => event,
                    Decision::Return(outcome) => return Ok(outcome),
                };
                users::set_password(tx, user, &new, KnownBrowsers::Forget)?;
                sessions::delete_others(tx, user, proof.session.id)?;
                audit::insert(tx, &event)?;
                Ok(ReauthenticatedChangeOutcome::Done)
            })
            .await
    }

    async fn delete_own_account(
        &self,
        reauthentication: &Reauthentication,
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<ReauthenticatedChangeOutcome, StoreError> {
        let proof = reauthentication.clone();
        self.database
            .write(move |tx| {
                let user = proof.session.user_id;
                let session = sessions::by_id(tx, proof.session.id)?;
                let account = users::account_state(tx, user)?;
                let decision = rules::users::delete_own_account(
                    &proof,
                    session.as_ref(),
                    account.as_ref(),
                    now,
                );
                let event = match decision {
                    Decision::Write(event) => event,
                    Decision::Return(outcome) => return Ok(outcome),
                };
                delete_account(tx, user, &event)?;
                Ok(ReauthenticatedChangeOutcome::Done)
            })
            .await
    }

    async fn set_password(
        &self,
        new: &SetPassword,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError> {
        let SetPassword { user, password, browsers, notice } = new.clone();
        let _ = notice;
        self.database
            .write(move |tx| {
                let account = users::account_state(tx, user)?;
                let event = match rules::users::set_password(account.as_ref(), now) {
                    Decision::Write(event) => event,
                    Decision::Return(outcome) => return Ok(outcome),
                };
                users::set_password(tx, user, &password, browsers)?;
                sessions::delete_all(tx, user)?;
                delete_counters(tx, user)?;
                audit::insert(tx, &event)?;
                Ok(UpdateUserOutcome::Updated)
            })
            .await
    }

    async fn disable_user(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError> {
        self.database
            .write(move |tx| {
                let account = users::account_state(tx, user)?;
                sessions::delete_all(tx, user)?;
                let event = match rules::users::disable_user(account.as_ref(), now) {
                    Decision::Write(event) => event,
                    Decision::Return(outcome) => return Ok(outcome),
                };
                users::set_disabled_at(tx, user, Some(now))?;
                audit::insert(tx, &event)?;
                Ok(UpdateUserOutcome::Updated)
            })
            .await
    }

    async fn enable_user(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError> {
        self.database
            .write(move |tx| {
                let account = users::account_state(tx, user)?;
                let event = match rules::users::enable_user(account.as_ref(), now) {
                    Decision::Write(event) => event,
                    Decision::Return(outcome) => return Ok(outcome),
                };
                users::set_disabled_at(tx, user, None)?;
                audit::insert(tx, &event)?;
                Ok(UpdateUserOutcome::Updated)
            })
            .await
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
        self.database
            .write(move |tx| {
                let account = users::account_state(tx, user)?;
                let event = match rules::users::delete_user(account.as_ref(), now) {
                    Decision::Write(event) => event,
                    Decision::Return(outcome) => return Ok(outcome),
                };
                delete_account(tx, user, &event)?;
                Ok(UpdateUserOutcome::Updated)
            })
            .await
    }

    async fn import_users(
        &self,
        users: &[StoredUser],
        now: Timestamp,
    ) -> Result<ImportUsersOutcome, StoreError> {
        let users = users.to_vec();
        self.database
            .write(move |tx| {
                let outcome = check_import(tx, &users)?;
                if outcome != ImportUsersOutcome::Imported {
                    return Ok(outcome);
                }
                for StoredUser { user, password_hash } in &users {
                    // This transaction holds the write lock, so no email address has been taken
                    // since the check. If the insertion still fails, nothing is imported.
                    if let users::InsertOutcome::EmailTaken =
                        users::insert(tx, user, password_hash)?
                    {
                        return Err(rusqlite::Error::StatementChangedRows(0));
                    }
                    audit::insert(tx, &rules::users::account_imported(user.id, now))?;
                }
                adapt_decoys(tx, &users)?;
                Ok(outcome)
            })
            .await
    }

    async fn check_import(&self, users: &[StoredUser]) -> Result<ImportUsersOutcome, StoreError> {
        let users = users.to_vec();
        self.database.read(move |connection| check_import(connection, &users)).await
    }

    async fn export_users(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<StoredUser>, StoreError> {
        self.database
            .read(move |connection| users::page_with_hashes(connection, after, limit))
            .await
    }
}

/// Deletes an account and everything stored about its user, and records `event`.
fn delete_account(tx: &Connection, user: UserId, event: &Event) -> rusqlite::Result<()> {
    delete_counters(tx, user)?;
    users::delete(tx, user)?;
    audit::delete_of_user(tx, user)?;
    audit::insert(tx, event)
}

/// Adapts the decoys to an import.
fn adapt_decoys(tx: &Connection, imported: &[StoredUser]) -> rusqlite::Result<()> {
    let hashes = imported.iter().map(|user| &user.password_hash);
    let imported = rules::decoys::count_by_template(hashes);
    if imported.is_empty() {
        return Ok(());
    }
    let mut after = decoys::all(tx)?;
    after.import(&imported, decoys::total(tx)?);
    decoys::replace(tx, &after)
}

/// Deletes the counters of failed sign-ins to an account.
fn delete_counters(tx: &Connection, user: UserId) -> rusqlite::Result<()> {
    match users::email_key(tx, user)? {
        Some(email) => attempts::delete_of_account(tx, &email),
        None => Ok(()),
    }
}

fn check_import(
    connection: &Connection,
    users: &[StoredUser],
) -> rusqlite::Result<ImportUsersOutcome> {
    let mut existing = HashSet::new();
    for (index, StoredUser { user, .. }) in users.iter().enumerate() {
        if users::exists_like(connection, user)? {
            existing.insert(index);
        }
    }
    Ok(rules::users::check_import(users, &existing))
}

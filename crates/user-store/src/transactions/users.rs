use std::collections::HashSet;

use async_trait::async_trait;
use auth_core::{
    ClientInfo, DecoyPosition, EmailHash, EmailKey, InvitationTokenHash, MailId, PasswordHash,
    Role, Timestamp, UserId,
};

use super::attempts::delete_counters;
use super::codes::{add, delete_codes, delete_invitation, save};
use super::statements::{audit, codes, decoys, factors, mails, metadata, sessions, users};
use super::{BackendStore, Result, Tx, taken_since_the_check};
use crate::audit::Event;
use crate::error::StoreError;
use crate::mails::NewCode;
use crate::mails::NoticeKind;
use crate::rules::codes::CodePurpose;
use crate::rules::mails::MailRow;
use crate::rules::{self, Decision};
use crate::users::{
    Challenge, CreateUserError, GrantRoleOutcome, ImportUsersOutcome, KnownBrowsers,
    PasswordVersion, ReauthenticatedChangeOutcome, Reauthentication, RevokeRoleOutcome,
    SetPassword, StoredUser, UpdateUserOutcome, User, UserStore,
};

#[async_trait]
impl UserStore for BackendStore {
    async fn create_user(
        &self,
        user: &User,
        password: &PasswordHash,
        event: &Event,
        verification: Option<&NewCode>,
    ) -> Result<(), CreateUserError> {
        self.create(user, password, event, verification, None).await
    }

    async fn create_invited_user(
        &self,
        user: &User,
        password: &PasswordHash,
        event: &Event,
        verification: Option<&NewCode>,
        invitation: &InvitationTokenHash,
    ) -> Result<(), CreateUserError> {
        self.create(user, password, event, verification, Some(*invitation)).await
    }

    async fn credentials(
        &self,
        email: &EmailKey,
        decoy_position: &DecoyPosition,
    ) -> Result<Challenge, StoreError> {
        let (email, position) = (email.clone(), *decoy_position);
        self.database.read(move |tx| users::credentials(tx, &email, position)).await
    }

    async fn rehash_password(
        &self,
        user: UserId,
        verified: PasswordVersion,
        rehashed: &PasswordHash,
    ) -> Result<(), StoreError> {
        let rehashed = rehashed.clone();
        self.database
            .write(move |tx| {
                let account = users::account_state(tx, user)?;
                match account {
                    Some(account) if account.accepts(verified) => {
                        users::rehash(tx, user, &rehashed)
                    }
                    _ => Ok(()),
                }
            })
            .await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.database.read(move |tx| users::by_id(tx, id)).await
    }

    async fn user_by_email(&self, email: &EmailKey) -> Result<Option<User>, StoreError> {
        let email = email.clone();
        self.database.read(move |tx| users::by_email(tx, &email)).await
    }

    async fn users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        self.database.read(move |tx| users::page(tx, after, limit)).await
    }

    async fn change_password(
        &self,
        reauthentication: &Reauthentication,
        new: &PasswordHash,
        notice_id: Option<MailId>,
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
                let kind = NoticeKind::PasswordChanged;
                let client = Some(&proof.client);
                let mail = notice(tx, user, NewNotice { id: notice_id, kind, client }, now)?;
                users::set_password(tx, user, &new, KnownBrowsers::Forget)?;
                sessions::delete_others(tx, user, proof.session.id)?;
                delete_codes(tx, user)?;
                add(tx, mail.as_ref())?;
                audit::insert(tx, &event)?;
                Ok(ReauthenticatedChangeOutcome::Done)
            })
            .await
    }

    async fn delete_own_account(
        &self,
        reauthentication: &Reauthentication,
        notice_id: Option<MailId>,
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
                let kind = NoticeKind::AccountDeleted;
                let client = Some(&proof.client);
                let mail = notice(tx, user, NewNotice { id: notice_id, kind, client }, now)?;
                delete_account(tx, user, &event, mail.as_ref())?;
                Ok(ReauthenticatedChangeOutcome::Done)
            })
            .await
    }

    async fn set_password(
        &self,
        new: &SetPassword,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError> {
        let SetPassword { user, password, browsers, notice: notice_id } = new.clone();
        self.database
            .write(move |tx| {
                let account = users::account_state(tx, user)?;
                let event = match rules::users::set_password(account.as_ref(), now) {
                    Decision::Write(event) => event,
                    Decision::Return(outcome) => return Ok(outcome),
                };
                let kind = NoticeKind::PasswordChanged;
                let new = NewNotice { id: notice_id, kind, client: None };
                let mail = notice(tx, user, new, now)?;
                users::set_password(tx, user, &password, browsers)?;
                sessions::delete_all(tx, user)?;
                delete_counters(tx, user)?;
                delete_codes(tx, user)?;
                add(tx, mail.as_ref())?;
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
                delete_codes(tx, user)?;
                factors::delete_pending_totp(tx, user)?;
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
        self.database
            .write(move |tx| {
                let account = users::by_id(tx, user)?;
                let event =
                    match rules::email_verification::mark_email_verified(account.as_ref(), now) {
                        Decision::Write(event) => event,
                        Decision::Return(outcome) => return Ok(outcome),
                    };
                if let Some(account) = account {
                    let email = EmailHash::of(account.email.key());
                    codes::delete_of_email(tx, CodePurpose::VerifyEmail, &email)?;
                    mails::delete_unsent(tx, CodePurpose::VerifyEmail, &email)?;
                }
                users::set_verified_at(tx, user, now)?;
                audit::insert(tx, &event)?;
                Ok(UpdateUserOutcome::Updated)
            })
            .await
    }

    async fn grant_role(
        &self,
        user: UserId,
        role: &Role,
        now: Timestamp,
    ) -> Result<GrantRoleOutcome, StoreError> {
        let role = role.clone();
        self.database
            .write(move |tx| {
                let account = users::by_id(tx, user)?;
                let write = match rules::roles::grant_role(account.as_ref(), &role, now) {
                    Decision::Write(write) => write,
                    Decision::Return(outcome) => return Ok(outcome),
                };
                users::set_roles(tx, user, &write.roles)?;
                audit::insert(tx, &write.event)?;
                Ok(GrantRoleOutcome::Granted)
            })
            .await
    }

    async fn revoke_role(
        &self,
        user: UserId,
        role: &Role,
        now: Timestamp,
    ) -> Result<RevokeRoleOutcome, StoreError> {
        let role = role.clone();
        self.database
            .write(move |tx| {
                let account = users::by_id(tx, user)?;
                let write = match rules::roles::revoke_role(account.as_ref(), &role, now) {
                    Decision::Write(write) => write,
                    Decision::Return(outcome) => return Ok(outcome),
                };
                users::set_roles(tx, user, &write.roles)?;
                audit::insert(tx, &write.event)?;
                Ok(RevokeRoleOutcome::Revoked)
            })
            .await
    }

    async fn delete_user(
        &self,
        user: UserId,
        notice_id: Option<MailId>,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError> {
        self.database
            .write(move |tx| {
                let account = users::account_state(tx, user)?;
                let event = match rules::users::delete_user(account.as_ref(), now) {
                    Decision::Write(event) => event,
                    Decision::Return(outcome) => return Ok(outcome),
                };
                let new =
                    NewNotice { id: notice_id, kind: NoticeKind::AccountDeleted, client: None };
                let mail = notice(tx, user, new, now)?;
                delete_account(tx, user, &event, mail.as_ref())?;
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
                for imported in &users {
                    let StoredUser { user, password_hash, metadata } = imported;
                    // This transaction holds the write lock, so no email address has been taken
                    // since the check. If the insertion still fails, nothing is imported.
                    if let users::InsertOutcome::EmailTaken =
                        users::insert(tx, user, password_hash)?
                    {
                        return Err(taken_since_the_check());
                    }
                    metadata::set(tx, user.id, metadata)?;
                    for event in rules::users::account_imported(imported, now) {
                        audit::insert(tx, &event)?;
                    }
                }
                adapt_decoys(tx, &users)?;
                Ok(outcome)
            })
            .await
    }

    async fn check_import(&self, users: &[StoredUser]) -> Result<ImportUsersOutcome, StoreError> {
        let users = users.to_vec();
        self.database.read(move |tx| check_import(tx, &users)).await
    }

    async fn export_users(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<StoredUser>, StoreError> {
        self.database.read(move |tx| users::stored_page(tx, after, limit)).await
    }
}

impl BackendStore {
    async fn create(
        &self,
        user: &User,
        password: &PasswordHash,
        event: &Event,
        verification: Option<&NewCode>,
        invitation: Option<InvitationTokenHash>,
    ) -> Result<(), CreateUserError> {
        let (user, password, event) = (user.clone(), password.clone(), event.clone());
        let verification = verification.cloned();
        let outcome = self.database.write(move |tx| {
            let (email, now) = (user.email.key(), user.created_at);
            let email_hash = EmailHash::of(email);
            if let Some(presented) = &invitation {
                let stored = codes::of_email(tx, CodePurpose::Invitation, &email_hash)?;
                if !rules::invitations::is_valid(stored.as_ref(), email, presented, now) {
                    return Ok(Creation::InvitationInvalid);
                }
            }
            let request = match &verification {
                Some(code) => {
                    let unsent = mails::count_unsent(tx, &code.mail.network)?;
                    if unsent.is_full() {
                        return Ok(Creation::OutboxFull);
                    }
                    Some(rules::email_verification::verification(&user, code, now))
                }
                None => None,
            };
            match users::insert(tx, &user, &password)? {
                users::InsertOutcome::Inserted => {}
                users::InsertOutcome::EmailTaken => return Ok(Creation::EmailTaken),
            }
            delete_invitation(tx, &user)?;
            if let Some(request) = &request {
                save(tx, request)?;
            }
            audit::insert(tx, &event)?;
            Ok(Creation::Created)
        });
        match outcome.await? {
            Creation::Created => Ok(()),
            Creation::EmailTaken => Err(CreateUserError::EmailTaken),
            Creation::InvitationInvalid => Err(CreateUserError::InvitationInvalid),
            Creation::OutboxFull => Err(CreateUserError::OutboxFull),
        }
    }
}

/// The outcome of the transaction that creates an account.
enum Creation {
    Created,
    EmailTaken,
    InvitationInvalid,
    OutboxFull,
}

/// Deletes an account and everything stored about its user, records `event`, and adds the notice.
fn delete_account(tx: Tx<'_>, user: UserId, event: &Event, notice: Option<&MailRow>) -> Result<()> {
    delete_counters(tx, user)?;
    if let Some(account) = users::by_id(tx, user)? {
        delete_invitation(tx, &account)?;
    }
    codes::delete_of_user(tx, user)?;
    mails::delete_of_user(tx, user)?;
    users::delete(tx, user)?;
    audit::delete_of_user(tx, user)?;
    add(tx, notice)?;
    audit::insert(tx, event)
}

/// Builds the notice of a change, if mail is on and the user's email address is verified. `client`
/// is `None` if an operator makes the change.
fn notice(
    tx: Tx<'_>,
    user: UserId,
    notice: NewNotice<'_>,
    now: Timestamp,
) -> Result<Option<MailRow>> {
    let NewNotice { id, kind, client } = notice;
    let account = users::by_id(tx, user)?;
    Ok(account.and_then(|account| rules::mails::notice(id, kind, &account, client, now)))
}

/// The arguments of [`notice`].
#[derive(Clone, Copy)]
struct NewNotice<'a> {
    id: Option<MailId>,
    kind: NoticeKind,
    client: Option<&'a ClientInfo>,
}

/// Adapts the decoys to an import.
fn adapt_decoys(tx: Tx<'_>, imported: &[StoredUser]) -> Result<()> {
    let hashes = imported.iter().map(|user| &user.password_hash);
    let imported = rules::decoys::count_by_template(hashes);
    if imported.is_empty() {
        return Ok(());
    }
    let mut after = decoys::all(tx)?;
    after.import(&imported, decoys::total(tx)?);
    decoys::replace(tx, &after)
}

fn check_import(tx: Tx<'_>, users: &[StoredUser]) -> Result<ImportUsersOutcome> {
    let mut existing = HashSet::new();
    for (index, StoredUser { user, .. }) in users.iter().enumerate() {
        if users::exists_like(tx, user)? {
            existing.insert(index);
        }
    }
    Ok(rules::users::check_import(users, &existing))
}

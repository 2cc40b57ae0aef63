use async_trait::async_trait;
use auth_core::{
    ClientInfo, CounterKey, DecoyPosition, EmailHash, EmailKey, InvitationTokenHash, MailId,
    PasswordHash, Role, Session, Timestamp, UserId,
};

use crate::audit::Event;
use crate::error::StoreError;
use crate::mails::NewCode;
use crate::mails::NoticeKind;
use crate::postgres::attempts::change_with_counters;
use crate::postgres::codes::{delete_codes, delete_invitation, read_user, save};
use crate::postgres::database::{Plan, WriteError};
use crate::postgres::database_error::DatabaseError;
use crate::postgres::locked::{SESSIONS, USER, find_session, lock_all, read_account, read_locked};
use crate::postgres::query::{Query, Reply};
use crate::postgres::statements::{attempts, audit, codes, factors, mails, sessions, users};
use crate::postgres::store::PostgresStore;
use crate::rules::codes::CodePurpose;
use crate::rules::{self, Decision};
use crate::users::{
    Challenge, CreateUserError, GrantRoleOutcome, ImportUsersOutcome, KnownBrowsers,
    PasswordVersion, ReauthenticatedChangeOutcome, Reauthentication, RevokeRoleOutcome,
    SetPassword, StoredUser, UpdateUserOutcome, User, UserStore,
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
        let row = self.database.look_up(users::credentials(email, *decoy_position)).await?;
        Ok(users::read_challenge(&row)?)
    }

    async fn rehash_password(
        &self,
        user: UserId,
        verified: PasswordVersion,
        rehashed: &PasswordHash,
    ) -> Result<(), StoreError> {
        let rehashed = rehashed.clone();
        let decide = move |reply: &Reply| {
            let account = reply.first(0).map(users::read_account_state).transpose()?;
            let writes = match account {
                Some(account) if account.accepts(verified) => vec![users::rehash(user, &rehashed)],
                _ => Vec::new(),
            };
            Ok(Plan { writes, outcome: () })
        };
        Ok(self.database.write(vec![users::lock(user)], decide).await?)
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
        let reads = vec![users::lock(user), sessions::lock_of_user(user), users::by_id(user)];
        let decide = move |reply: &Reply| {
            let account = read_account(reply, 0)?;
            let session = find_session(reply, 1, id)?;
            let decision =
                rules::users::change_password(&proof, session.as_ref(), account.as_ref(), now);
            let event = match decision {
                Decision::Write(event) => event,
                Decision::Return(outcome) => return Ok(Plan::unchanged(outcome)),
            };
            let kind = NoticeKind::PasswordChanged;
            let new_notice = NewNotice { id: notice, kind, client: Some(&proof.client) };
            let mut writes = vec![
                users::set_password(user, &new, KnownBrowsers::Forget),
                sessions::delete_others(user, id),
            ];
            writes.extend(delete_codes(user));
            writes.extend(insert_notice(reply, 2, new_notice, now)?);
            writes.push(audit::insert(&event));
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
        let change = |email: String| {
            let proof = proof.clone();
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
                let event = match decision {
                    Decision::Write(event) => event,
                    Decision::Return(outcome) => return Ok(Plan::unchanged(outcome)),
                };
                let kind = NoticeKind::AccountDeleted;
                let new_notice = NewNotice { id: notice, kind, client: Some(&proof.client) };
                let account = read_user(reply, USER)?;
                let mut writes = delete_account(user, account.as_ref(), &locked.counters, &event);
                writes.extend(insert_notice(reply, USER, new_notice, now)?);
                Ok(Plan { writes, outcome: ReauthenticatedChangeOutcome::Done })
            };
            database.write(reads, decide)
        };
        change_with_counters(&database, user, ReauthenticatedChangeOutcome::SessionEnded, change)
            .await
    }

    async fn set_password(
        &self,
        new: &SetPassword,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError> {
        let SetPassword { user, password, browsers, notice } = new.clone();
        let database = self.database.one_call();
        let change = |email: String| {
            let password = password.clone();
            let reads = lock_all(user, &email, users::lock(user));
            let decide = move |reply: &Reply| {
                let locked = read_locked(reply, &email)?;
                let event = match rules::users::set_password(locked.account.as_ref(), now) {
                    Decision::Write(event) => event,
                    Decision::Return(outcome) => return Ok(Plan::unchanged(outcome)),
                };
                let kind = NoticeKind::PasswordChanged;
                let new_notice = NewNotice { id: notice, kind, client: None };
                let mut writes = vec![
                    users::set_password(user, &password, browsers),
                    sessions::delete_all(user),
                    attempts::delete(locked.counters.iter()),
                ];
                writes.extend(delete_codes(user));
                writes.extend(insert_notice(reply, USER, new_notice, now)?);
                writes.push(audit::insert(&event));
                Ok(Plan { writes, outcome: UpdateUserOutcome::Updated })
            };
            database.write(reads, decide)
        };
        change_with_counters(&database, user, UpdateUserOutcome::NotFound, change).await
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
                    writes.extend(delete_codes(user));
                    writes.extend([
                        factors::delete_pending_totp([user]),
                        users::set_disabled_at(user, Some(now)),
                        audit::insert(&event),
                    ]);
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
        let decide = move |reply: &Reply| {
            let account = read_user(reply, 1)?;
            let event = match rules::email_verification::mark_email_verified(account.as_ref(), now)
            {
                Decision::Write(event) => event,
                Decision::Return(outcome) => return Ok(Plan::unchanged(outcome)),
            };
            let mut writes = vec![users::set_verified(user, now)];
            if let Some(account) = account {
                let email = EmailHash::of(account.email.key());
                writes.push(codes::delete_of_email(CodePurpose::VerifyEmail, &email));
                writes.push(mails::delete_unsent(CodePurpose::VerifyEmail, &email));
            }
            writes.push(audit::insert(&event));
            Ok(Plan { writes, outcome: UpdateUserOutcome::Updated })
        };
        Ok(self.database.write(vec![users::lock(user), users::by_id(user)], decide).await?)
    }

    async fn grant_role(
        &self,
        user: UserId,
        role: &Role,
        now: Timestamp,
    ) -> Result<GrantRoleOutcome, StoreError> {
        let role = role.clone();
        let decide = move |reply: &Reply| {
            let account = read_user(reply, 1)?;
            Ok(match rules::roles::grant_role(account.as_ref(), &role, now) {
                Decision::Write(write) => Plan {
                    writes: vec![users::set_roles(user, &write.roles), audit::insert(&write.event)],
                    outcome: GrantRoleOutcome::Granted,
                },
                Decision::Return(outcome) => Plan::unchanged(outcome),
            })
        };
        Ok(self.database.write(vec![users::lock(user), users::by_id(user)], decide).await?)
    }

    async fn revoke_role(
        &self,
        user: UserId,
        role: &Role,
        now: Timestamp,
    ) -> Result<RevokeRoleOutcome, StoreError> {
        let role = role.clone();
        let decide = move |reply: &Reply| {
            let account = read_user(reply, 1)?;
            Ok(match rules::roles::revoke_role(account.as_ref(), &role, now) {
                Decision::Write(write) => Plan {
                    writes: vec![users::set_roles(user, &write.roles), audit::insert(&write.event)],
                    outcome: RevokeRoleOutcome::Revoked,
                },
                Decision::Return(outcome) => Plan::unchanged(outcome),
            })
        };
        Ok(self.database.write(vec![users::lock(user), users::by_id(user)], decide).await?)
    }

    async fn delete_user(
        &self,
        user: UserId,
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError> {
        let database = self.database.one_call();
        let change = |email: String| {
            let reads = lock_all(user, &email, users::lock_to_delete(user));
            let decide = move |reply: &Reply| {
                let locked = read_locked(reply, &email)?;
                let event = match rules::users::delete_user(locked.account.as_ref(), now) {
                    Decision::Write(event) => event,
                    Decision::Return(outcome) => return Ok(Plan::unchanged(outcome)),
                };
                let kind = NoticeKind::AccountDeleted;
                let new_notice = NewNotice { id: notice, kind, client: None };
                let account = read_user(reply, USER)?;
                let mut writes = delete_account(user, account.as_ref(), &locked.counters, &event);
                writes.extend(insert_notice(reply, USER, new_notice, now)?);
                Ok(Plan { writes, outcome: UpdateUserOutcome::Updated })
            };
            database.write(reads, decide)
        };
        change_with_counters(&database, user, UpdateUserOutcome::NotFound, change).await
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
        let reply = self.database.snapshot(vec![users::stored_page(after, limit)]).await?;
        let page: Result<_, _> = reply.rows(0).iter().map(users::read_stored).collect();
        Ok(page?)
    }
}

impl PostgresStore {
    async fn create(
        &self,
        user: &User,
        password: &PasswordHash,
        event: &Event,
        verification: Option<&NewCode>,
        invitation: Option<InvitationTokenHash>,
    ) -> Result<(), CreateUserError> {
        let id = user.id;
        let database = self.database.one_call();
        let create = || {
            let mut reads = vec![users::insert(user, password), users::by_email(user.email.key())];
            let email_hash = EmailHash::of(user.email.key());
            reads.push(codes::lock_of_email(CodePurpose::Invitation, &email_hash));
            reads.extend(verification.map(|code| mails::unsent(&code.mail.network)));
            let (user, event, verification) = (user.clone(), event.clone(), verification.cloned());
            let decide = move |reply: &Reply| {
                let now = user.created_at;
                let stored = reply.first(2).map(codes::read).transpose()?;
                let is_invited = invitation.is_none_or(|presented| {
                    rules::invitations::is_valid(stored.as_ref(), user.email.key(), &presented, now)
                });
                if reply.first(0).is_some() {
                    if !is_invited {
                        return Ok(Plan::unchanged(Creation::InvitationInvalid));
                    }
                    let (delete_invitation, delete_mail) = delete_invitation(&user);
                    let mut writes = vec![delete_invitation];
                    if let Some(code) = &verification {
                        if mails::read_unsent(reply.first(3))?.is_full() {
                            return Ok(Plan::unchanged(Creation::OutboxFull));
                        }
                        writes.extend(save(&rules::email_verification::verification(
                            &user, code, now,
                        ))?);
                    }
                    writes.extend([delete_mail, audit::insert(&event)]);
                    return Ok(Plan { writes, outcome: Creation::Created });
                }
                let owner = reply.first(1).map(|row| users::read(row, 0)).transpose()?;
                Ok(match owner {
                    // The commit of a lock waits until a synchronous standby has everything before
                    // it, the transaction that created the account included.
                    Some(owner) if owner.id == id => {
                        Plan { writes: vec![users::lock(id)], outcome: Creation::Exists }
                    }
                    _ if !is_invited => Plan::unchanged(Creation::InvitationInvalid),
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
            Creation::InvitationInvalid => Err(CreateUserError::InvitationInvalid),
            Creation::OutboxFull => Err(CreateUserError::OutboxFull),
        }
    }
}

/// The outcome of the transaction that creates an account.
enum Creation {
    Created,
    /// The account exists: it has the same id and the same email address.
    Exists,
    EmailTaken,
    InvitationInvalid,
    OutboxFull,
}

/// Deletes an account and everything stored about its user, and records `event`.
///
/// The events are deleted after the account by a statement of their own: events that were recorded
/// while the account was being locked are visible only to a later statement.
fn delete_account(
    user: UserId,
    account: Option<&User>,
    counters: &[CounterKey],
    event: &Event,
) -> Vec<Query> {
    let (delete_invitation, delete_mail) = account.map(delete_invitation).unzip();
    let mut writes = vec![attempts::delete(counters.iter())];
    writes.extend(delete_invitation);
    writes.push(codes::delete_of_user(user));
    writes.extend(delete_mail);
    writes.extend([
        mails::delete_of_user(user),
        mails::forget_user(user),
        users::delete(user),
        audit::delete_of_user(user),
        audit::insert(event),
    ]);
    writes
}

/// Adds the notice of a change, if mail is on and the email address of the account, which
/// `statement` selects, was verified before the change.
fn insert_notice(
    reply: &Reply,
    statement: usize,
    notice: NewNotice<'_>,
    now: Timestamp,
) -> Result<Option<Query>, DatabaseError> {
    let NewNotice { id, kind, client } = notice;
    let Some(account) = read_user(reply, statement)? else { return Ok(None) };
    let mail = rules::mails::notice(id, kind, &account, client, now);
    mail.as_ref().map(mails::insert).transpose()
}

/// The notice that [`insert_notice`] adds.
#[derive(Clone, Copy)]
struct NewNotice<'a> {
    id: Option<MailId>,
    kind: NoticeKind,
    /// The client that makes the change. `None` if an operator does.
    client: Option<&'a ClientInfo>,
}

use async_trait::async_trait;
use auth_core::{
    CodeHash, Email, EmailHash, EmailKey, EmailSignInTokenHash, MailId, ResetTokenHash, Timestamp,
    UserId,
};

use crate::codes::{
    ChangeEmailOutcome, CodeStore, InviteOutcome, NewEmailChange, NewInvitation, NewResetToken,
    NewSignInCode, OpenSessionWithCodeOutcome, PasswordReset, PendingSignIn, ResetPasswordOutcome,
    SendEmailChangeOutcome, SendOutcome, SendVerificationOutcome, VerifyEmailOutcome,
};
use crate::error::StoreError;
use crate::mails::NewCode;
use crate::postgres::database::Plan;
use crate::postgres::database_error::DatabaseError;
use crate::postgres::locked::{USER, find_session, lock_all, read_account, read_locked};
use crate::postgres::query::{Query, Reply};
use crate::postgres::statements::{attempts, audit, codes, mails, sessions, users};
use crate::postgres::store::PostgresStore;
use crate::rules::codes::{CodeDecision, CodePurpose, CodeRequest, CodeRow};
use crate::rules::email_change::{ChangedEmailState, EmailChangeState};
use crate::rules::users::AccountState;
use crate::rules::{self, Decision};
use crate::sessions::{ActingSession, NewSession};
use crate::users::{KnownBrowsers, Reauthentication, User};

#[async_trait]
impl CodeStore for PostgresStore {
    async fn send_verification_code(
        &self,
        acting: &ActingSession,
        code: &NewCode,
        now: Timestamp,
    ) -> Result<SendVerificationOutcome, StoreError> {
        let (acting, code) = (acting.clone(), code.clone());
        let (id, user) = (acting.session.id, acting.session.user_id);
        let reads = vec![
            users::lock(user),
            users::by_id(user),
            sessions::lock_pair(id, id),
            mails::unsent(&code.mail.network),
        ];
        let decide = move |reply: &Reply| {
            let account = read_user(reply, 1)?;
            let session = find_session(reply, 2, id)?;
            let unsent = mails::read_unsent(reply.first(3))?;
            let (session, account) = (session.as_ref(), account.as_ref());
            let decision = rules::email_verification::send_verification_code(
                &acting, session, account, unsent, &code, now,
            );
            plan(decision, SendVerificationOutcome::Stored)
        };
        Ok(self.database.write(reads, decide).await?)
    }

    async fn verify_email(
        &self,
        acting: &ActingSession,
        code: &CodeHash,
        now: Timestamp,
    ) -> Result<VerifyEmailOutcome, StoreError> {
        let (acting, presented) = (acting.clone(), *code);
        let (id, user) = (acting.session.id, acting.session.user_id);
        let reads = vec![
            users::lock(user),
            users::by_id(user),
            sessions::lock_pair(id, id),
            codes::lock_of_user(user, CodePurpose::VerifyEmail),
        ];
        let decide = move |reply: &Reply| {
            let account = read_user(reply, 1)?;
            let session = find_session(reply, 2, id)?;
            let code = reply.first(3).map(codes::read).transpose()?;
            let decision = rules::email_verification::verify_email(
                &acting,
                session.as_ref(),
                account.as_ref(),
                code.as_ref(),
                &presented,
                now,
            );
            let (event, account) = match (decision, account) {
                (CodeDecision::Use(event), Some(account)) => (event, account),
                (decision, _) => {
                    return Ok(unused(decision, VerifyEmailOutcome::SessionEnded));
                }
            };
            let mut writes = delete(code.as_ref());
            writes.extend([users::set_verified(user, now), audit::insert(&event)]);
            let account = User { email_verified_at: Some(now), ..account };
            Ok(Plan { writes, outcome: VerifyEmailOutcome::Verified(account) })
        };
        Ok(self.database.write(reads, decide).await?)
    }

    async fn send_email_change_code(
        &self,
        reauthentication: &Reauthentication,
        change: &NewEmailChange,
        now: Timestamp,
    ) -> Result<SendEmailChangeOutcome, StoreError> {
        let (proof, change) = (reauthentication.clone(), change.clone());
        let (id, user) = (proof.session.id, proof.session.user_id);
        let reads = vec![
            users::lock(user),
            users::by_id(user),
            sessions::lock_pair(id, id),
            users::by_email(change.email.key()),
            mails::unsent(&change.code.mail.network),
        ];
        let decide = move |reply: &Reply| {
            let state = read_account(reply, 0)?;
            let account = read_user(reply, 1)?;
            let session = find_session(reply, 2, id)?;
            let owner = read_user(reply, 3)?;
            let stored = EmailChangeState {
                session: session.as_ref(),
                state: state.as_ref(),
                account: account.as_ref(),
                owner: owner.as_ref(),
                unsent: mails::read_unsent(reply.first(4))?,
            };
            let decision =
                rules::email_change::send_email_change_code(&proof, &change, stored, now);
            plan(decision, SendEmailChangeOutcome::Stored)
        };
        Ok(self.database.write(reads, decide).await?)
    }

    /// If another transaction takes the new email address at the same time, the constraint rejects
    /// this change. It then runs again, and finds that the address is taken.
    async fn change_email(
        &self,
        acting: &ActingSession,
        code: &CodeHash,
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<ChangeEmailOutcome, StoreError> {
        let (acting, presented) = (acting.clone(), *code);
        let (id, user) = (acting.session.id, acting.session.user_id);
        let reads = vec![
            users::lock_to_delete(user),
            users::by_id(user),
            users::device_version(user),
            sessions::lock_of_user(user),
            codes::lock_of_user(user, CodePurpose::ChangeEmail),
            codes::owner_of_new_email(user),
        ];
        let decide = move |reply: &Reply| {
            let account = read_user(reply, 1)?;
            let session = find_session(reply, 3, id)?;
            let code = reply.first(4).map(codes::read).transpose()?;
            let stored = ChangedEmailState {
                session: session.as_ref(),
                account: account.as_ref(),
                code: code.as_ref(),
                owner: read_user(reply, 5)?.map(|owner| owner.id),
            };
            let decision =
                rules::email_change::change_email(&acting, &presented, notice, stored, now);
            let (change, account) = match (decision, account) {
                (CodeDecision::Use(change), Some(account)) => (change, account),
                (decision, _) => {
                    return Ok(unused(decision, ChangeEmailOutcome::SessionEnded));
                }
            };
            let mut writes =
                vec![users::set_email(user, &change.email, now), sessions::delete_others(user, id)];
            let (delete_invitation, delete_mail) = delete_invitation(&account);
            writes.push(delete_invitation);
            writes.extend(delete_codes(user));
            writes.push(delete_mail);
            writes.extend(change.notice.as_ref().map(mails::insert).transpose()?);
            writes.push(audit::insert(&change.event));
            let user = User { email: change.email, email_verified_at: Some(now), ..account };
            let device_version = users::read_device_version(reply.first(2))?.next();
            Ok(Plan { writes, outcome: ChangeEmailOutcome::Changed { user, device_version } })
        };
        Ok(self.database.write(reads, decide).await?)
    }

    async fn send_reset_token(
        &self,
        email: &EmailKey,
        token: &NewResetToken,
        now: Timestamp,
    ) -> Result<SendOutcome, StoreError> {
        let (email, token) = (email.clone(), token.clone());
        let reads = lock_addressee(&email, mails::unsent(&token.mail.network));
        let decide = move |reply: &Reply| {
            let account = read_user(reply, 1)?;
            let unsent = mails::read_unsent(reply.first(2))?;
            let account = account.as_ref();
            let decision =
                rules::password_reset::send_reset_token(&email, account, unsent, &token, now);
            plan(decision, SendOutcome::Stored)
        };
        Ok(self.database.write(reads, decide).await?)
    }

    async fn reset_target(
        &self,
        token: &ResetTokenHash,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let reply = self.database.read(vec![codes::by_hash(token)]).await?;
        let Some(row) = reply.first(0) else { return Ok(None) };
        let (code, account) = codes::read_with_account(row)?;
        Ok(rules::password_reset::reset_target(Some(&code), account.as_ref(), now).cloned())
    }

    async fn reset_password(
        &self,
        reset: &PasswordReset,
        now: Timestamp,
    ) -> Result<ResetPasswordOutcome, StoreError> {
        let reset = reset.clone();
        let database = self.database.one_call();
        let reply = database.read(vec![codes::by_hash(&reset.token)]).await?;
        // Anyone can send an unknown token, so it must not use a connection for transactions.
        let Some(row) = reply.first(0) else { return Ok(ResetPasswordOutcome::TokenInvalid) };
        let (code, account) = codes::read_with_account(row)?;
        let Some(target) = rules::password_reset::reset_target(Some(&code), account.as_ref(), now)
        else {
            return Ok(ResetPasswordOutcome::TokenInvalid);
        };
        let (user, email) = (target.id, target.email.key().as_str().to_owned());
        let mut reads = lock_all(user, &email, users::lock(user));
        let others = reads.len();
        reads.extend([codes::lock_by_hash(&reset.token), users::device_version(user)]);
        let decide = move |reply: &Reply| {
            let code = reply.first(others).map(codes::read).transpose()?;
            let account = read_user(reply, USER)?;
            let decision =
                rules::password_reset::reset_password(&reset, code.as_ref(), account.as_ref(), now);
            let (write, account) = match (decision, account) {
                (Decision::Write(write), Some(account)) => (write, account),
                (Decision::Return(outcome), _) => return Ok(Plan::unchanged(outcome)),
                _ => return Ok(Plan::unchanged(ResetPasswordOutcome::TokenInvalid)),
            };
            let locked = read_locked(reply, &email)?;
            let mut writes = vec![
                users::set_password(user, &reset.password, KnownBrowsers::Forget),
                users::set_verified(user, write.verified_at),
                sessions::delete_all(user),
                attempts::delete(locked.counters.iter()),
            ];
            writes.extend(delete_codes(user));
            writes.extend(write.notice.as_ref().map(mails::insert).transpose()?);
            writes.extend(write.events.iter().map(audit::insert));
            let user = User { email_verified_at: Some(write.verified_at), ..account };
            let device_version = users::read_device_version(reply.first(others + 1))?.next();
            Ok(Plan { writes, outcome: ResetPasswordOutcome::Reset { user, device_version } })
        };
        Ok(database.write(reads, decide).await?)
    }

    async fn send_sign_in_code(
        &self,
        email: &EmailKey,
        code: &NewSignInCode,
        now: Timestamp,
    ) -> Result<SendOutcome, StoreError> {
        let (email, code) = (email.clone(), code.clone());
        let reads = lock_addressee(&email, mails::unsent(&code.mail.network));
        let decide = move |reply: &Reply| {
            let account = read_user(reply, 1)?;
            let unsent = mails::read_unsent(reply.first(2))?;
            let account = account.as_ref();
            let decision =
                rules::email_sign_in::send_sign_in_code(&email, account, unsent, &code, now);
            plan(decision, SendOutcome::Stored)
        };
        Ok(self.database.write(reads, decide).await?)
    }

    async fn pending_sign_in(
        &self,
        browser: &EmailSignInTokenHash,
        presented: &CodeHash,
        now: Timestamp,
    ) -> Result<Option<PendingSignIn>, StoreError> {
        let reply = self.database.read(vec![codes::by_browser(browser)]).await?;
        let code = reply.first(0).map(codes::read).transpose()?;
        Ok(rules::email_sign_in::pending_sign_in(code.as_ref(), presented, now))
    }

    async fn open_session_with_code(
        &self,
        browser: &EmailSignInTokenHash,
        code: &CodeHash,
        session: &NewSession,
    ) -> Result<OpenSessionWithCodeOutcome, StoreError> {
        let (presented, new) = (*code, session.clone());
        let user = new.session.user_id;
        let reads = vec![
            users::lock(user),
            users::by_id(user),
            sessions::ended_by(&new, NewSession::MAX_PER_USER - 1),
            codes::lock_by_browser(browser),
        ];
        let decide = move |reply: &Reply| {
            let account = read_user(reply, 1)?;
            let code = reply.first(3).map(codes::read).transpose()?;
            let decision = rules::email_sign_in::open_session_with_code(
                &new,
                code.as_ref(),
                &presented,
                account.as_ref(),
            );
            let state = reply.first(0).map(users::read_account_state).transpose()?;
            let (event, account, state) = match (decision, account, state) {
                (CodeDecision::Use(event), Some(account), Some(state)) => (event, account, state),
                (decision, ..) => {
                    return Ok(unused(decision, OpenSessionWithCodeOutcome::CodeExpired));
                }
            };
            let mut writes = delete(code.as_ref());
            let AccountState { password_version, device_version, .. } = state;
            let Some(event) = event else {
                let outcome = OpenSessionWithCodeOutcome::SecondFactorRequired {
                    user: account,
                    password_version,
                    device_version,
                };
                return Ok(Plan { writes, outcome });
            };
            let ended = sessions::read_ids(reply.rows(2))?;
            if !ended.is_empty() {
                writes.push(sessions::delete(ended.iter().copied()));
            }
            writes.extend([sessions::insert(&new), audit::insert(&event)]);
            let outcome =
                OpenSessionWithCodeOutcome::Opened { user: account, device_version, ended };
            Ok(Plan { writes, outcome })
        };
        Ok(self.database.write(reads, decide).await?)
    }

    async fn invite(
        &self,
        email: &Email,
        invitation: &NewInvitation,
        now: Timestamp,
    ) -> Result<InviteOutcome, StoreError> {
        let (email, invitation) = (email.clone(), invitation.clone());
        let reads = vec![users::lock_by_email(email.key()), users::by_email(email.key())];
        let decide = move |reply: &Reply| {
            let account = read_user(reply, 1)?;
            let decision = rules::invitations::invite(&email, account.as_ref(), &invitation, now);
            plan(decision, InviteOutcome::Stored)
        };
        Ok(self.database.write(reads, decide).await?)
    }
}

/// Locks and reads the account with an email address, if there is one, and counts the unsent mails.
/// The statements are the same whether or not there is an account.
fn lock_addressee(email: &EmailKey, unsent: Query) -> Vec<Query> {
    vec![users::lock_by_email(email), users::by_email(email), unsent]
}

/// Plans what a decision about a request for a mail with a code changes. `stored` is the outcome if
/// the rows of the request are saved.
fn plan<O>(decision: Decision<CodeRequest, O>, stored: O) -> Result<Plan<O>, DatabaseError> {
    match decision {
        Decision::Write(request) => Ok(Plan { writes: save(&request)?, outcome: stored }),
        Decision::Return(outcome) => Ok(Plan::unchanged(outcome)),
    }
}

/// Saves the rows of a request for a mail with a code. The code is locked before the mails.
pub(super) fn save(request: &CodeRequest) -> Result<Vec<Query>, DatabaseError> {
    let CodeRequest { purpose, code, mails, event } = request;
    let mut writes =
        vec![codes::replace(*purpose, code), mails::delete_unsent(*purpose, &code.email_hash)];
    for mail in mails {
        writes.push(mails::insert(mail)?);
    }
    writes.extend(event.as_ref().map(audit::insert));
    Ok(writes)
}

/// Deletes all codes of an account, and the unsent mails with codes.
pub(super) fn delete_codes(user: UserId) -> [Query; 2] {
    [codes::delete_of_user(user), mails::delete_codes_of_user(user)]
}

/// Deletes the invitation of the email address of an account, and the unsent mail with it. The
/// second statement must follow all others that lock codes.
pub(super) fn delete_invitation(account: &User) -> (Query, Query) {
    let (email, purpose) = (EmailHash::of(account.email.key()), CodePurpose::Invitation);
    (codes::delete_of_email(purpose, &email), mails::delete_unsent(purpose, &email))
}

fn delete(code: Option<&CodeRow>) -> Vec<Query> {
    code.map(|code| codes::delete(vec![code.hash.to_vec()])).into_iter().collect()
}

/// Plans what a decision changes that does not use the code. `otherwise` is the outcome if there is
/// no account although the code is used, which does not happen.
fn unused<W, O>(decision: CodeDecision<W, O>, otherwise: O) -> Plan<O> {
    match decision {
        CodeDecision::CountTry(hash, outcome) => {
            Plan { writes: vec![codes::count_try(&hash)], outcome }
        }
        CodeDecision::Delete(hash, outcome) => {
            Plan { writes: vec![codes::delete(vec![hash.to_vec()])], outcome }
        }
        CodeDecision::Return(outcome) => Plan::unchanged(outcome),
        CodeDecision::Use(_) => Plan::unchanged(otherwise),
    }
}

pub(super) fn read_user(reply: &Reply, statement: usize) -> Result<Option<User>, DatabaseError> {
    reply.first(statement).map(|row| users::read(row, 0)).transpose()
}

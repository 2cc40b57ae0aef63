use async_trait::async_trait;
use auth_core::{
    CodeHash, Email, EmailHash, EmailKey, EmailSignInTokenHash, MailId, ResetTokenHash, Timestamp,
    UserId,
};

use super::attempts::delete_counters;
use super::sessions::insert_session;
use super::statements::{audit, codes, mails, sessions, users};
use super::{BackendStore, Result, Tx};
use crate::codes::{
    ChangeEmailOutcome, CodeStore, InviteOutcome, NewEmailChange, NewInvitation, NewResetToken,
    NewSignInCode, OpenSessionWithCodeOutcome, PasswordReset, PendingSignIn, ResetPasswordOutcome,
    SendEmailChangeOutcome, SendOutcome, SendVerificationOutcome, VerifyEmailOutcome,
};
use crate::error::StoreError;
use crate::mails::NewCode;
use crate::rules::codes::{CodeDecision, CodePurpose, CodeRequest, CodeRow};
use crate::rules::email_change::{ChangedEmailState, EmailChangeState};
use crate::rules::mails::MailRow;
use crate::rules::users::AccountState;
use crate::rules::{self, Decision};
use crate::sessions::{ActingSession, NewSession};
use crate::users::{KnownBrowsers, Reauthentication, User};

#[async_trait]
impl CodeStore for BackendStore {
    async fn send_verification_code(
        &self,
        acting: &ActingSession,
        code: &NewCode,
        now: Timestamp,
    ) -> Result<SendVerificationOutcome, StoreError> {
        let (acting, code) = (acting.clone(), code.clone());
        self.database
            .write(move |tx| {
                let session = sessions::by_id(tx, acting.session.id)?;
                let account = users::by_id(tx, acting.session.user_id)?;
                let unsent = mails::count_unsent(tx, &code.mail.network)?;
                let (session, account) = (session.as_ref(), account.as_ref());
                let decision = rules::email_verification::send_verification_code(
                    &acting, session, account, unsent, &code, now,
                );
                carry_out(tx, decision, SendVerificationOutcome::Stored)
            })
            .await
    }

    async fn verify_email(
        &self,
        acting: &ActingSession,
        code: &CodeHash,
        now: Timestamp,
    ) -> Result<VerifyEmailOutcome, StoreError> {
        let (acting, presented) = (acting.clone(), *code);
        self.database
            .write(move |tx| {
                let user = acting.session.user_id;
                let session = sessions::by_id(tx, acting.session.id)?;
                let account = users::by_id(tx, user)?;
                let code = code_of(tx, CodePurpose::VerifyEmail, account.as_ref())?;
                let (session, stored) = (session.as_ref(), code.as_ref());
                let decision = rules::email_verification::verify_email(
                    &acting,
                    session,
                    account.as_ref(),
                    stored,
                    &presented,
                    now,
                );
                let event = match try_code(tx, decision)? {
                    Ok(event) => event,
                    Err(outcome) => return Ok(outcome),
                };
                delete_code(tx, stored)?;
                users::set_verified_at(tx, user, now)?;
                audit::insert(tx, &event)?;
                match account {
                    Some(account) => Ok(VerifyEmailOutcome::Verified(User {
                        email_verified_at: Some(now),
                        ..account
                    })),
                    None => Ok(VerifyEmailOutcome::SessionEnded),
                }
            })
            .await
    }

    async fn send_email_change_code(
        &self,
        reauthentication: &Reauthentication,
        change: &NewEmailChange,
        now: Timestamp,
    ) -> Result<SendEmailChangeOutcome, StoreError> {
        let (proof, change) = (reauthentication.clone(), change.clone());
        self.database
            .write(move |tx| {
                let user = proof.session.user_id;
                let session = sessions::by_id(tx, proof.session.id)?;
                let state = users::account_state(tx, user)?;
                let account = users::by_id(tx, user)?;
                let owner = users::by_email(tx, change.email.key())?;
                let stored = EmailChangeState {
                    session: session.as_ref(),
                    state: state.as_ref(),
                    account: account.as_ref(),
                    owner: owner.as_ref(),
                    unsent: mails::count_unsent(tx, &change.code.mail.network)?,
                };
                let decision =
                    rules::email_change::send_email_change_code(&proof, &change, stored, now);
                carry_out(tx, decision, SendEmailChangeOutcome::Stored)
            })
            .await
    }

    async fn change_email(
        &self,
        acting: &ActingSession,
        code: &CodeHash,
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<ChangeEmailOutcome, StoreError> {
        let (acting, presented) = (acting.clone(), *code);
        self.database
            .write(move |tx| {
                let user = acting.session.user_id;
                let session = sessions::by_id(tx, acting.session.id)?;
                let account = users::by_id(tx, user)?;
                let code = code_of(tx, CodePurpose::ChangeEmail, account.as_ref())?;
                let new_email = code.as_ref().and_then(|code| code.new_email.as_ref());
                let owner = match new_email {
                    Some(email) => users::by_email(tx, email.key())?.map(|owner| owner.id),
                    None => None,
                };
                let stored = ChangedEmailState {
                    session: session.as_ref(),
                    account: account.as_ref(),
                    code: code.as_ref(),
                    owner,
                };
                let decision =
                    rules::email_change::change_email(&acting, &presented, notice, stored, now);
                let change = match try_code(tx, decision)? {
                    Ok(change) => change,
                    Err(outcome) => return Ok(outcome),
                };
                if let Some(account) = &account {
                    delete_invitation(tx, account)?;
                }
                delete_codes(tx, user)?;
                users::set_email(tx, user, &change.email, now)?;
                sessions::delete_others(tx, user, acting.session.id)?;
                add(tx, change.notice.as_ref())?;
                audit::insert(tx, &change.event)?;
                let Some(user) = users::by_id(tx, user)? else {
                    return Ok(ChangeEmailOutcome::SessionEnded);
                };
                let device_version = users::device_version(tx, user.id)?;
                Ok(ChangeEmailOutcome::Changed { user, device_version })
            })
            .await
    }

    async fn send_reset_token(
        &self,
        email: &EmailKey,
        token: &NewResetToken,
        now: Timestamp,
    ) -> Result<SendOutcome, StoreError> {
        let (email, token) = (email.clone(), token.clone());
        self.database
            .write(move |tx| {
                let account = users::by_email(tx, &email)?;
                let unsent = mails::count_unsent(tx, &token.mail.network)?;
                let account = account.as_ref();
                let decision =
                    rules::password_reset::send_reset_token(&email, account, unsent, &token, now);
                carry_out(tx, decision, SendOutcome::Stored)
            })
            .await
    }

    async fn reset_target(
        &self,
        token: &ResetTokenHash,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        let token = *token;
        let found = self.database.snapshot(move |tx| {
            let code = codes::by_reset_token(tx, &token)?;
            let account = account_of(tx, code.as_ref())?;
            Ok((code, account))
        });
        let (code, account) = found.await?;
        Ok(rules::password_reset::reset_target(code.as_ref(), account.as_ref(), now).cloned())
    }

    async fn reset_password(
        &self,
        reset: &PasswordReset,
        now: Timestamp,
    ) -> Result<ResetPasswordOutcome, StoreError> {
        let reset = reset.clone();
        self.database
            .write(move |tx| {
                let code = codes::by_reset_token(tx, &reset.token)?;
                let account = account_of(tx, code.as_ref())?;
                let (stored, owner) = (code.as_ref(), account.as_ref());
                let write = match rules::password_reset::reset_password(&reset, stored, owner, now)
                {
                    Decision::Write(write) => write,
                    Decision::Return(outcome) => return Ok(outcome),
                };
                let user = write.user;
                delete_codes(tx, user)?;
                delete_counters(tx, user)?;
                users::set_password(tx, user, &reset.password, KnownBrowsers::Forget)?;
                users::set_verified_at(tx, user, write.verified_at)?;
                sessions::delete_all(tx, user)?;
                add(tx, write.notice.as_ref())?;
                for event in &write.events {
                    audit::insert(tx, event)?;
                }
                let device_version = users::device_version(tx, user)?;
                match account {
                    Some(account) => {
                        let email_verified_at = Some(write.verified_at);
                        let user = User { email_verified_at, ..account };
                        Ok(ResetPasswordOutcome::Reset { user, device_version })
                    }
                    None => Ok(ResetPasswordOutcome::TokenInvalid),
                }
            })
            .await
    }

    async fn send_sign_in_code(
        &self,
        email: &EmailKey,
        code: &NewSignInCode,
        now: Timestamp,
    ) -> Result<SendOutcome, StoreError> {
        let (email, code) = (email.clone(), code.clone());
        self.database
            .write(move |tx| {
                let account = users::by_email(tx, &email)?;
                let unsent = mails::count_unsent(tx, &code.mail.network)?;
                let account = account.as_ref();
                let decision =
                    rules::email_sign_in::send_sign_in_code(&email, account, unsent, &code, now);
                carry_out(tx, decision, SendOutcome::Stored)
            })
            .await
    }

    async fn pending_sign_in(
        &self,
        browser: &EmailSignInTokenHash,
        presented: &CodeHash,
        now: Timestamp,
    ) -> Result<Option<PendingSignIn>, StoreError> {
        let browser = *browser;
        let found = self.database.read(move |tx| codes::by_browser(tx, &browser));
        let code = found.await?;
        Ok(rules::email_sign_in::pending_sign_in(code.as_ref(), presented, now))
    }

    async fn open_session_with_code(
        &self,
        browser: &EmailSignInTokenHash,
        code: &CodeHash,
        session: &NewSession,
    ) -> Result<OpenSessionWithCodeOutcome, StoreError> {
        let (browser, presented, new) = (*browser, *code, session.clone());
        self.database
            .write(move |tx| {
                let code = codes::by_browser(tx, &browser)?;
                let account = account_of(tx, code.as_ref())?;
                let (stored, owner) = (code.as_ref(), account.as_ref());
                let decision =
                    rules::email_sign_in::open_session_with_code(&new, stored, &presented, owner);
                let event = match try_code(tx, decision)? {
                    Ok(event) => event,
                    Err(outcome) => return Ok(outcome),
                };
                delete_code(tx, stored)?;
                let Some(user) = account else {
                    return Ok(OpenSessionWithCodeOutcome::CodeExpired);
                };
                let state = users::account_state(tx, user.id)?;
                let (Some(event), Some(state)) = (event, state) else {
                    return Ok(second_factor_required(user, state));
                };
                let ended = insert_session(tx, &new)?;
                audit::insert(tx, &event)?;
                let device_version = state.device_version;
                Ok(OpenSessionWithCodeOutcome::Opened { user, device_version, ended })
            })
            .await
    }

    async fn invite(
        &self,
        email: &Email,
        invitation: &NewInvitation,
        now: Timestamp,
    ) -> Result<InviteOutcome, StoreError> {
        let (email, invitation) = (email.clone(), invitation.clone());
        self.database
            .write(move |tx| {
                let account = users::by_email(tx, email.key())?;
                let decision =
                    rules::invitations::invite(&email, account.as_ref(), &invitation, now);
                carry_out(tx, decision, InviteOutcome::Stored)
            })
            .await
    }
}

/// Returns the outcome for a correct code, if the second factor of the account is on.
fn second_factor_required(user: User, state: Option<AccountState>) -> OpenSessionWithCodeOutcome {
    match state {
        Some(AccountState { password_version, device_version, .. }) => {
            OpenSessionWithCodeOutcome::SecondFactorRequired {
                user,
                password_version,
                device_version,
            }
        }
        None => OpenSessionWithCodeOutcome::CodeExpired,
    }
}

/// Carries out a decision about a request for a mail with a code. Returns `stored` if the rows of
/// the request are saved.
fn carry_out<O>(tx: Tx<'_>, decision: Decision<CodeRequest, O>, stored: O) -> Result<O> {
    match decision {
        Decision::Write(request) => {
            save(tx, &request)?;
            Ok(stored)
        }
        Decision::Return(outcome) => Ok(outcome),
    }
}

/// Saves the rows of a request for a mail with a code.
pub(super) fn save(tx: Tx<'_>, request: &CodeRequest) -> Result<()> {
    let CodeRequest { purpose, code, mails, event } = request;
    codes::replace(tx, *purpose, code)?;
    mails::delete_unsent(tx, *purpose, &code.email_hash)?;
    for mail in mails {
        mails::insert(tx, mail)?;
    }
    match event {
        Some(event) => audit::insert(tx, event),
        None => Ok(()),
    }
}

/// Adds a mail, if there is one.
pub(super) fn add(tx: Tx<'_>, mail: Option<&MailRow>) -> Result<()> {
    match mail {
        Some(mail) => mails::insert(tx, mail),
        None => Ok(()),
    }
}

/// Deletes all codes of an account, and the unsent mails with codes.
pub(super) fn delete_codes(tx: Tx<'_>, user: UserId) -> Result<()> {
    codes::delete_of_user(tx, user)?;
    mails::delete_unsent_of_user(tx, user)
}

/// Deletes the invitation of the email address of an account, and the unsent mail with it.
pub(super) fn delete_invitation(tx: Tx<'_>, account: &User) -> Result<()> {
    let email = EmailHash::of(account.email.key());
    codes::delete_of_email(tx, CodePurpose::Invitation, &email)?;
    mails::delete_unsent(tx, CodePurpose::Invitation, &email)
}

fn delete_code(tx: Tx<'_>, code: Option<&CodeRow>) -> Result<()> {
    match code {
        Some(code) => codes::delete(tx, &code.hash),
        None => Ok(()),
    }
}

/// Carries out the part of a decision that does not depend on the change. Returns what to write if
/// the code was right, and the outcome otherwise.
fn try_code<W, O>(tx: Tx<'_>, decision: CodeDecision<W, O>) -> Result<std::result::Result<W, O>> {
    match decision {
        CodeDecision::Use(write) => Ok(Ok(write)),
        CodeDecision::CountTry(hash, outcome) => {
            codes::count_try(tx, &hash)?;
            Ok(Err(outcome))
        }
        CodeDecision::Delete(hash, outcome) => {
            codes::delete(tx, &hash)?;
            Ok(Err(outcome))
        }
        CodeDecision::Return(outcome) => Ok(Err(outcome)),
    }
}

/// Returns the code with this purpose for the current email address of an account.
fn code_of(tx: Tx<'_>, purpose: CodePurpose, account: Option<&User>) -> Result<Option<CodeRow>> {
    match account {
        Some(account) => codes::of_email(tx, purpose, &EmailHash::of(account.email.key())),
        None => Ok(None),
    }
}

/// Returns the account of a code.
fn account_of(tx: Tx<'_>, code: Option<&CodeRow>) -> Result<Option<User>> {
    match code.and_then(|code| code.user) {
        Some(user) => users::by_id(tx, user),
        None => Ok(None),
    }
}

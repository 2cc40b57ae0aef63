#![expect(unused_variables, clippy::wildcard_imports, reason = "not implemented yet")]
//! Codes and mails.

use async_trait::async_trait;
use auth_core::{CodeHash, EmailKey, EmailSignInTokenHash, MailId, ResetTokenHash, Timestamp};

use crate::codes::*;
use crate::error::StoreError;
use crate::mails::*;
use crate::postgres::store::PostgresStore;
use crate::sessions::{ActingSession, NewSession};
use crate::users::{Reauthentication, User};

fn missing() -> StoreError {
    StoreError::Defect("mail is not supported yet".into())
}

#[async_trait]
impl CodeStore for PostgresStore {
    async fn send_verification_code(
        &self,
        acting: &ActingSession,
        code: &NewCode,
        now: Timestamp,
    ) -> Result<SendVerificationOutcome, StoreError> {
        Err(missing())
    }

    async fn verify_email(
        &self,
        acting: &ActingSession,
        code: &CodeHash,
        now: Timestamp,
    ) -> Result<VerifyEmailOutcome, StoreError> {
        Err(missing())
    }

    async fn send_email_change_code(
        &self,
        reauthentication: &Reauthentication,
        change: &NewEmailChange,
        now: Timestamp,
    ) -> Result<SendEmailChangeOutcome, StoreError> {
        Err(missing())
    }

    async fn change_email(
        &self,
        acting: &ActingSession,
        code: &CodeHash,
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<ChangeEmailOutcome, StoreError> {
        Err(missing())
    }

    async fn send_reset_token(
        &self,
        email: &EmailKey,
        token: &NewResetToken,
        now: Timestamp,
    ) -> Result<SendOutcome, StoreError> {
        Err(missing())
    }

    async fn reset_target(
        &self,
        token: &ResetTokenHash,
        now: Timestamp,
    ) -> Result<Option<User>, StoreError> {
        Err(missing())
    }

    async fn reset_password(
        &self,
        reset: &PasswordReset,
        now: Timestamp,
    ) -> Result<ResetPasswordOutcome, StoreError> {
        Err(missing())
    }

    async fn send_sign_in_code(
        &self,
        email: &EmailKey,
        code: &NewSignInCode,
        now: Timestamp,
    ) -> Result<SendOutcome, StoreError> {
        Err(missing())
    }

    async fn pending_sign_in(
        &self,
        browser: &EmailSignInTokenHash,
        now: Timestamp,
    ) -> Result<Option<PendingSignIn>, StoreError> {
        Err(missing())
    }

    async fn open_session_with_code(
        &self,
        browser: &EmailSignInTokenHash,
        code: &CodeHash,
        session: &NewSession,
    ) -> Result<OpenSessionWithCodeOutcome, StoreError> {
        Err(missing())
    }
}

#[async_trait]
impl Outbox for PostgresStore {
    async fn claim_mails(&self, now: Timestamp, limit: u32) -> Result<Vec<Mail>, StoreError> {
        Err(missing())
    }

    async fn mail_sent(&self, id: MailId) -> Result<(), StoreError> {
        Err(missing())
    }

    async fn mail_deferred(&self, id: MailId, reason: &str) -> Result<(), StoreError> {
        Err(missing())
    }

    async fn mail_failed(
        &self,
        id: MailId,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        Err(missing())
    }

    async fn mails(
        &self,
        after: Option<MailId>,
        limit: u32,
    ) -> Result<Vec<MailRecord>, StoreError> {
        Err(missing())
    }

    async fn retry_mails(
        &self,
        id: Option<MailId>,
        now: Timestamp,
    ) -> Result<RetryMailsOutcome, StoreError> {
        Err(missing())
    }

    async fn purge_mails(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        Err(missing())
    }
}

//! Decisions about the verification of email addresses.

use auth_core::{CodeHash, EmailHash, Session, Timestamp};

use crate::audit::{Event, EventKind};
use crate::codes::{SendVerificationOutcome, VerifyEmailOutcome};
use crate::mails::{Message, NewCode};
use crate::rules::codes::{
    CodeDecision, CodePurpose, CodeRequest, CodeRow, Verdict, acting_account, code_message,
    code_row, judge,
};
use crate::rules::decision::Decision;
use crate::rules::mails::{MailWithCode, UnsentMails, mail_with_code};
use crate::sessions::ActingSession;
use crate::users::{UpdateUserOutcome, User};

/// Builds the rows of a code that verifies the email address of an account. The outbox must not be
/// [full](UnsentMails::is_full).
pub(crate) fn verification(account: &User, code: &NewCode, now: Timestamp) -> CodeRequest {
    let email_hash = EmailHash::of(account.email.key());
    let mail = mail_with_code(MailWithCode {
        mail: &code.mail,
        purpose: CodePurpose::VerifyEmail,
        email_hash,
        user: Some(account.id),
        recipient: Some(account.email.to_ascii()),
        message: Message::VerifyEmail(code_message(code, now)),
        now,
        expires_at: code.expires_at,
    });
    CodeRequest {
        purpose: CodePurpose::VerifyEmail,
        code: code_row(code, email_hash, account.id),
        mails: vec![mail],
        event: None,
    }
}

/// Decides whether a user gets a code that verifies the email address.
pub(crate) fn send_verification_code(
    acting: &ActingSession,
    session: Option<&Session>,
    account: Option<&User>,
    unsent: UnsentMails,
    code: &NewCode,
    now: Timestamp,
) -> Decision<CodeRequest, SendVerificationOutcome> {
    let Some(account) = acting_account(acting, session, account, now) else {
        return Decision::Return(SendVerificationOutcome::SessionEnded);
    };
    if account.email_verified_at.is_some() {
        return Decision::Return(SendVerificationOutcome::AlreadyVerified);
    }
    if unsent.is_full() {
        return Decision::Return(SendVerificationOutcome::OutboxFull);
    }
    Decision::Write(verification(account, code, now))
}

/// Decides whether a code verifies the email address. On [`CodeDecision::Use`], the transaction
/// saves `now` as the time of the verification.
pub(crate) fn verify_email(
    acting: &ActingSession,
    session: Option<&Session>,
    account: Option<&User>,
    code: Option<&CodeRow>,
    presented: &CodeHash,
    now: Timestamp,
) -> CodeDecision<Event, VerifyEmailOutcome> {
    let Some(account) = acting_account(acting, session, account, now) else {
        return CodeDecision::Return(VerifyEmailOutcome::SessionEnded);
    };
    match judge(code, presented, Some(account), now) {
        Verdict::Right => {
            let event = Event::by_user(EventKind::EmailVerified, now, acting.client.clone());
            CodeDecision::Use(event.about(account.id).in_session(acting.session.id))
        }
        Verdict::Wrong(hash) => CodeDecision::CountTry(hash, VerifyEmailOutcome::CodeWrong),
        Verdict::LastWrong(hash) => CodeDecision::Delete(hash, VerifyEmailOutcome::CodeExpired),
        Verdict::Expired => CodeDecision::Return(VerifyEmailOutcome::CodeExpired),
    }
}

/// Decides whether an operator's word verifies the email address.
pub(crate) fn mark_email_verified(
    account: Option<&User>,
    now: Timestamp,
) -> Decision<Event, UpdateUserOutcome> {
    match account {
        Some(User { id, email_verified_at: None, .. }) => {
            Decision::Write(Event::by_operator(EventKind::EmailVerified, now).about(*id))
        }
        Some(_) => Decision::Return(UpdateUserOutcome::Updated),
        None => Decision::Return(UpdateUserOutcome::NotFound),
    }
}

//! Decisions about resets of passwords.

use auth_core::{EmailHash, EmailKey, Timestamp, UserId};

use crate::audit::{Event, EventKind};
use crate::codes::{NewResetToken, PasswordReset, ResetPasswordOutcome, SendOutcome};
use crate::mails::{Message, NoticeKind, ResetMessage};
use crate::rules::codes::{CodePurpose, CodeRequest, CodeRow, belongs_to, enabled, requested};
use crate::rules::decision::Decision;
use crate::rules::mails::{MailRow, MailWithCode, UnsentMails, mail_with_code, notice};
use crate::users::User;

/// Decides about a request to reset the password of the account with an email address. `account` is
/// that account, if there is one.
pub(crate) fn send_reset_token(
    email: &EmailKey,
    account: Option<&User>,
    unsent: UnsentMails,
    token: &NewResetToken,
    now: Timestamp,
) -> Decision<CodeRequest, SendOutcome> {
    if unsent.is_full() {
        return Decision::Return(SendOutcome::OutboxFull);
    }
    let account = enabled(account);
    let email_hash = EmailHash::of(email);
    let user = account.map(|account| account.id);
    let purpose = CodePurpose::ResetPassword;
    let requested = requested(now, &token.client, token.expires_at);
    let mail = mail_with_code(MailWithCode {
        mail: &token.mail,
        purpose,
        email_hash,
        user,
        recipient: account.map(|account| account.email.to_ascii()),
        message: Message::ResetPassword(ResetMessage { token: token.token.clone(), requested }),
        now,
        expires_at: token.expires_at,
    });
    let event = Event::by_user(EventKind::PasswordResetRequested, now, token.client.clone());
    Decision::Write(CodeRequest {
        purpose,
        code: CodeRow {
            hash: *token.token.hash().as_bytes(),
            email_hash,
            user,
            browser: None,
            remember: false,
            new_email: None,
            tries: 0,
            expires_at: token.expires_at,
        },
        mails: vec![mail],
        event: Some(Event { user, ..event }),
    })
}

/// Returns the account whose password a stored reset token can reset.
pub(crate) fn reset_target<'a>(
    code: Option<&CodeRow>,
    account: Option<&'a User>,
    now: Timestamp,
) -> Option<&'a User> {
    let code = code.filter(|code| now < code.expires_at)?;
    enabled(account).filter(|account| belongs_to(code, account))
}

/// A reset of a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reset {
    pub(crate) user: UserId,
    pub(crate) verified_at: Timestamp,
    pub(crate) notice: Option<MailRow>,
    pub(crate) events: Vec<Event>,
}

/// Decides whether a token resets a password. On [`Decision::Write`], the transaction saves the new
/// password and the time of the verification, ends all sessions, forgets the known browsers, and
/// deletes the counters and all codes of the account.
///
/// The owner of the mailbox may find that somebody else has signed up with its address. The notice
/// goes there too, because the reset verifies it.
pub(crate) fn reset_password(
    reset: &PasswordReset,
    code: Option<&CodeRow>,
    account: Option<&User>,
    now: Timestamp,
) -> Decision<Reset, ResetPasswordOutcome> {
    let Some(account) = reset_target(code, account, now) else {
        return Decision::Return(ResetPasswordOutcome::TokenInvalid);
    };
    let verified_at = account.email_verified_at.unwrap_or(now);
    let verified = User { email_verified_at: Some(verified_at), ..account.clone() };
    let event = |kind| Event::by_user(kind, now, reset.client.clone()).about(account.id);
    let mut events = vec![event(EventKind::PasswordReset)];
    if account.email_verified_at.is_none() {
        events.push(event(EventKind::EmailVerified));
    }
    let kind = NoticeKind::PasswordReset;
    Decision::Write(Reset {
        user: account.id,
        verified_at,
        notice: notice(reset.notice, kind, &verified, Some(&reset.client), now),
        events,
    })
}

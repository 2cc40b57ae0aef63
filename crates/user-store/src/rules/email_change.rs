//! Decisions about changes of email addresses.

use auth_core::{CodeHash, Email, EmailHash, MailId, Session, Timestamp, UserId};

use crate::audit::{Event, EventKind};
use crate::codes::{ChangeEmailOutcome, NewEmailChange, SendEmailChangeOutcome};
use crate::mails::{Message, NoticeKind};
use crate::rules::codes::{
    CodeDecision, CodePurpose, CodeRequest, CodeRow, Verdict, acting_account, code_message,
    code_row, judge,
};
use crate::rules::decision::Decision;
use crate::rules::mails::{MailRow, MailWithCode, UnsentMails, mail_with_code, notice};
use crate::rules::users::{AccountState, authorize};
use crate::sessions::ActingSession;
use crate::users::{ReauthenticatedChangeOutcome, Reauthentication, User};

/// The stored rows that decide about a request to change the email address.
#[derive(Clone, Copy)]
pub(crate) struct EmailChangeState<'a> {
    /// The session of the request, if it still exists.
    pub(crate) session: Option<&'a Session>,
    /// The account, if it still exists.
    pub(crate) state: Option<&'a AccountState>,
    /// The same account.
    pub(crate) account: Option<&'a User>,
    /// The account that has the new email address.
    pub(crate) owner: Option<&'a User>,
    pub(crate) unsent: UnsentMails,
}

/// Decides whether a user gets a code that changes the email address. If the new email address has
/// another account, its owner gets a mail without the code, unless that account is disabled.
pub(crate) fn send_email_change_code(
    reauthentication: &Reauthentication,
    change: &NewEmailChange,
    stored: EmailChangeState<'_>,
    now: Timestamp,
) -> Decision<CodeRequest, SendEmailChangeOutcome> {
    let rejected = authorize(reauthentication, stored.session, stored.state, now);
    let account = match (rejected, stored.account) {
        (None, Some(account)) => account,
        (Some(ReauthenticatedChangeOutcome::CredentialsChanged), _) => {
            return Decision::Return(SendEmailChangeOutcome::CredentialsChanged);
        }
        _ => return Decision::Return(SendEmailChangeOutcome::SessionEnded),
    };
    if change.email.key() == account.email.key() {
        return Decision::Return(SendEmailChangeOutcome::Unchanged);
    }
    if stored.unsent.is_full() {
        return Decision::Return(SendEmailChangeOutcome::OutboxFull);
    }
    let NewEmailChange { email, code, notice: notice_id } = change;
    let email_hash = EmailHash::of(account.email.key());
    let message = code_message(code, now);
    let mail = mail_with_code(MailWithCode {
        mail: &code.mail,
        purpose: CodePurpose::ChangeEmail,
        email_hash,
        user: Some(account.id),
        // An owner gets the mail at the stored email address, not at the typed one.
        recipient: match stored.owner {
            Some(User { disabled_at: Some(_), .. }) => None,
            Some(owner) => Some(owner.email.to_ascii()),
            None => Some(email.to_ascii()),
        },
        message: match stored.owner {
            Some(_) => Message::EmailTaken(message.requested),
            None => Message::ChangeEmail(message),
        },
        now,
        expires_at: code.expires_at,
    });
    let kind = NoticeKind::EmailChangeRequested;
    let notice = notice(Some(*notice_id), kind, account, Some(&code.client), now);
    let event = Event::by_user(EventKind::EmailChangeRequested, now, code.client.clone());
    let session = reauthentication.session.id;
    Decision::Write(CodeRequest {
        purpose: CodePurpose::ChangeEmail,
        code: CodeRow { new_email: Some(email.clone()), ..code_row(code, email_hash, account.id) },
        mails: std::iter::once(mail).chain(notice).collect(),
        event: Some(event.about(account.id).in_session(session)),
    })
}

/// The stored rows that decide about a change of the email address.
#[derive(Clone, Copy)]
pub(crate) struct ChangedEmailState<'a> {
    /// The session of the request, if it still exists.
    pub(crate) session: Option<&'a Session>,
    /// The account, if it still exists.
    pub(crate) account: Option<&'a User>,
    /// The code of the account.
    pub(crate) code: Option<&'a CodeRow>,
    /// The account that has the new email address in the code.
    pub(crate) owner: Option<UserId>,
}

/// A change of the email address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EmailChange {
    pub(crate) email: Email,
    pub(crate) notice: Option<MailRow>,
    pub(crate) event: Event,
}

/// Decides whether a code changes the email address. On [`CodeDecision::Use`], the transaction
/// saves the new address as verified, ends the user's other sessions, forgets the known browsers,
/// and deletes all codes of the account.
pub(crate) fn change_email(
    acting: &ActingSession,
    presented: &CodeHash,
    notice_id: Option<MailId>,
    stored: ChangedEmailState<'_>,
    now: Timestamp,
) -> CodeDecision<EmailChange, ChangeEmailOutcome> {
    let Some(account) = acting_account(acting, stored.session, stored.account, now) else {
        return CodeDecision::Return(ChangeEmailOutcome::SessionEnded);
    };
    match judge(stored.code, presented, Some(account), now) {
        Verdict::Right => {}
        Verdict::Wrong(hash) => {
            return CodeDecision::CountTry(hash, ChangeEmailOutcome::CodeWrong);
        }
        Verdict::LastWrong(hash) => {
            return CodeDecision::Delete(hash, ChangeEmailOutcome::CodeExpired);
        }
        Verdict::Expired => return CodeDecision::Return(ChangeEmailOutcome::CodeExpired),
    }
    let Some(CodeRow { hash, new_email: Some(email), .. }) = stored.code else {
        return CodeDecision::Return(ChangeEmailOutcome::CodeExpired);
    };
    if stored.owner.is_some() {
        return CodeDecision::Delete(*hash, ChangeEmailOutcome::EmailTaken);
    }
    let event = Event::by_user(EventKind::EmailChanged, now, acting.client.clone());
    let kind = NoticeKind::EmailChanged;
    CodeDecision::Use(EmailChange {
        email: email.clone(),
        notice: notice(notice_id, kind, account, Some(&acting.client), now),
        event: event.about(account.id).in_session(acting.session.id),
    })
}

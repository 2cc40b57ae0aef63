//! Decisions about signing in by email.

use auth_core::{CodeHash, EmailHash, EmailKey, Timestamp};

use crate::audit::{Event, EventKind};
use crate::codes::{NewSignInCode, OpenSessionWithCodeOutcome, PendingSignIn, SendOutcome};
use crate::mails::{CodeMessage, Message};
use crate::rules::codes::{
    CodeDecision, CodePurpose, CodeRequest, CodeRow, Verdict, enabled, judge, requested,
};
use crate::rules::decision::Decision;
use crate::rules::mails::{MailWithCode, UnsentMails, mail_with_code};
use crate::rules::sessions::signed_in;
use crate::sessions::NewSession;
use crate::users::User;

/// Decides about a request for a code for signing in to the account with an email address.
/// `account` is that account, if there is one.
pub(crate) fn send_sign_in_code(
    email: &EmailKey,
    account: Option<&User>,
    unsent: UnsentMails,
    code: &NewSignInCode,
    now: Timestamp,
) -> Decision<CodeRequest, SendOutcome> {
    if unsent.is_full() {
        return Decision::Return(SendOutcome::OutboxFull);
    }
    let account = enabled(account);
    let is_verified = account.is_some_and(|account| account.email_verified_at.is_some());
    let email_hash = EmailHash::of(email);
    let user = account.map(|account| account.id);
    let requested = requested(now, &code.client, code.expires_at);
    let purpose = CodePurpose::SignIn;
    let mail = mail_with_code(MailWithCode {
        mail: &code.mail,
        purpose,
        email_hash,
        user,
        recipient: account.map(|account| account.email.to_ascii()),
        message: match is_verified {
            true => Message::SignIn(CodeMessage { code: code.code.clone(), requested }),
            false => Message::SignInUnverified(requested),
        },
        now,
        expires_at: code.expires_at,
    });
    let event = Event::by_user(EventKind::LogInCodeSent, now, code.client.clone());
    Decision::Write(CodeRequest {
        purpose,
        code: CodeRow {
            hash: *code.hash.as_bytes(),
            email_hash,
            user,
            browser: Some(code.browser),
            remember: code.remember,
            new_email: None,
            tries: 0,
            expires_at: code.expires_at,
        },
        mails: vec![mail],
        event: Some(Event { user, ..event }),
    })
}

/// Returns the sign-in to which a code belongs, if the code is still valid.
pub(crate) fn pending_sign_in(
    code: Option<&CodeRow>,
    presented: &CodeHash,
    now: Timestamp,
) -> Option<PendingSignIn> {
    let code = code.filter(|code| now < code.expires_at)?;
    let is_code_right = code.is(presented);
    Some(PendingSignIn { user: code.user, remember: code.remember, is_code_right })
}

/// Decides whether a code opens a session. On [`CodeDecision::Use`], the transaction also ends the
/// session that the new one replaces and those beyond [`NewSession::MAX_PER_USER`], if there is an
/// event to record. Without an event, the code is used up and no session is opened, because the
/// second factor is on.
pub(crate) fn open_session_with_code(
    new: &NewSession,
    code: Option<&CodeRow>,
    presented: &CodeHash,
    account: Option<&User>,
) -> CodeDecision<Option<Event>, OpenSessionWithCodeOutcome> {
    let now = new.session.created_at;
    match judge(code, presented, account, now) {
        Verdict::Right => {}
        Verdict::Wrong(hash) => {
            return CodeDecision::CountTry(hash, OpenSessionWithCodeOutcome::CodeWrong);
        }
        Verdict::LastWrong(hash) => {
            return CodeDecision::Delete(hash, OpenSessionWithCodeOutcome::CodeExpired);
        }
        Verdict::Expired => return CodeDecision::Return(OpenSessionWithCodeOutcome::CodeExpired),
    }
    match account {
        Some(account)
            if account.id == new.session.user_id && account.email_verified_at.is_some() =>
        {
            CodeDecision::Use(match account.second_factor_at {
                Some(_) => None,
                None => Some(signed_in(new)),
            })
        }
        _ => CodeDecision::Return(OpenSessionWithCodeOutcome::CodeExpired),
    }
}

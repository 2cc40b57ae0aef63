//! Decisions about codes and reset tokens.

use auth_core::{
    ClientInfo, CodeHash, Email, EmailHash, EmailKey, EmailSignInTokenHash, MailId, Session,
    Timestamp, UserId,
};
use subtle::ConstantTimeEq as _;

use crate::audit::{Event, EventKind};
use crate::codes::{
    ChangeEmailOutcome, MAX_TRIES, NewEmailChange, NewResetToken, NewSignInCode,
    OpenSessionWithCodeOutcome, PasswordReset, ResetPasswordOutcome, SendEmailChangeOutcome,
    SendOutcome, SendVerificationOutcome, VerifyEmailOutcome,
};
use crate::mails::NewCode;
use crate::mails::{CodeMessage, Message, NoticeKind, Requested, ResetMessage};
use crate::rules::decision::Decision;
use crate::rules::mails::{MailRow, MailWithCode, UnsentMails, mail_with_code, notice};
use crate::rules::users::{AccountState, authorize};
use crate::sessions::{ActingSession, NewSession};
use crate::users::{ReauthenticatedChangeOutcome, Reauthentication, UpdateUserOutcome, User};

/// The purpose of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CodePurpose {
    VerifyEmail,
    ChangeEmail,
    ResetPassword,
    SignIn,
}

impl CodePurpose {
    /// Returns the stable name of the purpose.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ChangeEmail => "change_email",
            Self::ResetPassword => "reset_password",
            Self::SignIn => "sign_in",
        }
    }
}

/// A stored code, apart from its purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CodeRow {
    /// The hash of the code or the reset token.
    pub(crate) hash: [u8; 32],
    pub(crate) email_hash: EmailHash,
    pub(crate) user: Option<UserId>,
    pub(crate) browser: Option<EmailSignInTokenHash>,
    pub(crate) remember: bool,
    pub(crate) new_email: Option<Email>,
    pub(crate) tries: u32,
    pub(crate) expires_at: Timestamp,
}

/// The rows of a request for a mail with a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CodeRequest {
    pub(crate) purpose: CodePurpose,
    /// Replaces the code of the same purpose and email address.
    pub(crate) code: CodeRow,
    /// The mails. The first one replaces unsent ones of the same purpose and email address.
    pub(crate) mails: Vec<MailRow>,
    pub(crate) event: Option<Event>,
}

/// The result of a rule about a presented code, which the transaction carries out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub(crate) enum CodeDecision<W, O> {
    /// Make the change, and delete the code.
    Use(W),
    /// Count a wrong try of the code with this hash, and return this outcome.
    CountTry([u8; 32], O),
    /// Delete the code with this hash, and return this outcome.
    Delete([u8; 32], O),
    /// Change nothing, and return this outcome.
    Return(O),
}

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

/// Decides whether a code changes the email address. On [`CodeDecision::Use`], the transaction saves
/// the new address as verified, ends the user's other sessions, forgets the known browsers, and
/// deletes all codes of the account.
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

/// Decides about a request for a code for signing in to the account with an email address. `account`
/// is that account, if there is one.
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

/// Decides whether a code opens a session. On [`CodeDecision::Use`], the transaction also ends the
/// session that the new one replaces and those beyond [`NewSession::MAX_PER_USER`].
pub(crate) fn open_session_with_code(
    new: &NewSession,
    code: Option<&CodeRow>,
    presented: &CodeHash,
    account: Option<&User>,
) -> CodeDecision<Event, OpenSessionWithCodeOutcome> {
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
            let event = Event::by_user(EventKind::SignedIn, now, new.client.clone());
            CodeDecision::Use(event.about(account.id).in_session(new.session.id))
        }
        _ => CodeDecision::Return(OpenSessionWithCodeOutcome::CodeExpired),
    }
}

/// The judgement on a presented code.
enum Verdict {
    Right,
    /// The code with this hash can be tried again.
    Wrong([u8; 32]),
    /// This was the last try of the code with this hash.
    LastWrong([u8; 32]),
    Expired,
}

/// Compares a presented code with the stored one. `account` is the account of the stored code, if
/// there is one: a code that belongs to no account can only be wrong.
fn judge(
    code: Option<&CodeRow>,
    presented: &CodeHash,
    account: Option<&User>,
    now: Timestamp,
) -> Verdict {
    let Some(code) = code.filter(|code| now < code.expires_at) else {
        return Verdict::Expired;
    };
    let account = enabled(account).filter(|account| belongs_to(code, account));
    if code.user.is_some() && account.is_none() {
        return Verdict::Expired;
    }
    let is_equal: bool = code.hash.ct_eq(presented.as_bytes()).into();
    if account.is_some() && is_equal {
        return Verdict::Right;
    }
    if code.tries + 1 < MAX_TRIES {
        Verdict::Wrong(code.hash)
    } else {
        Verdict::LastWrong(code.hash)
    }
}

/// Returns `true` if a code was made for this account and its current email address.
fn belongs_to(code: &CodeRow, account: &User) -> bool {
    code.user == Some(account.id) && code.email_hash == EmailHash::of(account.email.key())
}

fn enabled(account: Option<&User>) -> Option<&User> {
    account.filter(|account| account.disabled_at.is_none())
}

/// Returns the account of an active session.
fn acting_account<'a>(
    acting: &ActingSession,
    session: Option<&Session>,
    account: Option<&'a User>,
    now: Timestamp,
) -> Option<&'a User> {
    let user = acting.session.user_id;
    let is_active = session.is_some_and(|stored| stored.user_id == user && stored.is_alive(now));
    if !is_active {
        return None;
    }
    enabled(account).filter(|account| account.id == user)
}

fn code_row(code: &NewCode, email_hash: EmailHash, user: UserId) -> CodeRow {
    CodeRow {
        hash: *code.hash.as_bytes(),
        email_hash,
        user: Some(user),
        browser: None,
        remember: false,
        new_email: None,
        tries: 0,
        expires_at: code.expires_at,
    }
}

fn code_message(code: &NewCode, now: Timestamp) -> CodeMessage {
    let requested = requested(now, &code.client, code.expires_at);
    CodeMessage { code: code.code.clone(), requested }
}

fn requested(at: Timestamp, client: &ClientInfo, expires_at: Timestamp) -> Requested {
    Requested { at, ip: client.ip(), expires_at }
}

#[cfg(test)]
mod tests {
    use auth_core::{ResetToken, SystemRandom};

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    /// All changes of an email address delete the codes of the account. If a code is left
    /// nevertheless, it belongs to the previous address.
    #[test]
    fn a_code_for_a_previous_email_address_is_not_valid() {
        let user = |email| User {
            id: UserId::from_uuid_bytes([1; 16]),
            email: Email::parse(email).unwrap(),
            created_at: NOW,
            disabled_at: None,
            email_verified_at: Some(NOW),
        };
        let (ada, moved) = (user("ada@example.com"), user("ada@example.org"));
        let hash = *ResetToken::generate(&SystemRandom).hash().as_bytes();
        let code = CodeRow {
            hash,
            email_hash: EmailHash::of(ada.email.key()),
            user: Some(ada.id),
            browser: None,
            remember: false,
            new_email: None,
            tries: 0,
            expires_at: Timestamp::MAX,
        };
        assert_eq!(reset_target(Some(&code), Some(&ada), NOW), Some(&ada));
        assert_eq!(reset_target(Some(&code), Some(&moved), NOW), None);
        let presented = CodeHash::from_bytes(&hash).unwrap();
        assert!(matches!(judge(Some(&code), &presented, Some(&ada), NOW), Verdict::Right));
        assert!(matches!(judge(Some(&code), &presented, Some(&moved), NOW), Verdict::Expired));
    }
}

//! Codes and reset tokens, and the judgement on a presented one.

use auth_core::{
    ClientInfo, CodeHash, Email, EmailHash, EmailSignInTokenHash, Session, Timestamp, UserId,
};
use subtle::ConstantTimeEq as _;

use crate::audit::Event;
pub(crate) use crate::codes::CodePurpose;
use crate::codes::MAX_TRIES;
use crate::mails::{CodeMessage, NewCode, Requested};
use crate::rules::mails::MailRow;
use crate::sessions::ActingSession;
use crate::users::User;

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

impl CodeRow {
    /// Returns whether the presented code is this one.
    pub(crate) fn is(&self, presented: &CodeHash) -> bool {
        self.hash.ct_eq(presented.as_bytes()).into()
    }
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

/// The judgement on a presented code.
pub(crate) enum Verdict {
    Right,
    /// The code with this hash can be tried again.
    Wrong([u8; 32]),
    /// This was the last try of the code with this hash.
    LastWrong([u8; 32]),
    Expired,
}

/// Compares a presented code with the stored one. `account` is the account of the stored code, if
/// there is one: a code that belongs to no account can only be wrong.
pub(crate) fn judge(
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
    if account.is_some() && code.is(presented) {
        return Verdict::Right;
    }
    if code.tries + 1 < MAX_TRIES {
        Verdict::Wrong(code.hash)
    } else {
        Verdict::LastWrong(code.hash)
    }
}

/// Returns `true` if a code was made for this account and its current email address.
pub(crate) fn belongs_to(code: &CodeRow, account: &User) -> bool {
    code.user == Some(account.id) && code.email_hash == EmailHash::of(account.email.key())
}

pub(crate) fn enabled(account: Option<&User>) -> Option<&User> {
    account.filter(|account| account.disabled_at.is_none())
}

/// Returns the account of an active session.
pub(crate) fn acting_account<'a>(
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

pub(crate) fn code_row(code: &NewCode, email_hash: EmailHash, user: UserId) -> CodeRow {
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

pub(crate) fn code_message(code: &NewCode, now: Timestamp) -> CodeMessage {
    let requested = requested(now, &code.client, code.expires_at);
    CodeMessage { code: code.code.clone(), requested }
}

pub(crate) fn requested(at: Timestamp, client: &ClientInfo, expires_at: Timestamp) -> Requested {
    Requested { at, ip: client.ip(), expires_at }
}

#[cfg(test)]
mod tests {
    use auth_core::{ResetToken, Roles, SystemRandom};

    use super::*;
    use crate::rules::password_reset::reset_target;

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
            second_factor_at: None,
            roles: Roles::NONE,
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

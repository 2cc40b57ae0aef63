//! Decisions about invitations.

use auth_core::{Email, EmailHash, EmailKey, InvitationTokenHash, Timestamp};
use subtle::ConstantTimeEq as _;

use crate::audit::{Event, EventKind};
use crate::codes::{InviteOutcome, NewInvitation};
use crate::mails::{InvitationMessage, Message};
use crate::rules::codes::{CodePurpose, CodeRequest, CodeRow};
use crate::rules::decision::Decision;
use crate::rules::mails::MailRow;
use crate::users::User;

/// Decides whether an operator can invite an email address. `account` is the account that has it.
///
/// The mail does not count towards the limits of the outbox, because only operators add it.
pub(crate) fn invite(
    email: &Email,
    account: Option<&User>,
    invitation: &NewInvitation,
    now: Timestamp,
) -> Decision<CodeRequest, InviteOutcome> {
    if account.is_some() {
        return Decision::Return(InviteOutcome::EmailTaken);
    }
    let NewInvitation { token, expires_at, mail } = invitation;
    let (email_hash, purpose) = (EmailHash::of(email.key()), CodePurpose::Invitation);
    let mail = mail.map(|id| MailRow {
        id,
        message: Message::Invitation(InvitationMessage {
            token: token.clone(),
            expires_at: *expires_at,
        }),
        code: Some((purpose, email_hash)),
        user: None,
        recipient: email.to_ascii(),
        network: None,
        created_at: now,
        expires_at: *expires_at,
    });
    Decision::Write(CodeRequest {
        purpose,
        code: CodeRow {
            hash: *token.hash().as_bytes(),
            email_hash,
            user: None,
            browser: None,
            remember: false,
            new_email: None,
            tries: 0,
            expires_at: *expires_at,
        },
        mails: mail.into_iter().collect(),
        event: Some(Event::by_operator(EventKind::InvitationCreated, now)),
    })
}

/// Returns `true` if `presented` is the invitation of an email address. `stored` is its row.
pub(crate) fn is_valid(
    stored: Option<&CodeRow>,
    email: &EmailKey,
    presented: &InvitationTokenHash,
    now: Timestamp,
) -> bool {
    let Some(stored) = stored else { return false };
    let is_equal: bool = stored.hash.ct_eq(presented.as_bytes()).into();
    is_equal && stored.email_hash == EmailHash::of(email) && now < stored.expires_at
}

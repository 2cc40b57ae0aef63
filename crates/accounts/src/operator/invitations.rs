use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{Email, InvitationToken, MailId, Timestamp};
use user_store::{InviteOutcome, NewInvitation};
use zeroize::Zeroizing;

use crate::mail::{NoticeMode, invitation_link};
use crate::operator::Operator;
use crate::service_error::ServiceError;

/// An invitation to create one account. `Debug` prints neither the token nor the link.
#[derive(Clone)]
pub struct Invitation {
    /// The token, for
    /// [`Accounts::sign_up_with_invitation`](crate::Accounts::sign_up_with_invitation).
    pub token: InvitationToken,
    /// The link to the sign-up page of Latchkey. The token is in its fragment.
    pub link: Zeroizing<String>,
    /// When the invitation expires.
    pub expires_at: Timestamp,
}

/// An error from inviting somebody.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// The lifetime is zero, or longer than [`Invitation::MAX_LIFETIME`].
    #[error("the lifetime of an invitation must be at most 30 days")]
    InvalidLifetime,
    /// An account with this email address exists.
    #[error("an account with this email address already exists")]
    EmailTaken,
    /// The service sends no mails.
    #[error("the service sends no mails")]
    MailDisabled,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Invitation {
    /// The usual lifetime of an invitation.
    pub const DEFAULT_LIFETIME: Duration = Duration::from_hours(7 * 24);

    /// The maximum lifetime of an invitation.
    pub const MAX_LIFETIME: Duration = Duration::from_hours(30 * 24);
}

impl Operator<'_> {
    /// Invites somebody to create an account with this email address, even if sign-up is off
    /// ([`Config::sign_up`](crate::Config::sign_up)). Replaces an earlier invitation for the email
    /// address.
    ///
    /// The invitation can be used once. It does not verify the email address, because its link may
    /// have been handed on.
    ///
    /// # Errors
    ///
    /// [`InviteError`], except [`MailDisabled`](InviteError::MailDisabled).
    pub async fn invite(
        &self,
        email: &Email,
        lifetime: Duration,
    ) -> Result<Invitation, InviteError> {
        let NewInvitation { token, expires_at, .. } =
            self.store_invitation(email, lifetime, None).await?;
        let link = invitation_link(&self.accounts.config.origin, &token);
        Ok(Invitation { token, link, expires_at })
    }

    /// Does the same as [`invite`](Self::invite), and sends the link to the email address instead
    /// of returning it. Returns when the invitation expires.
    ///
    /// # Errors
    ///
    /// [`InviteError`]. [`MailDisabled`](InviteError::MailDisabled) if mail is off, unless the
    /// service was built with
    /// [`Builder::notices_without_transport`](crate::Builder::notices_without_transport).
    pub async fn send_invitation(
        &self,
        email: &Email,
        lifetime: Duration,
    ) -> Result<Timestamp, InviteError> {
        let accounts = self.accounts;
        if accounts.notices == NoticeMode::Off {
            return Err(InviteError::MailDisabled);
        }
        let mail = MailId::generate(accounts.clock.now(), &*accounts.random);
        let invitation = self.store_invitation(email, lifetime, Some(mail)).await?;
        accounts.mail_requests.notify();
        Ok(invitation.expires_at)
    }

    async fn store_invitation(
        &self,
        email: &Email,
        lifetime: Duration,
        mail: Option<MailId>,
    ) -> Result<NewInvitation, InviteError> {
        if lifetime.is_zero() || lifetime > Invitation::MAX_LIFETIME {
            return Err(InviteError::InvalidLifetime);
        }
        let (store, now) = (Arc::clone(&self.accounts.store), self.accounts.clock.now());
        let invitation = NewInvitation {
            token: InvitationToken::generate(&*self.accounts.random),
            expires_at: now + lifetime,
            mail,
        };
        let email = email.clone();
        let invite = async move {
            let outcome = store.invite(&email, &invitation, now).await;
            match outcome.map_err(ServiceError::from)? {
                InviteOutcome::Stored => {
                    tracing::info!("an operator created an invitation");
                    Ok(invitation)
                }
                InviteOutcome::EmailTaken => Err(InviteError::EmailTaken),
            }
        };
        self.accounts.tasks.run_to_completion(invite).await
    }
}

impl fmt::Debug for Invitation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invitation").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

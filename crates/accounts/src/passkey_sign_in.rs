//! Signing in with a passkey alone, and verifying one in the second step.

use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Amr, AssertionCredential, ChallengeError, ChallengePurpose, CredentialId, PasskeysUnavailable,
    RefreshToken, RelyingParty, Timestamp, UserId,
};
use user_store::{Passkey, PasskeySignIn, PasskeySignInOutcome, PasskeyUse};

use crate::accounts::Accounts;
use crate::caller::Caller;
use crate::new_session::{SessionRequest, session_opened};
use crate::service_error::ServiceError;
use crate::throttle::{AttemptError, AttemptOutcome, AttemptScope};
use crate::tokens::IssuedTokens;

/// The options of `navigator.credentials.get()`. User verification is required.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyOptions {
    /// The challenge that the passkey signs. It is valid for 5 minutes and can be used once.
    pub challenge: Vec<u8>,
    /// The relying party ID.
    pub rp_id: String,
    /// The passkeys that the client can use. If empty, the client can use any passkey that it has.
    pub allow: Vec<CredentialId>,
}

/// An error from requesting [`PasskeyOptions`].
#[derive(Debug, thiserror::Error)]
pub enum PasskeyOptionsError {
    /// The ticket has expired, was used, or is no longer valid for the account, for example because
    /// the password was changed.
    #[error("the ticket is not valid")]
    InvalidTicket,
    /// The service does not support passkeys ([`Accounts::relying_party`]).
    #[error("passkeys are not available")]
    PasskeysUnavailable,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// The arguments of [`Accounts::sign_in_with_passkey`].
#[derive(Clone, Copy)]
pub struct SignInWithPasskey<'a> {
    /// The browser's response to [`Accounts::passkey_sign_in_options`] without a ticket.
    pub credential: &'a AssertionCredential,
    /// `true` if the session should survive closing the browser. See
    /// [`SessionPolicy::remembered`](auth_core::SessionPolicy::remembered).
    pub remember: bool,
    /// The sender of the request.
    pub caller: &'a Caller,
    /// A refresh token of the session that the new session replaces. The old session is ended if it
    /// belongs to the same user (OWASP ASVS 5.0, 7.2.4).
    pub replaces: Option<&'a RefreshToken>,
}

/// An error from signing in with a passkey.
#[derive(Debug, thiserror::Error)]
pub enum PasskeySignInError {
    /// The passkey was rejected: it is unknown, its signature is wrong, or the account is disabled.
    #[error("the passkey was rejected")]
    InvalidCredentials,
    /// The challenge that the passkey has signed has expired or was used before.
    #[error("the challenge has expired")]
    ChallengeExpired,
    /// Too many sign-ins to this account with a passkey, even successful ones.
    #[error("too many sign-ins")]
    TooManyAttempts {
        /// How long to wait before the next one.
        retry_after: Duration,
    },
    /// The service does not support passkeys ([`Accounts::relying_party`]).
    #[error("passkeys are not available")]
    PasskeysUnavailable,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// The user who must present a passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PresentedBy {
    /// Any user. The credential must contain the user handle of the owner.
    Anyone,
    /// The user of a ticket. The user handle may be missing.
    User(UserId),
}

/// An error from verifying what a browser returned for [`PasskeyOptions`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum AssertionError {
    #[error("the passkey was rejected")]
    Rejected,
    #[error("the challenge has expired")]
    ChallengeExpired,
    #[error(transparent)]
    PasskeysUnavailable(#[from] PasskeysUnavailable),
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Accounts {
    /// Returns the relying party of passkeys, or `None` if passkeys are not supported because the
    /// host of the public URL is an IP address.
    #[must_use]
    pub const fn relying_party(&self) -> Option<&RelyingParty> {
        self.relying_party.as_ref()
    }

    /// Returns the options for signing in with a passkey: for the second step with the ticket of
    /// the first one, or alone without a ticket.
    ///
    /// Without a ticket, the options list no passkeys, so that nobody can find out which ones an
    /// account has. Nothing is stored.
    ///
    /// # Errors
    ///
    /// [`PasskeyOptionsError`].
    pub async fn passkey_sign_in_options(
        &self,
        ticket: Option<&str>,
    ) -> Result<PasskeyOptions, PasskeyOptionsError> {
        let relying_party = self.relying_party().ok_or(PasskeyOptionsError::PasskeysUnavailable)?;
        let now = self.clock.now();
        let (purpose, allow) = match ticket {
            None => (ChallengePurpose::SignIn, Vec::new()),
            Some(ticket) => {
                let ticket = self.keys.verify_ticket(ticket, now).await;
                let ticket = ticket.ok_or(PasskeyOptionsError::InvalidTicket)?;
                let factors = self.store.factors_of_ticket(&ticket, now).await;
                let factors = factors.map_err(ServiceError::from)?;
                let factors = factors.ok_or(PasskeyOptionsError::InvalidTicket)?;
                (ChallengePurpose::SecondStep(ticket.id), credential_ids(factors.passkeys))
            }
        };
        let challenge = self.issue_challenge(&purpose, now).await?;
        Ok(PasskeyOptions { challenge, rp_id: relying_party.id().to_owned(), allow })
    }

    /// Opens a session with a passkey alone, and issues its first tokens. A passkey counts as two
    /// factors, because its authenticator verifies the user.
    ///
    /// # Errors
    ///
    /// [`PasskeySignInError`].
    pub async fn sign_in_with_passkey(
        &self,
        request: SignInWithPasskey<'_>,
    ) -> Result<IssuedTokens, PasskeySignInError> {
        let SignInWithPasskey { credential, remember, caller, replaces } = request;
        let now = self.clock.now();
        let (purpose, by) = (ChallengePurpose::SignIn, PresentedBy::Anyone);
        let (user, passkey) = self.verify_assertion(credential, &purpose, by, now).await?;
        let scope = AttemptScope::passkey_sign_in(user);
        let attempt = self.throttle.begin(&scope, self.passwords.deadline()).await?;
        attempt.settle(AttemptOutcome::Failed).await;
        let request = SessionRequest { user, remember, amr: Amr::PASSKEY, caller, replaces };
        let (session, tokens) = self.new_session(&request, now).await?;
        let sign_in = PasskeySignIn { passkey, session, notice: self.new_notice(now) };
        let store = Arc::clone(&self.store);
        let mail_requests = self.mail_requests.clone();
        let open = async move {
            let outcome = store.open_session_with_passkey(&sign_in).await;
            let outcome = outcome.map_err(ServiceError::from)?;
            // A passkey that may have been copied is announced.
            mail_requests.notify();
            let reason = match outcome {
                PasskeySignInOutcome::Opened(opened) => {
                    session_opened(&sign_in.session.session, &opened.ended);
                    return Ok(opened);
                }
                PasskeySignInOutcome::Rejected => PasskeySignInError::InvalidCredentials,
                PasskeySignInOutcome::ChallengeUsed => PasskeySignInError::ChallengeExpired,
            };
            tracing::info!(%user, %reason, "sign-in with a passkey failed");
            Err(reason)
        };
        let opened = self.tasks.run_to_completion(open).await?;
        let browser = self.browser(&opened.user, opened.device_version, caller, now).await;
        Ok(self.issue_first_tokens(tokens, &opened.user, &browser).await?)
    }

    /// Verifies what a browser returned for [`PasskeyOptions`]. Returns the owner of the passkey.
    /// The store must check the state of the passkey, and use up the challenge.
    pub(crate) async fn verify_assertion(
        &self,
        credential: &AssertionCredential,
        purpose: &ChallengePurpose,
        by: PresentedBy,
        now: Timestamp,
    ) -> Result<(UserId, PasskeyUse), AssertionError> {
        let relying_party = self.relying_party().ok_or(PasskeysUnavailable)?;
        let challenge = self.keys.verify_challenge(credential.challenge(), purpose, now).await;
        let challenge = challenge.map_err(|error| match error {
            ChallengeError::Invalid => rejected(&error),
            ChallengeError::Expired => AssertionError::ChallengeExpired,
        })?;
        let passkey = self.store.passkey(credential.credential_id()).await;
        let passkey = passkey.map_err(ServiceError::from)?;
        let passkey = passkey.ok_or_else(|| rejected(&"no user has this passkey"))?;
        let user_handle = credential.user_handle();
        let is_handle_of_owner =
            user_handle.map(|handle| handle == passkey.user.as_uuid().as_bytes());
        let is_by_owner = match by {
            PresentedBy::Anyone => is_handle_of_owner == Some(true),
            PresentedBy::User(user) => user == passkey.user && is_handle_of_owner != Some(false),
        };
        if !is_by_owner {
            return Err(rejected(&"it belongs to another user, or the user handle is missing"));
        }
        let assertion = relying_party.verify_assertion(credential, &passkey.public_key);
        let assertion = assertion.map_err(|error| rejected(&error))?;
        Ok((passkey.user, PasskeyUse { id: passkey.id, challenge, assertion }))
    }

    /// Returns a new challenge for this purpose. Nothing is stored.
    pub(crate) async fn issue_challenge(
        &self,
        purpose: &ChallengePurpose,
        now: Timestamp,
    ) -> Result<Vec<u8>, ServiceError> {
        Ok(self.keys.issue_challenge(purpose, now, &*self.random).await?)
    }
}

/// Logs the reason for which a passkey is rejected.
fn rejected(reason: &dyn std::fmt::Display) -> AssertionError {
    tracing::info!(%reason, "a passkey was rejected");
    AssertionError::Rejected
}

/// Returns the credential IDs of these passkeys.
pub(crate) fn credential_ids(passkeys: Vec<Passkey>) -> Vec<CredentialId> {
    passkeys.into_iter().map(|passkey| passkey.credential_id).collect()
}

impl From<AttemptError> for PasskeySignInError {
    fn from(error: AttemptError) -> Self {
        match error {
            AttemptError::TooMany { retry_after } => Self::TooManyAttempts { retry_after },
            AttemptError::Service(error) => Self::Service(error),
        }
    }
}

impl From<AssertionError> for PasskeySignInError {
    fn from(error: AssertionError) -> Self {
        match error {
            AssertionError::Rejected => Self::InvalidCredentials,
            AssertionError::ChallengeExpired => Self::ChallengeExpired,
            AssertionError::PasskeysUnavailable(_) => Self::PasskeysUnavailable,
            AssertionError::Service(error) => Self::Service(error),
        }
    }
}

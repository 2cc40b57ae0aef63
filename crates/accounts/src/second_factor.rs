//! The second step of a sign-in.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Amr, AssertionCredential, ChallengePurpose, RecoveryCode, RefreshToken, SingleUseId, Ticket,
    TotpCode, UserId,
};
use user_store::{
    CodeThrottle, DeviceVersion, PasswordVersion, PresentedFactor, SecondStep, SecondStepOutcome,
};
use zeroize::Zeroizing;

use crate::accounts::Accounts;
use crate::caller::Caller;
use crate::new_session::{SessionRequest, session_opened};
use crate::passkey_sign_in::{AssertionError, PresentedBy};
use crate::service_error::ServiceError;
use crate::tokens::IssuedTokens;

/// The outcome of a correct password or a correct code from a mail.
#[derive(Debug, Clone)]
#[must_use]
pub enum SignInOutcome {
    /// A session was opened.
    SignedIn(IssuedTokens),
    /// The second factor of the account is on. No session was opened.
    SecondFactorRequired(SecondFactorRequired),
}

/// The first step of a sign-in, which [`Accounts::complete_sign_in`] completes. `Debug` does not
/// print the ticket.
#[derive(Clone)]
pub struct SecondFactorRequired {
    /// The text that proves the first step. It grants nothing without a second factor, and can be
    /// used once. Send it only to the client that has completed the first step.
    pub ticket: Zeroizing<String>,
    /// The kinds of second factors that the user can present.
    pub factors: Vec<FactorKind>,
    /// The time until the ticket expires.
    pub expires_in: Duration,
}

/// A kind of second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FactorKind {
    /// A code from an authenticator app.
    Totp,
    /// A passkey.
    Passkey,
    /// A recovery code.
    RecoveryCode,
}

/// The arguments of [`Accounts::complete_sign_in`].
#[derive(Clone, Copy)]
pub struct CompleteSignIn<'a> {
    /// The [ticket](SecondFactorRequired::ticket) of the first step. It can be any text.
    pub ticket: &'a str,
    /// The second factor.
    pub factor: SecondFactor<'a>,
    /// The sender of the request.
    pub caller: &'a Caller,
    /// A refresh token of the session that the new session replaces. The old session is ended if it
    /// belongs to the same user (OWASP ASVS 5.0, 7.2.4).
    pub replaces: Option<&'a RefreshToken>,
}

/// A second factor that a client presents.
#[derive(Clone, Copy)]
pub enum SecondFactor<'a> {
    /// A code from an authenticator app, as it was typed.
    Code(&'a str),
    /// A recovery code, as it was typed.
    RecoveryCode(&'a str),
    /// A passkey that has signed the challenge of [`Accounts::passkey_sign_in_options`] with this
    /// ticket.
    Passkey(&'a AssertionCredential),
}

/// An error from completing a sign-in. Except for [`InvalidTicket`](Self::InvalidTicket), the user
/// can try again with the same ticket.
#[derive(Debug, thiserror::Error)]
pub enum CompleteSignInError {
    /// The ticket has expired, was used, or is no longer valid for the account, for example because
    /// the password was changed. The user has to start again.
    #[error("the ticket is not valid")]
    InvalidTicket,
    /// The code or the recovery code is wrong, or was used before.
    #[error("the code is wrong")]
    CodeWrong,
    /// The passkey was rejected.
    #[error("the passkey was rejected")]
    CredentialInvalid,
    /// The challenge that the passkey has signed has expired or was used before.
    #[error("the challenge has expired")]
    ChallengeExpired,
    /// Too many codes of this kind were wrong. The code was not checked.
    #[error("too many codes were wrong")]
    TooManyAttempts {
        /// How long to wait before the next attempt.
        retry_after: Duration,
    },
    /// The service does not support passkeys ([`Accounts::relying_party`]).
    #[error("passkeys are not available")]
    PasskeysUnavailable,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// A first step of a sign-in that has succeeded.
pub(crate) struct FirstStep {
    pub(crate) user: UserId,
    pub(crate) method: Amr,
    pub(crate) remember: bool,
    pub(crate) password_version: PasswordVersion,
    pub(crate) device_version: DeviceVersion,
}

impl SignInOutcome {
    /// Returns the tokens, if a session was opened.
    #[must_use]
    pub fn into_tokens(self) -> Option<IssuedTokens> {
        match self {
            Self::SignedIn(tokens) => Some(tokens),
            Self::SecondFactorRequired(_) => None,
        }
    }
}

impl Accounts {
    /// Opens a session with the ticket of a sign-in and a second factor, and issues its first
    /// tokens.
    ///
    /// A wrong second factor does not use up the ticket. Wrong codes are counted, and lock out
    /// further codes of their kind; see [`CodeFailures`](auth_core::CodeFailures).
    ///
    /// # Errors
    ///
    /// [`CompleteSignInError`].
    pub async fn complete_sign_in(
        &self,
        request: CompleteSignIn<'_>,
    ) -> Result<IssuedTokens, CompleteSignInError> {
        let CompleteSignIn { ticket, factor, caller, replaces } = request;
        let now = self.clock.now();
        let ticket = self.keys.verify_ticket(ticket, now).await;
        let ticket = ticket.ok_or(CompleteSignInError::InvalidTicket)?;
        let user = ticket.user;
        let (factor, method) = match factor {
            SecondFactor::Code(code) => {
                let code = TotpCode::parse(code).map_err(|_| CompleteSignInError::CodeWrong)?;
                (PresentedFactor::AppCode(code), Amr::CODE)
            }
            SecondFactor::RecoveryCode(code) => {
                let code = RecoveryCode::parse(code).map_err(|_| CompleteSignInError::CodeWrong)?;
                (PresentedFactor::RecoveryCode(code.hash()), Amr::CODE)
            }
            SecondFactor::Passkey(credential) => {
                let purpose = ChallengePurpose::SecondStep(ticket.id);
                let by = PresentedBy::User(user);
                let (_, passkey) = self.verify_assertion(credential, &purpose, by, now).await?;
                (PresentedFactor::Passkey(passkey), Amr::PASSKEY_AS_SECOND_FACTOR)
            }
        };

        let Ticket { remember, first_step, .. } = ticket;
        let amr = first_step.with_second_factor(method);
        let request = SessionRequest { user, remember, amr, caller, replaces };
        let (session, tokens) = self.new_session(&request, now).await?;
        let (throttle, notice) = (self.code_throttle(), self.new_notice(now));
        let step = SecondStep { ticket, factor, session, throttle, notice };
        let store = Arc::clone(&self.store);
        let mail_requests = self.mail_requests.clone();
        let open = async move {
            let outcome = store.open_session_with_second_factor(&step).await;
            let outcome = outcome.map_err(ServiceError::from)?;
            // The use of a recovery code, the first lockout and a passkey that may have been copied
            // are announced.
            mail_requests.notify();
            let reason = match outcome {
                SecondStepOutcome::Opened(opened) => {
                    session_opened(&step.session.session, &opened.ended);
                    return Ok(opened);
                }
                SecondStepOutcome::TicketInvalid => CompleteSignInError::InvalidTicket,
                SecondStepOutcome::CodeWrong => CompleteSignInError::CodeWrong,
                SecondStepOutcome::LockedOut => {
                    log_code_lockout(user);
                    CompleteSignInError::CodeWrong
                }
                SecondStepOutcome::CredentialInvalid => CompleteSignInError::CredentialInvalid,
                SecondStepOutcome::ChallengeUsed => CompleteSignInError::ChallengeExpired,
                SecondStepOutcome::TooManyAttempts { retry_after } => {
                    CompleteSignInError::TooManyAttempts { retry_after }
                }
            };
            tracing::info!(%user, %reason, "sign-in failed at the second step");
            Err(reason)
        };
        let opened = self.tasks.run_to_completion(open).await?;

        let browser = self.browser(&opened.user, opened.device_version, caller, now).await;
        if first_step == Amr::PASSWORD {
            let (email, known) = (opened.user.email.as_str(), browser.known.as_ref());
            self.throttle.reset_sign_ins(email, known, &caller.client).await;
        }
        Ok(self.issue_first_tokens(tokens, &opened.user, &browser).await?)
    }

    /// Returns what a client needs for the second step, or `None` if the second factor of the
    /// account is off.
    pub(crate) async fn require_second_factor(
        &self,
        first_step: FirstStep,
    ) -> Result<Option<SecondFactorRequired>, ServiceError> {
        let FirstStep { user, method, remember, password_version, device_version } = first_step;
        let factors = self.store.factors(user).await?;
        let Some(second_factor_at) = factors.second_factor_at else { return Ok(None) };
        let now = self.clock.now();
        let ticket = Ticket {
            id: SingleUseId::generate(&*self.random),
            user,
            first_step: method,
            remember,
            password_version: password_version.0,
            device_version: device_version.0,
            second_factor_at,
            expires_at: now + Ticket::LIFETIME,
        };
        let mut kinds = Vec::new();
        if factors.totp.is_some() {
            kinds.push(FactorKind::Totp);
        }
        if self.relying_party.is_some() && !factors.passkeys.is_empty() {
            kinds.push(FactorKind::Passkey);
        }
        if factors.recovery_codes.is_some_and(|codes| codes.left > 0) {
            kinds.push(FactorKind::RecoveryCode);
        }
        tracing::info!(%user, "the first step of a sign-in succeeded: a second factor is required");
        let ticket = self.keys.issue_ticket(&ticket, now).await?;
        Ok(Some(SecondFactorRequired { ticket, factors: kinds, expires_in: Ticket::LIFETIME }))
    }

    /// Returns whether wrong codes count.
    pub(crate) const fn code_throttle(&self) -> CodeThrottle {
        match self.config.throttle {
            true => CodeThrottle::Enforced,
            false => CodeThrottle::Off,
        }
    }
}

/// Logs the start of a lockout of codes.
pub(crate) fn log_code_lockout(user: UserId) {
    tracing::warn!(%user, "too many wrong codes: further ones are rejected for a while");
}

impl fmt::Debug for SecondFactorRequired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecondFactorRequired")
            .field("factors", &self.factors)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

impl From<AssertionError> for CompleteSignInError {
    fn from(error: AssertionError) -> Self {
        match error {
            AssertionError::Rejected => Self::CredentialInvalid,
            AssertionError::ChallengeExpired => Self::ChallengeExpired,
            AssertionError::PasskeysUnavailable(_) => Self::PasskeysUnavailable,
            AssertionError::Service(error) => Self::Service(error),
        }
    }
}

//! The second factors of signed-in users. Changes require a fresh sign-in (OWASP ASVS 5.0, 7.5.1).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{RecoveryCode, RecoveryCodeHash, Timestamp, TotpCode, TotpSecret};
use user_store::{
    BeginTotpOutcome, ConfirmTotp, ConfirmTotpOutcome, Factors, ReplaceRecoveryCodesOutcome,
    StoreError, TurnOffOutcome, TurnOnOutcome,
};
use zeroize::Zeroizing;

use crate::accounts::Accounts;
use crate::authenticate::SignedIn;
use crate::caller::Caller;
use crate::config::SecondFactorPolicy;
use crate::mail::MailMode;
use crate::second_factor::log_code_lockout;
use crate::service_error::ServiceError;
use crate::throttle::{AttemptError, AttemptOutcome, AttemptScope};

/// An authenticator app that is being set up. `Debug` prints no secret.
#[derive(Clone)]
pub struct PendingTotp {
    /// The secret, for apps into which it is typed.
    pub secret: TotpSecret,
    /// The secret as an `otpauth:` URI, which apps read from a QR code. It contains the name of the
    /// service and the email address.
    pub uri: Zeroizing<String>,
    /// The time within which the app has to be confirmed with [`Accounts::confirm_totp`].
    pub expires_in: Duration,
}

/// An error that all changes to second factors and passkeys share.
#[derive(Debug, thiserror::Error)]
pub enum ChangeFactorError {
    /// The user signed in more than [10 minutes](auth_core::Session::FRESH_FOR) ago, and has to
    /// sign in again.
    #[error("the user has to sign in again")]
    StepUpRequired,
    /// A factor cannot be added, because mail is on and the email address is not verified. The user
    /// may not own the address, and must not leave a factor in an account that its owner takes over
    /// later.
    #[error("the email address is not verified")]
    EmailUnverified,
    /// The user has made too many changes of this kind.
    #[error("too many changes")]
    TooManyAttempts {
        /// How long to wait before the next change.
        retry_after: Duration,
    },
    /// The session has ended.
    #[error("the session has ended")]
    SessionEnded,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// An error from confirming an authenticator app.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmTotpError {
    /// The code is wrong.
    #[error("the code is wrong")]
    CodeWrong,
    /// No app is being set up, or the set-up has expired.
    #[error("no app is being set up")]
    NoPendingTotp,
    /// Too many codes were wrong. The code was not checked.
    #[error("too many codes were wrong")]
    TooManyAttempts {
        /// How long to wait before the next attempt.
        retry_after: Duration,
    },
    /// The factors cannot be changed.
    #[error(transparent)]
    Change(#[from] ChangeFactorError),
}

/// An error from turning the second factor on.
#[derive(Debug, thiserror::Error)]
pub enum TurnOnError {
    /// The user has no passkey.
    #[error("there is no passkey; add one, or set up an app")]
    NoFactor,
    /// The factors cannot be changed.
    #[error(transparent)]
    Change(#[from] ChangeFactorError),
}

/// An error from turning the second factor off.
#[derive(Debug, thiserror::Error)]
pub enum TurnOffError {
    /// All users must have a second factor ([`SecondFactorPolicy::Required`]).
    #[error("all users must have a second factor")]
    Enforced,
    /// The factors cannot be changed.
    #[error(transparent)]
    Change(#[from] ChangeFactorError),
}

/// An error from replacing the recovery codes.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceRecoveryCodesError {
    /// The second factor is off.
    #[error("the second factor is off")]
    SecondFactorOff,
    /// The factors cannot be changed.
    #[error(transparent)]
    Change(#[from] ChangeFactorError),
}

/// The time within which an app has to be confirmed.
const SETUP_LIFETIME: Duration = Duration::from_mins(15);

impl Accounts {
    /// Returns the second factors and the passkeys of the user.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn factors(&self, signed_in: &SignedIn) -> Result<Factors, StoreError> {
        self.store.factors(signed_in.id()).await
    }

    /// Begins the set-up of an authenticator app, with a new secret. The new app replaces one that
    /// is being set up. An app that is in use stays in use until the new one is confirmed.
    ///
    /// # Errors
    ///
    /// [`ChangeFactorError`].
    pub async fn begin_totp(
        &self,
        signed_in: &SignedIn,
        caller: &Caller,
    ) -> Result<PendingTotp, ChangeFactorError> {
        let now = self.clock.now();
        self.check_may_add_factor(signed_in, now)?;
        self.count_factor_change(signed_in).await?;
        let secret = TotpSecret::generate(&*self.random);
        let uri = secret.to_uri(self.config.public_name(), signed_in.email());
        let pending = PendingTotp { secret: secret.clone(), uri, expires_in: SETUP_LIFETIME };
        let (store, acting) = (Arc::clone(&self.store), signed_in.acting(caller));
        let begin = async move {
            let outcome = store.begin_totp(&acting, &secret, now + SETUP_LIFETIME, now).await;
            match outcome? {
                BeginTotpOutcome::Stored => Ok(()),
                BeginTotpOutcome::SessionEnded => Err(ChangeFactorError::SessionEnded),
            }
        };
        self.tasks.run_to_completion(begin).await?;
        Ok(pending)
    }

    /// Confirms the app that is being set up with one of its codes, and ends all other sessions of
    /// the user. Returns ten recovery codes if this turned the second factor on, and none if the
    /// app replaced another one or was added to a passkey. They are not shown again.
    ///
    /// A text that cannot be a code does not count as an attempt.
    ///
    /// # Errors
    ///
    /// [`ConfirmTotpError`].
    pub async fn confirm_totp(
        &self,
        signed_in: &SignedIn,
        code: &str,
        caller: &Caller,
    ) -> Result<Vec<RecoveryCode>, ConfirmTotpError> {
        let (now, user) = (self.clock.now(), signed_in.id());
        self.check_may_add_factor(signed_in, now)?;
        let code = TotpCode::parse(code).map_err(|_| ConfirmTotpError::CodeWrong)?;
        self.count_factor_change(signed_in).await?;
        let recovery_codes = RecoveryCode::generate_list(&*self.random);
        let confirmation = ConfirmTotp {
            code,
            recovery_codes: hashes(&recovery_codes),
            throttle: self.code_throttle(),
            notice: self.new_notice(now),
        };
        let (store, acting) = (Arc::clone(&self.store), signed_in.acting(caller));
        let erase_requests = self.erase_requests.clone();
        let mail_requests = self.mail_requests.clone();
        let confirm = async move {
            let outcome = store.confirm_totp(&acting, &confirmation, now).await;
            let outcome = outcome.map_err(ChangeFactorError::from)?;
            // The first lockout is also announced.
            mail_requests.notify();
            match outcome {
                ConfirmTotpOutcome::TurnedOn => {
                    erase_requests.notify();
                    tracing::info!(%user, "turned the second factor on with an app");
                    Ok(recovery_codes)
                }
                ConfirmTotpOutcome::Replaced => {
                    erase_requests.notify();
                    tracing::info!(%user, "replaced the app");
                    Ok(Vec::new())
                }
                ConfirmTotpOutcome::LockedOut => {
                    log_code_lockout(user);
                    Err(ConfirmTotpError::CodeWrong)
                }
                ConfirmTotpOutcome::CodeWrong => {
                    tracing::info!(%user, "an app was not confirmed: wrong code");
                    Err(ConfirmTotpError::CodeWrong)
                }
                ConfirmTotpOutcome::NoPendingTotp => Err(ConfirmTotpError::NoPendingTotp),
                ConfirmTotpOutcome::TooManyAttempts { retry_after } => {
                    Err(ConfirmTotpError::TooManyAttempts { retry_after })
                }
                ConfirmTotpOutcome::SessionEnded => Err(ChangeFactorError::SessionEnded.into()),
            }
        };
        self.tasks.run_to_completion(confirm).await
    }

    /// Turns the second factor on for a user with a passkey, and ends all other sessions of the
    /// user. Returns ten recovery codes, or none if it was already on. They are not shown again.
    ///
    /// # Errors
    ///
    /// [`TurnOnError`].
    pub async fn turn_second_factor_on(
        &self,
        signed_in: &SignedIn,
        caller: &Caller,
    ) -> Result<Vec<RecoveryCode>, TurnOnError> {
        let (now, user) = (self.clock.now(), signed_in.id());
        self.check_may_add_factor(signed_in, now)?;
        self.count_factor_change(signed_in).await?;
        let recovery_codes = RecoveryCode::generate_list(&*self.random);
        let (hashes, notice) = (hashes(&recovery_codes), self.new_notice(now));
        let (store, acting) = (Arc::clone(&self.store), signed_in.acting(caller));
        let erase_requests = self.erase_requests.clone();
        let mail_requests = self.mail_requests.clone();
        let turn_on = async move {
            let outcome = store.turn_second_factor_on(&acting, &hashes, notice, now).await;
            match outcome.map_err(ChangeFactorError::from)? {
                TurnOnOutcome::TurnedOn => {
                    erase_requests.notify();
                    mail_requests.notify();
                    tracing::info!(%user, "turned the second factor on with a passkey");
                    Ok(recovery_codes)
                }
                TurnOnOutcome::AlreadyOn => Ok(Vec::new()),
                TurnOnOutcome::NoFactor => Err(TurnOnError::NoFactor),
                TurnOnOutcome::SessionEnded => Err(ChangeFactorError::SessionEnded.into()),
            }
        };
        self.tasks.run_to_completion(turn_on).await
    }

    /// Turns the second factor off: deletes the app and the recovery codes, and ends all other
    /// sessions of the user. Passkeys stay. Also succeeds if it was already off.
    ///
    /// # Errors
    ///
    /// [`TurnOffError`].
    pub async fn turn_second_factor_off(
        &self,
        signed_in: &SignedIn,
        caller: &Caller,
    ) -> Result<(), TurnOffError> {
        let (now, user) = (self.clock.now(), signed_in.id());
        self.check_fresh(signed_in, now)?;
        match self.config.require_second_factor {
            SecondFactorPolicy::Required => return Err(TurnOffError::Enforced),
            SecondFactorPolicy::Optional => {}
        }
        let (acting, notice) = (signed_in.acting(caller), self.new_notice(now));
        let store = Arc::clone(&self.store);
        let (erase_requests, mail_requests) =
            (self.erase_requests.clone(), self.mail_requests.clone());
        let turn_off = async move {
            let outcome = store.turn_second_factor_off(&acting, notice, now).await;
            match outcome.map_err(ChangeFactorError::from)? {
                TurnOffOutcome::TurnedOff => {
                    erase_requests.notify();
                    mail_requests.notify();
                    tracing::info!(%user, "turned the second factor off");
                    Ok(())
                }
                TurnOffOutcome::AlreadyOff => Ok(()),
                TurnOffOutcome::SessionEnded => Err(ChangeFactorError::SessionEnded.into()),
            }
        };
        self.tasks.run_to_completion(turn_off).await
    }

    /// Replaces the recovery codes. Returns ten new ones, which are not shown again. Ends no
    /// session.
    ///
    /// # Errors
    ///
    /// [`ReplaceRecoveryCodesError`].
    pub async fn replace_recovery_codes(
        &self,
        signed_in: &SignedIn,
        caller: &Caller,
    ) -> Result<Vec<RecoveryCode>, ReplaceRecoveryCodesError> {
        let (now, user) = (self.clock.now(), signed_in.id());
        self.check_fresh(signed_in, now)?;
        self.count_factor_change(signed_in).await?;
        let recovery_codes = RecoveryCode::generate_list(&*self.random);
        let (hashes, notice) = (hashes(&recovery_codes), self.new_notice(now));
        let (store, acting) = (Arc::clone(&self.store), signed_in.acting(caller));
        let (erase_requests, mail_requests) =
            (self.erase_requests.clone(), self.mail_requests.clone());
        let replace = async move {
            let outcome = store.replace_recovery_codes(&acting, &hashes, notice, now).await;
            match outcome.map_err(ChangeFactorError::from)? {
                ReplaceRecoveryCodesOutcome::Replaced => {
                    erase_requests.notify();
                    mail_requests.notify();
                    tracing::info!(%user, "replaced the recovery codes");
                    Ok(recovery_codes)
                }
                ReplaceRecoveryCodesOutcome::SecondFactorOff => {
                    Err(ReplaceRecoveryCodesError::SecondFactorOff)
                }
                ReplaceRecoveryCodesOutcome::SessionEnded => {
                    Err(ChangeFactorError::SessionEnded.into())
                }
            }
        };
        self.tasks.run_to_completion(replace).await
    }

    /// Counts a change to the user's factors, even if it then fails. Removals are not counted:
    /// otherwise, an attacker with access to the account could reach the limit on purpose, so that
    /// the owner could not remove the attacker's passkey. The number of removals is limited anyway,
    /// because every factor was counted when it was added.
    pub(crate) async fn count_factor_change(
        &self,
        signed_in: &SignedIn,
    ) -> Result<(), ChangeFactorError> {
        let scope = AttemptScope::factor_change(signed_in.id());
        let attempt = self.throttle.begin(&scope, self.passwords.deadline()).await?;
        attempt.settle(AttemptOutcome::Failed).await;
        Ok(())
    }

    /// Checks that the user may add a factor. The store checks the session again.
    pub(crate) fn check_may_add_factor(
        &self,
        signed_in: &SignedIn,
        now: Timestamp,
    ) -> Result<(), ChangeFactorError> {
        self.check_fresh(signed_in, now)?;
        if self.mail() == MailMode::On && signed_in.email_verified_at().is_none() {
            return Err(ChangeFactorError::EmailUnverified);
        }
        Ok(())
    }

    pub(crate) fn check_fresh(
        &self,
        signed_in: &SignedIn,
        now: Timestamp,
    ) -> Result<(), ChangeFactorError> {
        if signed_in.is_fresh(now) { Ok(()) } else { Err(ChangeFactorError::StepUpRequired) }
    }
}

fn hashes(codes: &[RecoveryCode]) -> Vec<RecoveryCodeHash> {
    codes.iter().map(RecoveryCode::hash).collect()
}

impl fmt::Debug for PendingTotp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingTotp").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

impl From<AttemptError> for ChangeFactorError {
    fn from(error: AttemptError) -> Self {
        match error {
            AttemptError::TooMany { retry_after } => Self::TooManyAttempts { retry_after },
            AttemptError::Service(error) => Self::Service(error),
        }
    }
}

impl From<StoreError> for ChangeFactorError {
    fn from(error: StoreError) -> Self {
        Self::Service(error.into())
    }
}

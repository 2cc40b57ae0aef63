use std::sync::Arc;
use std::time::Duration;

use auth_core::{Amr, EmailKey, Password, RefreshToken, Timestamp, UserId, Verification};
use user_store::{Challenge, Credentials, Event, EventKind, OpenSessionOutcome, PasswordVersion};

use crate::accounts::Accounts;
use crate::browser::Browser;
use crate::caller::Caller;
use crate::new_session::{SessionRequest, session_opened};
use crate::second_factor::{FirstStep, SignInOutcome};
use crate::service_error::ServiceError;
use crate::throttle::{Attempt, AttemptError, AttemptOutcome, AttemptScope};

/// The arguments of [`Accounts::sign_in`].
#[derive(Clone, Copy)]
pub struct SignIn<'a> {
    /// The email address. It can be any text: an invalid address is handled like an unknown one.
    pub email: &'a str,
    /// The password. It can be any text: the rules for new passwords do not apply.
    pub password: &'a str,
    /// `true` if the session should survive closing the browser. See
    /// [`SessionPolicy::remembered`](auth_core::SessionPolicy::remembered).
    pub remember: bool,
    /// The sender of the request.
    pub caller: &'a Caller,
    /// A refresh token of the session that the new session replaces. The old session is ended if it
    /// belongs to the same user (OWASP ASVS 5.0, 7.2.4).
    pub replaces: Option<&'a RefreshToken>,
}

/// An error from signing in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The email address or the password is wrong, or the account is disabled. Neither the error
    /// nor the response time reveals the reason (OWASP ASVS 5.0, 6.3.8).
    #[error("the email address or the password is wrong")]
    InvalidCredentials,
    /// Too many attempts have failed. The password was not checked.
    #[error("too many attempts have failed")]
    TooManyAttempts {
        /// How long to wait before the next attempt.
        retry_after: Duration,
    },
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl<'a> SignIn<'a> {
    /// Builds a sign-in without `remember` that replaces no session.
    #[must_use]
    pub const fn new(email: &'a str, password: &'a str, caller: &'a Caller) -> Self {
        Self { email, password, remember: false, caller, replaces: None }
    }
}

impl Accounts {
    /// Checks an email address and a password, opens a session, and issues its first tokens. If the
    /// second factor of the account is on, opens no session and returns a ticket for
    /// [`complete_sign_in`](Self::complete_sign_in).
    ///
    /// ```
    /// # use accounts::{Accounts, Caller, SignIn, SignInOutcome};
    /// # async fn example(accounts: &Accounts) -> Result<(), accounts::SignInError> {
    /// let caller = Caller::default();
    /// let sign_in = SignIn::new("ada@example.com", "a long walk along the sea", &caller);
    /// match accounts.sign_in(SignIn { remember: true, ..sign_in }).await? {
    ///     SignInOutcome::SignedIn(tokens) => println!("{}", tokens.access.token.as_str()),
    ///     SignInOutcome::SecondFactorRequired(required) => println!("{:?}", required.factors),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SignInError`].
    pub async fn sign_in(&self, request: SignIn<'_>) -> Result<SignInOutcome, SignInError> {
        let SignIn { email, password, remember, caller, replaces } = request;
        let password = Password::new(password);
        let failure =
            Event::by_user(EventKind::SignInFailed, self.clock.now(), caller.client.clone());
        let email_key = EmailKey::parse(email).ok();
        let check = PasswordCheck { email, email_key, password: &password, caller, failure };
        let correct = match self.check_password(check).await? {
            PasswordCheckOutcome::Correct(correct) => correct,
            PasswordCheckOutcome::Wrong => return Err(SignInError::InvalidCredentials),
        };
        let CorrectPassword { user, version, second_factor_at, browser, .. } = correct;
        let rehashed = if correct.is_hash_outdated {
            let rehashed = self.passwords.rehash_unless_overloaded(password).await;
            rehashed.map_err(ServiceError::from)?
        } else {
            None
        };
        let attempt = correct.attempt;
        let first_step = FirstStep {
            user,
            method: Amr::PASSWORD,
            remember,
            password_version: version,
            device_version: browser.device_version,
        };
        if second_factor_at.is_some() {
            // No counter is reset before the second step.
            attempt.settle(AttemptOutcome::Void).await;
            if let Some(rehashed) = rehashed {
                let store = Arc::clone(&self.store);
                let rehash = async move { store.rehash_password(user, version, &rehashed).await };
                self.tasks.run_to_completion(rehash).await.map_err(ServiceError::from)?;
            }
            return self.finish_first_step(first_step).await;
        }

        let now = self.clock.now();
        let request = SessionRequest { user, remember, amr: Amr::PASSWORD, caller, replaces };
        let (new, tokens) = self.new_session(&request, now).await?;
        let store = Arc::clone(&self.store);
        let open = async move {
            let opened = store.open_session(&new, version, rehashed.as_ref()).await;
            let opened = opened.map_err(ServiceError::from)?;
            match &opened {
                OpenSessionOutcome::Opened { ended, .. } => {
                    attempt.settle(AttemptOutcome::Succeeded).await;
                    session_opened(&new.session, ended);
                }
                OpenSessionOutcome::CredentialsChanged
                | OpenSessionOutcome::SecondFactorRequired => {
                    // The password was correct when it was checked: this was not a guess.
                    attempt.settle(AttemptOutcome::Void).await;
                }
            }
            Ok::<_, SignInError>(opened)
        };
        match self.tasks.run_to_completion(open).await? {
            OpenSessionOutcome::Opened { user, .. } => {
                let tokens = self.issue_first_tokens(tokens, &user, &browser).await?;
                Ok(SignInOutcome::SignedIn(tokens))
            }
            OpenSessionOutcome::CredentialsChanged => Err(SignInError::InvalidCredentials),
            // The second factor has just been turned on.
            OpenSessionOutcome::SecondFactorRequired => self.finish_first_step(first_step).await,
        }
    }

    async fn finish_first_step(&self, first_step: FirstStep) -> Result<SignInOutcome, SignInError> {
        match self.require_second_factor(first_step).await? {
            Some(required) => Ok(SignInOutcome::SecondFactorRequired(required)),
            // The second factor has just been turned off.
            None => Err(SignInError::InvalidCredentials),
        }
    }

    /// Checks a password, unless too many attempts have failed.
    ///
    /// The attempt is counted before the account is looked up, so a throttled attempt takes as long
    /// whether or not the account exists. If the account does not exist or is disabled, the work is
    /// that of a decoy ([`Challenge::Decoy`]). This takes as long as a real check and always fails.
    pub(crate) async fn check_password(
        &self,
        check: PasswordCheck<'_>,
    ) -> Result<PasswordCheckOutcome, PasswordCheckError> {
        let PasswordCheck { email, email_key, password, caller, failure } = check;
        let now = self.clock.now();
        let claimed = match (&email_key, &caller.device) {
            (Some(key), Some(device)) => self.keys.recognize_device(key, device, now).await,
            _ => None,
        };
        let deadline = self.passwords.deadline();
        let scope = AttemptScope::sign_in(email, claimed.as_ref(), &caller.client);
        let mut attempt = self.throttle.begin(&scope, deadline).await?;

        let challenge = match &email_key {
            Some(key) => {
                let position = self.decoy_key.position(key);
                self.store.credentials(key, &position).await.map_err(ServiceError::from)?
            }
            None => Challenge::Decoy(None),
        };
        if let Challenge::Account(credentials) = &challenge
            && credentials.password_hash.is_unusable()
        {
            tracing::warn!(
                user = %credentials.user_id,
                "the stored password hash cannot be verified by this version: set a new password"
            );
        }
        let account = match (&email_key, &challenge) {
            (Some(key), Challenge::Account(credentials)) => {
                Some(self.account(key, credentials, caller).await?)
            }
            _ => None,
        };
        let known_browser = account.as_ref().and_then(|account| account.browser.known);
        if claimed.is_some() && claimed != known_browser {
            // The token is genuine but outdated: the account has forgotten the browser, the account
            // was deleted, or a key was retired. The attempt counts as one of an unknown browser.
            attempt.settle(AttemptOutcome::Void).await;
            let scope = AttemptScope::sign_in(email, None, &caller.client);
            attempt = self.throttle.begin(&scope, deadline).await?;
        }
        let is_sign_in = failure.kind == EventKind::SignInFailed;
        let user = account.as_ref().map(|account| account.user);
        let attempt = attempt.with_failure(Event { user, ..failure });

        // If the caller disconnects while the password is queued, the job and the attempt are
        // dropped. Once the verification has begun, its outcome is recorded even if the caller
        // disconnects.
        let queued = self.passwords.queue_verification(password.clone(), challenge, deadline);
        let (_slot, verification) = queued.map_err(ServiceError::from)?;
        let verify = async move {
            let verification = verification.get().await.map_err(ServiceError::from)?;
            let is_hash_outdated = match verification {
                Verification::Match => Some(false),
                Verification::MatchOutdated => Some(true),
                Verification::Mismatch => None,
            };
            match (account, is_hash_outdated) {
                (Some(account), Some(is_hash_outdated)) => {
                    let CheckedAccount { user, version, second_factor_at, browser } = account;
                    Ok(PasswordCheckOutcome::Correct(CorrectPassword {
                        user,
                        version,
                        second_factor_at,
                        browser,
                        is_hash_outdated,
                        attempt,
                    }))
                }
                _ => {
                    let user = user.map(tracing::field::display);
                    if is_sign_in {
                        tracing::info!(
                            user,
                            "sign-in failed: wrong password, or unknown or disabled account"
                        );
                    } else {
                        tracing::info!(user, "reauthentication failed: wrong password");
                    }
                    attempt.settle(AttemptOutcome::Failed).await;
                    Ok(PasswordCheckOutcome::Wrong)
                }
            }
        };
        self.tasks.run_to_completion(verify).await
    }

    /// Returns the account of these credentials, and whether it knows the browser of the caller.
    async fn account(
        &self,
        email: &EmailKey,
        credentials: &Credentials,
        caller: &Caller,
    ) -> Result<CheckedAccount, ServiceError> {
        // Use the newest keys, so that device tokens of retired keys are not recognised.
        let keys = self.keys.with_version(credentials.key_set_version).await?;
        let (user, device_version) = (credentials.user_id, credentials.device_version);
        let now = self.clock.now();
        let device = caller.device.as_ref();
        let known = device
            .and_then(|device| keys.recognize_device(email, device, now))
            .filter(|browser| browser.user == user && browser.version == device_version.0);
        Ok(CheckedAccount {
            user,
            version: credentials.password_version,
            second_factor_at: credentials.second_factor_at,
            browser: Browser { email: email.clone(), user, device_version, known },
        })
    }
}

/// An account whose password is checked.
struct CheckedAccount {
    user: UserId,
    version: PasswordVersion,
    second_factor_at: Option<Timestamp>,
    browser: Browser,
}

/// The arguments of [`Accounts::check_password`].
pub(crate) struct PasswordCheck<'a> {
    pub(crate) email: &'a str,
    /// `None` if no account can have this email address.
    pub(crate) email_key: Option<EmailKey>,
    pub(crate) password: &'a Password,
    pub(crate) caller: &'a Caller,
    /// Recorded if the password is wrong.
    pub(crate) failure: Event,
}

/// The outcome of [`Accounts::check_password`].
#[must_use]
#[expect(clippy::large_enum_variant, reason = "it is matched immediately and never stored")]
pub(crate) enum PasswordCheckOutcome {
    Correct(CorrectPassword),
    Wrong,
}

/// A password that was correct when it was checked.
pub(crate) struct CorrectPassword {
    pub(crate) user: UserId,
    pub(crate) version: PasswordVersion,
    /// When the second factor was turned on, if it is on.
    pub(crate) second_factor_at: Option<Timestamp>,
    pub(crate) browser: Browser,
    /// `true` if the stored hash is weaker than a new one or comes from another system.
    pub(crate) is_hash_outdated: bool,
    /// Must be settled when the action that required the password has succeeded or failed.
    pub(crate) attempt: Attempt,
}

/// An error from [`Accounts::check_password`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum PasswordCheckError {
    #[error("too many attempts have failed")]
    TooManyAttempts { retry_after: Duration },
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl From<AttemptError> for PasswordCheckError {
    fn from(error: AttemptError) -> Self {
        match error {
            AttemptError::TooMany { retry_after } => Self::TooManyAttempts { retry_after },
            AttemptError::Service(error) => Self::Service(error),
        }
    }
}

impl From<PasswordCheckError> for SignInError {
    fn from(error: PasswordCheckError) -> Self {
        match error {
            PasswordCheckError::TooManyAttempts { retry_after } => {
                Self::TooManyAttempts { retry_after }
            }
            PasswordCheckError::Service(error) => Self::Service(error),
        }
    }
}

//! What a person can do with their own account, for which they give their password once
//! more (OWASP ASVS 5.0, 7.5.1).

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{DeviceToken, NewPassword, Password, PasswordError};
use user_store::{
    Event, EventKind, ReauthenticatedOutcome, Reauthentication, StoreError, UserData, UserStore,
};

use crate::throttle::{Attempt, Outcome};
use crate::verify::{Verified, VerifyError};
use crate::{AccountEvent, Accounts, AuthenticateError, Caller, HashingError, PRODUCT, SignedIn};

/// Why nothing was changed that the password was asked for.
#[derive(Debug, thiserror::Error)]
pub enum OwnAccountError {
    /// The new password breaks a rule.
    #[error("the new password breaks a rule")]
    Invalid(#[from] PasswordError),
    /// The password given is not the one in force.
    #[error("the password is not the one in force")]
    WrongPassword,
    /// Too many attempts have failed. Whether this one would have is not said.
    #[error("too many attempts have failed")]
    TooManyAttempts {
        /// When the next one is taken.
        retry_after: Duration,
    },
    /// The session has ended meanwhile.
    #[error("the session is over")]
    SessionEnded,
    /// A password could not be hashed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Accounts {
    /// Changes the password, and ends all other sessions of the user (OWASP ASVS 5.0, 6.2.3
    /// and 7.4.3): whoever was signed in with the old password has to know the new one. No
    /// browser is known to the account any more but this one, if it was, by what is answered.
    ///
    /// # Errors
    ///
    /// [`OwnAccountError`] says why not; the new password is looked at first.
    pub async fn change_password(
        &self,
        signed_in: &SignedIn,
        current: &str,
        new: &str,
        caller: &Caller,
    ) -> Result<Option<DeviceToken>, OwnAccountError> {
        let context = [signed_in.user().email.as_str(), PRODUCT];
        let new = NewPassword::parse(new, &self.settings.password_policy, &context)?;
        let (word, verified) = self.reauthenticate(signed_in, current, caller).await?;
        let (hash, now) = (self.hash(new).await?, self.clock.now());
        let Verified { user, password, is_known_browser, attempt, .. } = verified;
        let change = |store: Arc<dyn UserStore>| async move {
            store.change_password(&word, &hash, now).await
        };
        let event = AccountEvent::PasswordChanged { user };
        self.carry_out(signed_in, attempt, change, event).await?;
        Ok(is_known_browser.then(|| self.device_token(user, password.next(), caller)).flatten())
    }

    /// Deletes the account, its sessions and all that is held about its user, at once and
    /// for good. Answers whether the browser was known to it, and has nothing to be known to
    /// any more.
    ///
    /// # Errors
    ///
    /// [`OwnAccountError`] says why not.
    pub async fn delete_account(
        &self,
        signed_in: &SignedIn,
        password: &str,
        caller: &Caller,
    ) -> Result<bool, OwnAccountError> {
        let (word, verified) = self.reauthenticate(signed_in, password, caller).await?;
        let now = self.clock.now();
        let change =
            |store: Arc<dyn UserStore>| async move { store.delete_own_account(&word, now).await };
        let event = AccountEvent::Deleted { user: verified.user };
        self.carry_out(signed_in, verified.attempt, change, event).await?;
        Ok(verified.is_known_browser)
    }

    /// Everything that is held about the user.
    ///
    /// # Errors
    ///
    /// [`AuthenticateError::InvalidToken`] if the account was deleted meanwhile, and
    /// [`AuthenticateError::Store`].
    pub async fn export(&self, signed_in: &SignedIn) -> Result<UserData, AuthenticateError> {
        let held = self.store.user_data(signed_in.user().id).await?;
        held.ok_or(AuthenticateError::InvalidToken)
    }

    /// What has happened to the account, the last first: what its user should know, and tell
    /// by what was not them (OWASP ASVS 5.0, 6.3.5).
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer.
    pub async fn activity(&self, signed_in: &SignedIn) -> Result<Vec<Event>, StoreError> {
        self.store.activity(signed_in.user().id, Self::MAX_ACTIVITY).await
    }

    /// How many events [`activity`](Self::activity) answers at most. More of them are in the
    /// [`export`](Self::export), [2,000](UserData::MAX_EVENTS) at most.
    pub const MAX_ACTIVITY: u32 = 50;

    async fn reauthenticate(
        &self,
        signed_in: &SignedIn,
        password: &str,
        caller: &Caller,
    ) -> Result<(Reauthentication, Verified), OwnAccountError> {
        let (user, session) = (signed_in.user(), *signed_in.session());
        let (client, now) = (caller.client.clone(), self.clock.now());
        let failure = Event::by_user(EventKind::PasswordCheckFailed, now, client.clone());
        let failure = failure.in_session(session.id);
        let password = Password::new(password);
        match self.verify(user.email.as_str(), &password, caller, failure).await? {
            Some(verified) if verified.user == user.id => {
                let word = Reauthentication { session, client, verified: verified.password };
                return Ok((word, verified));
            }
            _ => {}
        }
        // It is not the password that is wrong if the account is gone.
        match self.store.session(session.id, self.clock.now()).await? {
            Some(_) => Err(OwnAccountError::WrongPassword),
            None => Err(OwnAccountError::SessionEnded),
        }
    }

    /// Makes a change that somebody has given their word for, and tells the log and the app.
    async fn carry_out<F>(
        &self,
        signed_in: &SignedIn,
        attempt: Attempt,
        make: impl FnOnce(Arc<dyn UserStore>) -> F,
        event: AccountEvent,
    ) -> Result<(), OwnAccountError>
    where
        F: Future<Output = Result<ReauthenticatedOutcome, StoreError>> + Send + 'static,
    {
        let (user, session) = (signed_in.user().id, signed_in.session().id);
        let what = match event {
            AccountEvent::Deleted { .. } => "deleted the account",
            _ => "changed the password",
        };
        let hooks = self.hooks.clone();
        let tell = |store| {
            let change = make(store);
            async move {
                let (outcome, done) = match change.await? {
                    ReauthenticatedOutcome::Done => {
                        tracing::info!(%user, %session, "{what}");
                        hooks.tell(&event);
                        (Outcome::Succeeded, Ok(()))
                    }
                    // It was right when it was given: nobody has guessed.
                    ReauthenticatedOutcome::CredentialsChanged => {
                        (Outcome::Void, Err(OwnAccountError::WrongPassword))
                    }
                    ReauthenticatedOutcome::SessionEnded => {
                        (Outcome::Void, Err(OwnAccountError::SessionEnded))
                    }
                };
                attempt.settle(outcome).await;
                done
            }
        };
        self.change(tell).await
    }
}

impl From<VerifyError> for OwnAccountError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::TooManyAttempts { retry_after } => Self::TooManyAttempts { retry_after },
            VerifyError::Hashing(error) => error.into(),
            VerifyError::Store(error) => error.into(),
        }
    }
}

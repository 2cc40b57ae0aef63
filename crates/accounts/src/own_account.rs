//! What a person can do with their own account, for which they give their password once
//! more (OWASP ASVS 5.0, 7.5.1).

use std::future::Future;
use std::sync::Arc;

use auth_core::{NewPassword, Password, PasswordError, Timestamp};
use user_store::{Holdings, Reauthenticated, Reauthentication, StoreError, UserStore};

use crate::to_the_end::to_the_end;
use crate::verify::{ATTEMPTS, Verified, VerifyError};
use crate::{Accounts, AuthenticateError, HashingError, PRODUCT, SignedIn};

/// Why nothing was changed that the password was asked for.
#[derive(Debug, thiserror::Error)]
pub enum OwnAccountError {
    /// The new password breaks a rule.
    #[error("the new password breaks a rule")]
    Invalid(#[from] PasswordError),
    /// The password given is not the one in force.
    #[error("the password is not the one in force")]
    WrongPassword,
    /// The session has ended meanwhile.
    #[error("the session is over")]
    SessionOver,
    /// A password could not be hashed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A password that was given once more, and was right.
struct Word<'a> {
    signed_in: &'a SignedIn,
    password: Password,
    verified: Verified,
}

impl Accounts {
    /// Changes the password, and ends all other sessions of the user (OWASP ASVS 5.0, 6.2.3
    /// and 7.4.3): whoever was signed in with the old password has to know the new one.
    ///
    /// # Errors
    ///
    /// [`OwnAccountError`] says why not; the new password is looked at first.
    pub async fn change_password(
        &self,
        signed_in: &SignedIn,
        current: &str,
        new: &str,
    ) -> Result<(), OwnAccountError> {
        let context = [signed_in.user().email.as_str(), PRODUCT];
        let new = NewPassword::parse(new, &self.settings.password_policy, &context)?;
        let word = self.reauthenticate(signed_in, Password::new(current)).await?;
        let hash = self.hash(new).await?;
        let change = |store: Arc<dyn UserStore>, word, now| {
            let hash = hash.clone();
            async move { store.change_password(&word, &hash, now).await }
        };
        self.carry_out(word, change, "changed the password").await
    }

    /// Deletes the account, its sessions and all that is held about its user, at once and
    /// for good.
    ///
    /// # Errors
    ///
    /// [`OwnAccountError`] says why not.
    pub async fn delete_account(
        &self,
        signed_in: &SignedIn,
        password: &str,
    ) -> Result<(), OwnAccountError> {
        let word = self.reauthenticate(signed_in, Password::new(password)).await?;
        let change = |store: Arc<dyn UserStore>, word, now| async move {
            store.close_account(&word, now).await
        };
        self.carry_out(word, change, "deleted the account").await
    }

    /// Everything that is held about the user.
    ///
    /// # Errors
    ///
    /// [`AuthenticateError::InvalidToken`] if the account was deleted meanwhile, and
    /// [`AuthenticateError::Store`].
    pub async fn export(&self, signed_in: &SignedIn) -> Result<Holdings, AuthenticateError> {
        let held = self.store.holdings(signed_in.user().id).await?;
        held.ok_or(AuthenticateError::InvalidToken)
    }

    async fn reauthenticate<'a>(
        &self,
        signed_in: &'a SignedIn,
        password: Password,
    ) -> Result<Word<'a>, OwnAccountError> {
        let user = signed_in.user();
        if let Some(verified) = self.verify(Some(&user.email), &password).await?
            && verified.user == user.id
        {
            return Ok(Word { signed_in, password, verified });
        }
        // It is not the password that is wrong if the account is gone.
        match self.store.session(signed_in.session().id, self.clock.now()).await? {
            Some(_) => Err(OwnAccountError::WrongPassword),
            None => Err(OwnAccountError::SessionOver),
        }
    }

    /// Makes a change that somebody has given their word for. (It takes the store, not the
    /// accounts, for it goes on if its caller goes away.)
    async fn carry_out<F>(
        &self,
        mut word: Word<'_>,
        change: impl Fn(Arc<dyn UserStore>, Reauthentication, Timestamp) -> F,
        what: &'static str,
    ) -> Result<(), OwnAccountError>
    where
        F: Future<Output = Result<Reauthenticated, StoreError>> + Send + 'static,
    {
        let Word { signed_in, .. } = word;
        let (user, session) = (signed_in.user().id, signed_in.session().id);
        for _ in 0..ATTEMPTS {
            let outdated = word.verified.outdated;
            let change = change(Arc::clone(&self.store), word.to_reauthentication(), self.now());
            let outcome = to_the_end(async move {
                let outcome = change.await?;
                if outcome == Reauthenticated::Done {
                    tracing::info!(%user, %session, "{what}");
                }
                Ok::<_, StoreError>(outcome)
            });
            match outcome.await? {
                Reauthenticated::Done => return Ok(()),
                Reauthenticated::SessionOver => return Err(OwnAccountError::SessionOver),
                // A log-in may have renewed the hash, and the password is what it was.
                Reauthenticated::CredentialsChanged if outdated => {
                    word = self.reauthenticate(signed_in, word.password).await?;
                }
                Reauthenticated::CredentialsChanged => break,
            }
        }
        Err(OwnAccountError::WrongPassword)
    }
}

impl Word<'_> {
    fn to_reauthentication(&self) -> Reauthentication {
        let (session, verified) = (*self.signed_in.session(), self.verified.hash.clone());
        Reauthentication { session, verified }
    }
}

impl From<VerifyError> for OwnAccountError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Hashing(error) => error.into(),
            VerifyError::Store(error) => error.into(),
        }
    }
}

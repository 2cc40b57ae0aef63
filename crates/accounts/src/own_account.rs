//! What a person can do with their own account, for which they give their password once
//! more (OWASP ASVS 5.0, 7.5.1).

use std::sync::Arc;

use auth_core::{NewPassword, Password, PasswordError};
use user_store::{Holdings, Reauthenticated, Reauthentication, StoreError};

use crate::verify::{ATTEMPTS, VerifyError};
use crate::{Accounts, HashingError, PRODUCT, SignedIn};

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
        let current = Password::new(current);
        for _ in 0..ATTEMPTS {
            let word = self.reauthenticate(signed_in, &current).await?;
            let (new, random) = (new.clone(), Arc::clone(&self.random));
            let hash = self.hashing.run(move |hasher| hasher.hash(&new, &*random)).await?;
            if is_done(self.store.change_password(&word, &hash).await?)? {
                log(signed_in, "changed the password");
                return Ok(());
            }
        }
        Err(OwnAccountError::WrongPassword)
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
        let password = Password::new(password);
        for _ in 0..ATTEMPTS {
            let word = self.reauthenticate(signed_in, &password).await?;
            if is_done(self.store.close_account(&word).await?)? {
                log(signed_in, "deleted the account");
                return Ok(());
            }
        }
        Err(OwnAccountError::WrongPassword)
    }

    /// Everything that is held about the user.
    ///
    /// # Errors
    ///
    /// [`OwnAccountError::SessionOver`] if the account was deleted meanwhile, and
    /// [`OwnAccountError::Store`].
    pub async fn export(&self, signed_in: &SignedIn) -> Result<Holdings, OwnAccountError> {
        let held = self.store.holdings(signed_in.user().id).await?;
        held.ok_or(OwnAccountError::SessionOver)
    }

    async fn reauthenticate(
        &self,
        signed_in: &SignedIn,
        password: &Password,
    ) -> Result<Reauthentication, OwnAccountError> {
        let verified = self.verify(Some(&signed_in.user().email), password).await?;
        match verified {
            Some(verified) if verified.user == signed_in.user().id => Ok(Reauthentication {
                session: *signed_in.session(),
                verified: verified.hash,
                at: self.clock.now(),
            }),
            _ => Err(OwnAccountError::WrongPassword),
        }
    }
}

/// Answers `false` if the password was changed meanwhile.
fn is_done(outcome: Reauthenticated) -> Result<bool, OwnAccountError> {
    match outcome {
        Reauthenticated::Done => Ok(true),
        Reauthenticated::CredentialsChanged => Ok(false),
        Reauthenticated::SessionOver => Err(OwnAccountError::SessionOver),
    }
}

fn log(signed_in: &SignedIn, what: &str) {
    let (user, session) = (signed_in.user().id, signed_in.session().id);
    tracing::info!(%user, %session, "{what}");
}

impl From<VerifyError> for OwnAccountError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Hashing(error) => error.into(),
            VerifyError::Store(error) => error.into(),
        }
    }
}

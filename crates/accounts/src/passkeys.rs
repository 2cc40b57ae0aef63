//! Managing passkeys: adding, renaming and removing them.

use std::sync::Arc;

use auth_core::{
    ChallengeError, ChallengePurpose, CredentialId, InvalidPasskeyName, PasskeyId, PasskeyName,
    RegistrationCredential,
};
use user_store::{AddPasskeyOutcome, NewPasskey, Passkey, RemovePasskeyOutcome};

use crate::accounts::Accounts;
use crate::authenticate::SignedIn;
use crate::caller::Caller;
use crate::factors::ChangeFactorError;
use crate::passkey_sign_in::credential_ids;
use crate::service_error::ServiceError;

/// The options of `navigator.credentials.create()`. The passkey must be discoverable, and user
/// verification is required.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyRegistrationOptions {
    /// The challenge. It is valid for 5 minutes and in this session, and can be used once.
    pub challenge: Vec<u8>,
    /// The relying party ID.
    pub rp_id: String,
    /// The name of the service.
    pub rp_name: String,
    /// The user handle: the 16 bytes of the id of the user.
    pub user_id: [u8; 16],
    /// The name of the account: its email address.
    pub user_name: String,
    /// The passkeys that the user already has.
    pub exclude: Vec<CredentialId>,
}

/// The arguments of [`Accounts::add_passkey`].
#[derive(Clone, Copy)]
pub struct AddPasskey<'a> {
    /// The user.
    pub signed_in: &'a SignedIn,
    /// A name by which the user recognises the passkey: 1 to 64 code points.
    pub name: &'a str,
    /// The browser's response to [`Accounts::passkey_registration_options`].
    pub credential: &'a RegistrationCredential,
    /// The sender of the request.
    pub caller: &'a Caller,
}

/// An error from requesting [`PasskeyRegistrationOptions`].
#[derive(Debug, thiserror::Error)]
pub enum PasskeyRegistrationError {
    /// The service does not support passkeys ([`Accounts::relying_party`]).
    #[error("passkeys are not available")]
    PasskeysUnavailable,
    /// The factors cannot be changed.
    #[error(transparent)]
    Change(#[from] ChangeFactorError),
}

/// An error from adding a passkey.
#[derive(Debug, thiserror::Error)]
pub enum AddPasskeyError {
    /// The name breaks a rule.
    #[error(transparent)]
    InvalidName(#[from] InvalidPasskeyName),
    /// The passkey was rejected.
    #[error("the passkey was rejected")]
    CredentialInvalid,
    /// The challenge has expired or was used before.
    #[error("the challenge has expired")]
    ChallengeExpired,
    /// The passkey already belongs to a user.
    #[error("the passkey was added before")]
    Taken,
    /// The user has [`MAX_PASSKEYS`](user_store::MAX_PASSKEYS) passkeys.
    #[error("there are too many passkeys; remove one")]
    TooMany,
    /// The service does not support passkeys ([`Accounts::relying_party`]).
    #[error("passkeys are not available")]
    PasskeysUnavailable,
    /// The factors cannot be changed.
    #[error(transparent)]
    Change(#[from] ChangeFactorError),
}

/// An error from renaming a passkey.
#[derive(Debug, thiserror::Error)]
pub enum RenamePasskeyError {
    /// The name breaks a rule.
    #[error(transparent)]
    InvalidName(#[from] InvalidPasskeyName),
    /// The user has no passkey with this id.
    #[error("there is no such passkey")]
    NoSuchPasskey,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// An error from removing a passkey.
#[derive(Debug, thiserror::Error)]
pub enum RemovePasskeyError {
    /// The second factor is on, and there is neither another passkey nor an app.
    #[error("the passkey is the only second factor; turn the second factor off first")]
    LastFactor,
    /// The user has no passkey with this id.
    #[error("there is no such passkey")]
    NoSuchPasskey,
    /// The factors cannot be changed.
    #[error(transparent)]
    Change(#[from] ChangeFactorError),
}

impl Accounts {
    /// Returns the options for adding a passkey in this session. Nothing is stored.
    ///
    /// # Errors
    ///
    /// [`PasskeyRegistrationError`].
    pub async fn passkey_registration_options(
        &self,
        signed_in: &SignedIn,
    ) -> Result<PasskeyRegistrationOptions, PasskeyRegistrationError> {
        let relying_party =
            self.relying_party().ok_or(PasskeyRegistrationError::PasskeysUnavailable)?;
        let now = self.clock.now();
        self.check_may_add_factor(signed_in, now)?;
        let user = signed_in.id();
        let factors = self.store.factors(user).await;
        let factors = factors.map_err(ChangeFactorError::from)?;
        let purpose = ChallengePurpose::Registration(signed_in.session().id);
        let challenge = self.issue_challenge(&purpose, now).await;
        let challenge = challenge.map_err(ChangeFactorError::from)?;
        Ok(PasskeyRegistrationOptions {
            challenge,
            rp_id: relying_party.id().to_owned(),
            rp_name: self.config.public_name().to_owned(),
            user_id: *user.as_uuid().as_bytes(),
            user_name: signed_in.email().to_owned(),
            exclude: credential_ids(factors.passkeys),
        })
    }

    /// Adds a passkey with which the user can sign in. Returns it.
    ///
    /// # Errors
    ///
    /// [`AddPasskeyError`].
    pub async fn add_passkey(&self, request: AddPasskey<'_>) -> Result<Passkey, AddPasskeyError> {
        let AddPasskey { signed_in, name, credential, caller } = request;
        let relying_party = self.relying_party().ok_or(AddPasskeyError::PasskeysUnavailable)?;
        let (now, user) = (self.clock.now(), signed_in.id());
        self.check_may_add_factor(signed_in, now)?;
        let name = PasskeyName::parse(name)?;
        self.count_factor_change(signed_in).await?;
        let purpose = ChallengePurpose::Registration(signed_in.session().id);
        let challenge = self.keys.verify_challenge(credential.challenge(), &purpose, now).await;
        let challenge = challenge.map_err(|error| {
            tracing::info!(%user, %error, "a passkey was not added");
            match error {
                ChallengeError::Invalid => AddPasskeyError::CredentialInvalid,
                ChallengeError::Expired => AddPasskeyError::ChallengeExpired,
            }
        })?;
        let verified = relying_party.verify_registration(credential).map_err(|error| {
            tracing::info!(%user, %error, "a passkey was not added");
            AddPasskeyError::CredentialInvalid
        })?;
        let passkey = Passkey {
            id: PasskeyId::generate(now, &*self.random),
            user,
            credential_id: verified.credential_id,
            public_key: verified.public_key,
            state: verified.state,
            name,
            created_at: now,
            last_used_at: None,
        };
        let new = NewPasskey { passkey, challenge, notice: self.new_notice(now) };
        let acting = signed_in.acting(caller);
        let store = Arc::clone(&self.store);
        let (erase_requests, mail_requests) =
            (self.erase_requests.clone(), self.mail_requests.clone());
        let add = async move {
            let outcome = store.add_passkey(&acting, &new, now).await;
            match outcome.map_err(ChangeFactorError::from)? {
                AddPasskeyOutcome::Added => {
                    erase_requests.notify();
                    mail_requests.notify();
                    tracing::info!(%user, passkey = %new.passkey.id, "added a passkey");
                    Ok(new.passkey)
                }
                AddPasskeyOutcome::Taken => Err(AddPasskeyError::Taken),
                AddPasskeyOutcome::TooMany => Err(AddPasskeyError::TooMany),
                AddPasskeyOutcome::ChallengeUsed => Err(AddPasskeyError::ChallengeExpired),
                AddPasskeyOutcome::SessionEnded => Err(ChangeFactorError::SessionEnded.into()),
            }
        };
        self.tasks.run_to_completion(add).await
    }

    /// Renames a passkey of the user. Returns it.
    ///
    /// # Errors
    ///
    /// [`RenamePasskeyError`].
    pub async fn rename_passkey(
        &self,
        signed_in: &SignedIn,
        id: PasskeyId,
        name: &str,
    ) -> Result<Passkey, RenamePasskeyError> {
        let name = PasskeyName::parse(name)?;
        let (store, user) = (Arc::clone(&self.store), signed_in.id());
        let rename = async move {
            let renamed = store.rename_passkey(user, id, &name).await;
            let renamed = renamed.map_err(ServiceError::from)?;
            let renamed = renamed.ok_or(RenamePasskeyError::NoSuchPasskey)?;
            tracing::info!(%user, passkey = %id, "renamed a passkey");
            Ok(renamed)
        };
        self.tasks.run_to_completion(rename).await
    }

    /// Removes a passkey of the user, and ends all other sessions.
    ///
    /// # Errors
    ///
    /// [`RemovePasskeyError`].
    pub async fn remove_passkey(
        &self,
        signed_in: &SignedIn,
        id: PasskeyId,
        caller: &Caller,
    ) -> Result<(), RemovePasskeyError> {
        let (now, user) = (self.clock.now(), signed_in.id());
        self.check_fresh(signed_in, now)?;
        let (acting, notice) = (signed_in.acting(caller), self.new_notice(now));
        let store = Arc::clone(&self.store);
        let (erase_requests, mail_requests) =
            (self.erase_requests.clone(), self.mail_requests.clone());
        let remove = async move {
            let outcome = store.remove_passkey(&acting, id, notice, now).await;
            match outcome.map_err(ChangeFactorError::from)? {
                RemovePasskeyOutcome::Removed => {
                    erase_requests.notify();
                    mail_requests.notify();
                    tracing::info!(%user, passkey = %id, "removed a passkey");
                    Ok(())
                }
                RemovePasskeyOutcome::LastFactor => Err(RemovePasskeyError::LastFactor),
                RemovePasskeyOutcome::NotFound => Err(RemovePasskeyError::NoSuchPasskey),
                RemovePasskeyOutcome::SessionEnded => Err(ChangeFactorError::SessionEnded.into()),
            }
        };
        self.tasks.run_to_completion(remove).await
    }
}

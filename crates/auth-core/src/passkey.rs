//! Passkeys: the checks of a relying party (Web Authentication Level 3, 7.1 and 7.2).

mod attestation;
mod authenticator_data;
mod cbor;
mod client_data;
mod credential;
mod public_key;

use std::net::Ipv4Addr;

use aws_lc_rs::digest;

use crate::origin::Origin;
use authenticator_data::{AttestedCredential, AuthenticatorData};
use client_data::ClientData;
pub use credential::{
    AssertionCredential, CredentialId, InvalidCredentialId, RegistrationCredential,
};
pub use public_key::{InvalidPublicKey, PasskeyAlgorithm, PasskeyPublicKey};

/// The service that passkeys belong to: its origin, and the host of its origin as relying party ID.
///
/// It verifies what browsers return for `navigator.credentials.create()` and `get()`. Every passkey
/// must have been used with user verification, so it counts as two factors. The caller must check
/// the following:
///
/// - the challenge, before verifying the rest (see [`RegistrationCredential::challenge`]);
/// - that the credential ID of a registration is unknown;
/// - that [`AssertionCredential::user_handle`] is the owner of the key;
/// - the counter and the backup flags, with [`PasskeyState::accept`].
///
/// ```
/// # use auth_core::{Origin, RelyingParty};
/// let service = RelyingParty::new(&Origin::parse("https://auth.example.com:8443")?)?;
/// assert_eq!(service.id(), "auth.example.com");
/// assert!(RelyingParty::new(&Origin::parse("http://127.0.0.1")?).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    id: String,
    id_hash: [u8; digest::SHA256_OUTPUT_LEN],
    origin: String,
}

/// An error from [`RelyingParty::new`]: browsers do not support passkeys for the host of the
/// origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("passkeys need a domain name: an IP address cannot be a relying party ID")]
pub struct PasskeysUnavailable;

/// A passkey whose registration has been verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedRegistration {
    /// The ID of the passkey.
    pub credential_id: CredentialId,
    /// The key that verifies its assertions.
    pub public_key: PasskeyPublicKey,
    /// Its state after the registration.
    pub state: PasskeyState,
}

/// A use of a passkey whose signature has been verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedAssertion {
    /// The state that the authenticator reported. Accept it with [`PasskeyState::accept`].
    pub state: PasskeyState,
}

/// The part of a stored passkey that changes when it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasskeyState {
    /// The number of signatures that the authenticator has counted, or 0 if it does not count.
    pub sign_count: u32,
    /// `true` if the passkey may be copied to other devices.
    pub backup_eligible: bool,
    /// `true` if the passkey has been copied, for example to the account of a cloud service.
    pub backed_up: bool,
}

/// An error from [`PasskeyState::accept`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyStateError {
    /// The counter is not greater than the stored one, which suggests that the private key was
    /// copied.
    #[error("the signature counter of the passkey has not increased")]
    CounterRegressed,
    /// A passkey that may be copied to other devices claims to be bound to one device.
    #[error("the passkey is no longer backup eligible")]
    BackupEligibilityLost,
}

/// An error from verifying a registration or an assertion.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCredential {
    /// A member of the credential is missing or has another type.
    #[error("the member `{0}` of the credential is missing or has the wrong type")]
    Member(&'static str),
    /// A member of the credential is not base64url without padding.
    #[error("the member `{0}` of the credential is not base64url without padding")]
    Encoding(&'static str),
    /// The type of the credential is not `public-key`.
    #[error("the type of the credential is not `public-key`")]
    CredentialType,
    /// A credential ID has an invalid length.
    #[error(transparent)]
    CredentialId(#[from] InvalidCredentialId),
    /// The members `id` and `rawId`, or the ID in the authenticator data, differ.
    #[error("the credential has several IDs that differ")]
    CredentialIdMismatch,
    /// The client data are not a JSON object with the required members.
    #[error("the client data are malformed")]
    ClientData,
    /// The client data are those of another ceremony.
    #[error("the type in the client data is not `{0}`")]
    Ceremony(&'static str),
    /// The credential was made or used on another origin.
    #[error("the origin in the client data is not the origin of the service")]
    Origin,
    /// The page was in a frame of another origin.
    #[error("the credential was requested in a cross-origin frame")]
    CrossOrigin,
    /// The attestation object is malformed.
    #[error("the attestation object is malformed")]
    AttestationObject,
    /// The authenticator data are malformed.
    #[error("the authenticator data are malformed")]
    AuthenticatorData,
    /// The authenticator data are for another relying party.
    #[error("the authenticator data are for another relying party ID")]
    RelyingParty,
    /// The authenticator did not check that a user was present.
    #[error("the user was not present")]
    UserNotPresent,
    /// The authenticator did not verify the user with a PIN or a biometric.
    #[error("the user was not verified")]
    UserNotVerified,
    /// The passkey claims to be backed up without being eligible.
    #[error("the passkey is backed up but not backup eligible")]
    BackupState,
    /// The authenticator data of a registration contain no key.
    #[error("the authenticator data contain no credential")]
    NoAttestedCredential,
    /// The public key cannot be used.
    #[error(transparent)]
    PublicKey(#[from] InvalidPublicKey),
    /// The signature is not valid.
    #[error("the signature is not valid")]
    Signature,
}

impl RelyingParty {
    /// Builds the relying party of a service.
    ///
    /// # Errors
    ///
    /// [`PasskeysUnavailable`] if the host of the origin is an IP address.
    pub fn new(origin: &Origin) -> Result<Self, PasskeysUnavailable> {
        let host = origin.host();
        if host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok() {
            return Err(PasskeysUnavailable);
        }
        Ok(Self {
            id: host.to_owned(),
            id_hash: sha256(host.as_bytes()),
            origin: origin.as_str().to_owned(),
        })
    }

    /// Returns the relying party ID: the host of the origin.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Verifies a registration (Web Authentication Level 3, 7.1), except for the challenge. An
    /// attestation statement of any format is accepted and not verified.
    ///
    /// # Errors
    ///
    /// [`InvalidCredential`] with the first check that failed.
    pub fn verify_registration(
        &self,
        credential: &RegistrationCredential,
    ) -> Result<VerifiedRegistration, InvalidCredential> {
        self.verify_client_data(&credential.client_data)?;
        let bytes = attestation::authenticator_data(&credential.attestation_object)?;
        let data = AuthenticatorData::parse(bytes)?;
        let state = self.verify_authenticator_data(&data)?;
        let Some(AttestedCredential { id, public_key }) = data.attested else {
            return Err(InvalidCredential::NoAttestedCredential);
        };
        if id != credential.id {
            return Err(InvalidCredential::CredentialIdMismatch);
        }
        Ok(VerifiedRegistration { credential_id: id, public_key: public_key?, state })
    }

    /// Verifies an assertion (Web Authentication Level 3, 7.2) with the key of its credential ID,
    /// except for the challenge.
    ///
    /// # Errors
    ///
    /// [`InvalidCredential`] with the first check that failed.
    pub fn verify_assertion(
        &self,
        credential: &AssertionCredential,
        key: &PasskeyPublicKey,
    ) -> Result<VerifiedAssertion, InvalidCredential> {
        self.verify_client_data(&credential.client_data)?;
        let data = AuthenticatorData::parse(&credential.authenticator_data)?;
        let state = self.verify_authenticator_data(&data)?;
        if data.attested.is_some_and(|attested| attested.id != credential.id) {
            return Err(InvalidCredential::CredentialIdMismatch);
        }
        let hash = sha256(credential.client_data.json());
        let message = [&credential.authenticator_data, hash.as_slice()].concat();
        if !key.verifies(&message, &credential.signature) {
            return Err(InvalidCredential::Signature);
        }
        Ok(VerifiedAssertion { state })
    }

    fn verify_client_data(&self, client_data: &ClientData) -> Result<(), InvalidCredential> {
        // Not `Origin::matches`: no passkey exists for the loopback addresses.
        if client_data.origin != self.origin {
            return Err(InvalidCredential::Origin);
        }
        if client_data.cross_origin || client_data.has_top_origin {
            return Err(InvalidCredential::CrossOrigin);
        }
        Ok(())
    }

    fn verify_authenticator_data(
        &self,
        data: &AuthenticatorData,
    ) -> Result<PasskeyState, InvalidCredential> {
        if data.rp_id_hash != self.id_hash {
            return Err(InvalidCredential::RelyingParty);
        }
        if !data.user_present {
            return Err(InvalidCredential::UserNotPresent);
        }
        if !data.user_verified {
            return Err(InvalidCredential::UserNotVerified);
        }
        if data.state.backed_up && !data.state.backup_eligible {
            return Err(InvalidCredential::BackupState);
        }
        Ok(data.state)
    }
}

impl PasskeyState {
    /// Returns the state after an assertion.
    ///
    /// # Errors
    ///
    /// [`PasskeyStateError`] if the assertion must be rejected. The stored state then remains.
    pub fn accept(self, assertion: &VerifiedAssertion) -> Result<Self, PasskeyStateError> {
        let next = assertion.state;
        let counts = self.sign_count > 0 || next.sign_count > 0;
        if counts && next.sign_count <= self.sign_count {
            return Err(PasskeyStateError::CounterRegressed);
        }
        // The specification allows no change. However, passkeys have become eligible when a
        // platform started to synchronise them.
        if self.backup_eligible && !next.backup_eligible {
            return Err(PasskeyStateError::BackupEligibilityLost);
        }
        Ok(next)
    }
}

fn sha256(bytes: &[u8]) -> [u8; digest::SHA256_OUTPUT_LEN] {
    let mut hash = [0; digest::SHA256_OUTPUT_LEN];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

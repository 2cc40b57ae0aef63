//! The objects that browsers return (Web Authentication Level 3, 5.1), and the IDs of credentials.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::InvalidCredential;
use super::client_data::{Ceremony, ClientData};

/// The ID of a passkey, which its authenticator has chosen. It is not a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialId(Vec<u8>);

/// An error from parsing a [`CredentialId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a credential ID: it must have 1 to 1023 bytes")]
pub struct InvalidCredentialId;

impl CredentialId {
    /// The maximum length in bytes (Web Authentication Level 3, 7.1, step 25).
    pub const MAX_BYTES: usize = 1023;

    /// Copies a credential ID from bytes.
    ///
    /// # Errors
    ///
    /// [`InvalidCredentialId`] if there are none, or more than [`MAX_BYTES`](Self::MAX_BYTES).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidCredentialId> {
        if bytes.is_empty() || bytes.len() > Self::MAX_BYTES {
            return Err(InvalidCredentialId);
        }
        Ok(Self(bytes.to_vec()))
    }

    /// Returns the bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the ID in base64url without padding, as in JSON.
    #[must_use]
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(&self.0)
    }
}

/// A new passkey, as the browser returned it: a `RegistrationResponseJSON`. `Debug` prints only its
/// ID.
#[derive(Clone)]
pub struct RegistrationCredential {
    pub(super) id: CredentialId,
    pub(super) client_data: ClientData,
    pub(super) attestation_object: Vec<u8>,
}

/// A use of a passkey, as the browser returned it: an `AuthenticationResponseJSON`.
///
/// Until its challenge has expired or has been used, anyone who has it can sign in. So `Debug`
/// prints only the ID of the passkey.
#[derive(Clone)]
pub struct AssertionCredential {
    pub(super) id: CredentialId,
    pub(super) client_data: ClientData,
    pub(super) authenticator_data: Vec<u8>,
    pub(super) signature: Vec<u8>,
    user_handle: Option<Vec<u8>>,
}

impl RegistrationCredential {
    /// Parses a `RegistrationResponseJSON`. Unknown members are ignored, and so are
    /// `authenticatorData`, `publicKey` and the like, which repeat parts of the attestation object.
    ///
    /// # Errors
    ///
    /// [`InvalidCredential`] if the object is malformed, or its type is not that of a registration.
    pub fn parse(json: &Value) -> Result<Self, InvalidCredential> {
        let id = parse_id(json)?;
        Ok(Self {
            id,
            client_data: ClientData::parse(response(json, "clientDataJSON")?, Ceremony::Create)?,
            attestation_object: response(json, "attestationObject")?,
        })
    }

    /// Returns the challenge that the browser was given.
    ///
    /// It is not checked by [`RelyingParty::verify_registration`](super::RelyingParty). The caller
    /// must check it before: that it was issued for this purpose, has not expired, and has not been
    /// used.
    #[must_use]
    pub fn challenge(&self) -> &[u8] {
        &self.client_data.challenge
    }
}

impl AssertionCredential {
    /// Parses an `AuthenticationResponseJSON`. Unknown members are ignored.
    ///
    /// # Errors
    ///
    /// [`InvalidCredential`] if the object is malformed, or its type is not that of an assertion.
    pub fn parse(json: &Value) -> Result<Self, InvalidCredential> {
        let id = parse_id(json)?;
        let user_handle = match json.pointer("/response/userHandle") {
            None | Some(Value::Null) => None,
            Some(_) => Some(response(json, "userHandle")?),
        };
        Ok(Self {
            id,
            client_data: ClientData::parse(response(json, "clientDataJSON")?, Ceremony::Get)?,
            authenticator_data: response(json, "authenticatorData")?,
            signature: response(json, "signature")?,
            user_handle,
        })
    }

    /// Returns the challenge that the browser was given.
    ///
    /// It is not checked by [`RelyingParty::verify_assertion`](super::RelyingParty). The caller
    /// must check it before: that it was issued for this purpose, has not expired, and has not been
    /// used.
    #[must_use]
    pub fn challenge(&self) -> &[u8] {
        &self.client_data.challenge
    }

    /// Returns the ID of the passkey, for looking up its public key.
    #[must_use]
    pub fn credential_id(&self) -> &CredentialId {
        &self.id
    }

    /// Returns the ID of the user that the authenticator has stored with the passkey, if it was
    /// sent. The caller must compare it with the owner of the passkey.
    #[must_use]
    pub fn user_handle(&self) -> Option<&[u8]> {
        self.user_handle.as_deref()
    }
}

impl fmt::Debug for RegistrationCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegistrationCredential({}, …)", self.id.to_text())
    }
}

impl fmt::Debug for AssertionCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AssertionCredential({}, …)", self.id.to_text())
    }
}

/// Checks the type of a credential, and returns its ID.
fn parse_id(json: &Value) -> Result<CredentialId, InvalidCredential> {
    if text(json, "type")? != "public-key" {
        return Err(InvalidCredential::CredentialType);
    }
    let raw_id = text(json, "rawId")?;
    if text(json, "id")? != raw_id {
        return Err(InvalidCredential::CredentialIdMismatch);
    }
    Ok(CredentialId::from_bytes(&decode(raw_id, "rawId")?)?)
}

/// Returns the bytes of a member of the authenticator's response.
fn response(json: &Value, member: &'static str) -> Result<Vec<u8>, InvalidCredential> {
    let response = json.get("response").ok_or(InvalidCredential::Member("response"))?;
    decode(text(response, member)?, member)
}

fn text<'a>(json: &'a Value, member: &'static str) -> Result<&'a str, InvalidCredential> {
    json.get(member).and_then(Value::as_str).ok_or(InvalidCredential::Member(member))
}

fn decode(text: &str, member: &'static str) -> Result<Vec<u8>, InvalidCredential> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCredential::Encoding(member))
}

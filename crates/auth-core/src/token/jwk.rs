use jsonwebtoken::DecodingKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A key that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The bytes are no Ed25519 seed, or the key set's entry no Ed25519 public key.
    #[error("not an Ed25519 key")]
    Unusable,
    /// There is no key at all.
    #[error("at least one key is needed")]
    None,
    /// The text is no key set, or too large a one.
    #[error("not a JSON Web Key Set (RFC 7517) of at most 64 KiB")]
    NoKeySet,
    /// Signing failed inside the cryptographic library.
    #[error("the token could not be signed")]
    Signing,
}

/// A public key as JSON (RFC 7517; RFC 8037 for Ed25519).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// The key type, `OKP`.
    pub kty: String,
    /// The curve, `Ed25519`.
    pub crv: String,
    /// The public key, base64url.
    pub x: String,
    /// The key's name: its thumbprint.
    pub kid: String,
    /// What it is used with, `EdDSA`.
    pub alg: String,
    /// What it is used for, `sig`.
    #[serde(rename = "use")]
    pub usage: String,
}

/// The public keys that verify access tokens, as `/.well-known/jwks.json` shows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JwkSet {
    /// The keys, the one that signs first.
    pub keys: Vec<Jwk>,
}

impl JwkSet {
    /// The largest document that is looked at, in bytes.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Reads a key set, as another service has published it. Keys of other kinds, and what
    /// else is in it that is not known here, are passed over (RFC 7517, 5); of two keys with one
    /// name, the first counts.
    ///
    /// # Errors
    ///
    /// [`KeyError::NoKeySet`] if it is none, and [`KeyError::None`] if no key in it is of use.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let document = Some(text).filter(|text| text.len() <= Self::MAX_BYTES);
        let document: Option<Value> = document.and_then(|text| serde_json::from_str(text).ok());
        let found = document.as_ref().and_then(|document| document.get("keys")?.as_array());
        let mut keys: Vec<Jwk> = Vec::new();
        for key in found.ok_or(KeyError::NoKeySet)? {
            // Only a JSON object is a key: serde would take an array of its members' values.
            let key = key.is_object().then(|| Jwk::deserialize(key).ok()).flatten();
            keys.extend(key.filter(|key| {
                key.decoding_key().is_ok() && keys.iter().all(|other| other.kid != key.kid)
            }));
        }
        if keys.is_empty() { Err(KeyError::None) } else { Ok(Self { keys }) }
    }
}

impl Jwk {
    #[cfg(feature = "token")]
    pub(super) fn ed25519(x: String, kid: String) -> Self {
        Self {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x,
            kid,
            alg: "EdDSA".to_owned(),
            usage: "sig".to_owned(),
        }
    }

    pub(super) fn decoding_key(&self) -> Result<DecodingKey, KeyError> {
        if self.kty != "OKP" || self.crv != "Ed25519" || self.alg != "EdDSA" {
            return Err(KeyError::Unusable);
        }
        let key = DecodingKey::from_ed_components(&self.x).map_err(|_| KeyError::Unusable)?;
        match key.try_get_as_bytes() {
            Ok(bytes) if bytes.len() == 32 => Ok(key),
            _ => Err(KeyError::Unusable),
        }
    }
}

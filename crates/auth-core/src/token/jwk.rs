use std::time::Duration;

use jsonwebtoken::DecodingKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An error from parsing keys or signing with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The bytes are not an Ed25519 seed, or the JSON Web Key is not an Ed25519 public key.
    #[error("not an Ed25519 key")]
    NotEd25519,
    /// There is no usable key.
    #[error("at least one Ed25519 key is required")]
    NoKeys,
    /// The text is not a JSON Web Key Set, or it is too long.
    #[error("not a JSON Web Key Set (RFC 7517) of at most 64 KiB")]
    InvalidKeySet,
    /// The cryptographic library failed to sign.
    #[error("the token could not be signed")]
    Signing,
}

/// A public key as a JSON Web Key (RFC 7517; RFC 8037 for Ed25519).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// The key type, `OKP`.
    pub kty: String,
    /// The curve, `Ed25519`.
    pub crv: String,
    /// The public key in base64url.
    pub x: String,
    /// The key id: the thumbprint of the key.
    pub kid: String,
    /// The algorithm, `EdDSA`.
    pub alg: String,
    /// The purpose of the key, `sig`. The JSON member is named `use`.
    #[serde(rename = "use")]
    pub usage: String,
}

/// The public keys that verify access tokens, as published at `/.well-known/jwks.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JwkSet {
    /// The keys, newest first. Any of them may have signed a token, which names its key (`kid`).
    /// The newest key may be published before it signs.
    pub keys: Vec<Jwk>,
}

impl JwkSet {
    /// The maximum length of a key set, in bytes.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// How long a cache may keep a published key set (`Cache-Control: max-age`, RFC 9111).
    pub const MAX_AGE: Duration = Duration::from_mins(5);

    /// Parses a key set that another service has published. Keys that are not Ed25519 keys and
    /// unknown members are ignored (RFC 7517, 5). If several keys have the same id, the first is
    /// used.
    ///
    /// # Errors
    ///
    /// [`KeyError::InvalidKeySet`] if the text is not a key set or is too long, and
    /// [`KeyError::NoKeys`] if it contains no usable key.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        if text.len() > Self::MAX_BYTES {
            return Err(KeyError::InvalidKeySet);
        }
        let document: Value = serde_json::from_str(text).map_err(|_| KeyError::InvalidKeySet)?;
        let entries =
            document.get("keys").and_then(Value::as_array).ok_or(KeyError::InvalidKeySet)?;
        let mut keys: Vec<Jwk> = Vec::new();
        for entry in entries {
            // Serde would also accept an array with the values of the members.
            if !entry.is_object() {
                continue;
            }
            let Ok(key) = Jwk::deserialize(entry) else { continue };
            if key.decoding_key().is_ok() && keys.iter().all(|other| other.kid != key.kid) {
                keys.push(key);
            }
        }
        if keys.is_empty() { Err(KeyError::NoKeys) } else { Ok(Self { keys }) }
    }
}

impl Jwk {
    /// Creates the JSON Web Key of an Ed25519 public key.
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

    /// Returns the key in the form that `jsonwebtoken` uses.
    pub(super) fn decoding_key(&self) -> Result<DecodingKey, KeyError> {
        if self.kty != "OKP" || self.crv != "Ed25519" || self.alg != "EdDSA" {
            return Err(KeyError::NotEd25519);
        }
        let key = DecodingKey::from_ed_components(&self.x).map_err(|_| KeyError::NotEd25519)?;
        match key.try_get_as_bytes() {
            Ok(bytes) if bytes.len() == 32 => Ok(key),
            _ => Err(KeyError::NotEd25519),
        }
    }
}

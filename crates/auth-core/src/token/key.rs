use std::fmt;

use aws_lc_rs::signature::Ed25519KeyPair;
use jsonwebtoken::jwk::{self, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{Jwk, KeyError};
use crate::random::{Random, random_array};

/// An Ed25519 key pair (RFC 8032) that signs access tokens.
///
/// Its `kid` is the SHA-256 thumbprint of the public key (RFC 7638), so a key has the same id on
/// every server. `Debug` prints only the `kid`.
pub struct SigningKey {
    seed: SigningKeySeed,
    encoding: EncodingKey,
    public: Jwk,
}

/// The secret part of a [`SigningKey`]: the 32 bytes that a store holds.
///
/// It is zeroized when dropped, and `Debug` does not print it. Comparing two seeds does not take
/// constant time. Compare seeds to detect that the stored keys have changed, never to check a value
/// that a client sent.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct SigningKeySeed([u8; 32]);

impl SigningKey {
    /// Generates a key.
    ///
    /// # Panics
    ///
    /// Never in practice: any 32 bytes are a valid Ed25519 seed (RFC 8032, 5.1.5).
    #[must_use]
    #[expect(clippy::expect_used, reason = "any 32 bytes are a valid Ed25519 seed")]
    pub fn generate(random: &dyn Random) -> Self {
        let seed = SigningKeySeed(random_array(random));
        Self::from_seed(seed).expect("any 32 bytes are a valid Ed25519 seed")
    }

    /// Creates a key from a stored seed.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotEd25519`] if the cryptographic library rejects the seed.
    pub fn from_seed(seed: SigningKeySeed) -> Result<Self, KeyError> {
        let pair =
            Ed25519KeyPair::from_seed_unchecked(&seed.0).map_err(|_| KeyError::NotEd25519)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| KeyError::NotEd25519)?;
        let encoding = EncodingKey::from_ed_der(pkcs8.as_ref());
        let public = jwk::Jwk::from_encoding_key(&encoding, Algorithm::EdDSA)
            .map_err(|_| KeyError::NotEd25519)?;
        let kid = public.thumbprint(ThumbprintHash::SHA256).map_err(|_| KeyError::NotEd25519)?;
        let jwk::AlgorithmParameters::OctetKeyPair(parameters) = public.algorithm else {
            return Err(KeyError::NotEd25519);
        };
        Ok(Self { seed, encoding, public: Jwk::ed25519(parameters.x, kid) })
    }

    /// Returns the key id, as it appears in tokens and in the key set.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.public.kid
    }

    /// Returns the secret part of the key, for storage.
    #[must_use]
    pub const fn seed(&self) -> &SigningKeySeed {
        &self.seed
    }

    /// Returns the public key.
    #[must_use]
    pub const fn public(&self) -> &Jwk {
        &self.public
    }

    /// Returns the key in the form that `jsonwebtoken` uses.
    pub(super) const fn encoding(&self) -> &EncodingKey {
        &self.encoding
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid()).finish_non_exhaustive()
    }
}

impl SigningKeySeed {
    /// Creates a seed from 32 stored bytes.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotEd25519`] if the number of bytes is not 32.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        bytes.try_into().map(Self).map_err(|_| KeyError::NotEd25519)
    }

    /// Returns a copy of the bytes, for storage.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0)
    }
}

impl fmt::Debug for SigningKeySeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKeySeed(…)")
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    /// RFC 8037, A.1 to A.4: a key, its thumbprint and a signature.
    #[test]
    fn keys_and_signatures_match_the_vectors_of_rfc_8037() {
        let seed = hex!("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let key = SigningKey::from_seed(SigningKeySeed(seed)).unwrap();
        assert_eq!(key.public().x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(key.kid(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        assert_eq!(
            jsonwebtoken::crypto::sign(message, key.encoding(), Algorithm::EdDSA).unwrap(),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
    }
}

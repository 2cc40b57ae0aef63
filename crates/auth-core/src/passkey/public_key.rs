//! Public keys of passkeys (RFC 9052, 7; RFC 9053, 7; RFC 8230, 4).

use std::convert::Infallible;
use std::fmt;
use std::ops::RangeInclusive;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use minicbor::data::Type;
use minicbor::{Decoder, Encoder, encode};

use super::cbor;

/// The public key of a passkey. It is not a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct PasskeyPublicKey(Key);

#[derive(Clone, PartialEq, Eq)]
enum Key {
    Es256 { x: [u8; 32], y: [u8; 32] },
    EdDsa { x: [u8; 32] },
    Rs256 { n: Vec<u8>, e: Vec<u8> },
}

/// The signature algorithm of a passkey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PasskeyAlgorithm {
    /// ECDSA with the curve P-256 and SHA-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSA (PKCS #1, version 1.5) with SHA-256.
    Rs256,
}

/// An error from parsing a [`PasskeyPublicKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPublicKey {
    /// The bytes are not a COSE key.
    #[error("the public key is malformed")]
    Malformed,
    /// The algorithm is not one of [`PasskeyAlgorithm`].
    #[error("the algorithm of the public key is not supported")]
    Algorithm,
    /// The type or the curve of the key does not belong to its algorithm.
    #[error("the type or curve of the public key does not fit its algorithm")]
    KeyType,
    /// The numbers of the key are not allowed.
    #[error("the public key is not valid or too weak")]
    Invalid,
}

impl PasskeyAlgorithm {
    /// The algorithms, with the preferred one first.
    pub const ALL: [Self; 3] = [Self::EdDsa, Self::Es256, Self::Rs256];

    /// Returns the number in the registry of COSE algorithms.
    #[must_use]
    pub const fn cose_id(self) -> i32 {
        match self {
            Self::Es256 => -7,
            Self::EdDsa => -8,
            Self::Rs256 => -257,
        }
    }
}

// The labels of a COSE key.
const KEY_TYPE: i64 = 1;
const ALGORITHM: i64 = 3;
const CURVE_OR_MODULUS: i64 = -1;
const X_OR_EXPONENT: i64 = -2;
const Y: i64 = -3;

// Key types.
const OKP: i64 = 1;
const EC2: i64 = 2;
const RSA: i64 = 3;

// Curves.
const P_256: i64 = 1;
const CURVE_25519: i64 = 6;

/// The allowed sizes of a modulus, in bits.
const MODULUS_BITS: RangeInclusive<usize> = 2048..=8192;

/// The smallest allowed public exponent of an RSA key (FIPS 186-5, A.1.1). Exponents of more than
/// 32 bits are not used in practice, and make verification slow.
const MIN_EXPONENT: u32 = 65537;

impl PasskeyPublicKey {
    /// Parses a COSE key. Members that are not needed are ignored and not kept.
    ///
    /// # Errors
    ///
    /// [`InvalidPublicKey`] if the key is not a valid key of a [`PasskeyAlgorithm`].
    pub fn from_cose(bytes: &[u8]) -> Result<Self, InvalidPublicKey> {
        let members = Members::parse(bytes).ok_or(InvalidPublicKey::Malformed)?;
        let (Some(algorithm), Some(key_type)) = (members.algorithm, members.key_type) else {
            return Err(InvalidPublicKey::Malformed);
        };
        let algorithm = PasskeyAlgorithm::ALL
            .into_iter()
            .find(|known| i64::from(known.cose_id()) == algorithm)
            .ok_or(InvalidPublicKey::Algorithm)?;
        let key = match algorithm {
            PasskeyAlgorithm::Es256 => {
                if (key_type, members.curve_or_modulus) != (EC2, Some(Parameter::Int(P_256))) {
                    return Err(InvalidPublicKey::KeyType);
                }
                Key::Es256 { x: array(members.x_or_exponent)?, y: array(members.y)? }
            }
            PasskeyAlgorithm::EdDsa => {
                let curve = Some(Parameter::Int(CURVE_25519));
                if (key_type, members.curve_or_modulus) != (OKP, curve) {
                    return Err(InvalidPublicKey::KeyType);
                }
                Key::EdDsa { x: array(members.x_or_exponent)? }
            }
            PasskeyAlgorithm::Rs256 => {
                if key_type != RSA {
                    return Err(InvalidPublicKey::KeyType);
                }
                Key::Rs256 {
                    n: integer(members.curve_or_modulus)?,
                    e: integer(members.x_or_exponent)?,
                }
            }
        };
        if key.is_valid() { Ok(Self(key)) } else { Err(InvalidPublicKey::Invalid) }
    }

    /// Returns the key as a COSE key in canonical form, for storing it.
    #[must_use]
    pub fn to_cose(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new());
        // Writing to a vector cannot fail.
        let _ = self.encode(&mut encoder);
        encoder.into_writer()
    }

    /// Returns the algorithm of the key.
    #[must_use]
    pub const fn algorithm(&self) -> PasskeyAlgorithm {
        match self.0 {
            Key::Es256 { .. } => PasskeyAlgorithm::Es256,
            Key::EdDsa { .. } => PasskeyAlgorithm::EdDsa,
            Key::Rs256 { .. } => PasskeyAlgorithm::Rs256,
        }
    }

    /// Returns `true` if the signature over the message was made with the private key.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let result = match &self.0 {
            Key::Es256 { x, y } => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point(x, y))
                .verify(message, signature),
            Key::EdDsa { x } => UnparsedPublicKey::new(&ED25519, x).verify(message, signature),
            Key::Rs256 { n, e } => RsaPublicKeyComponents { n, e }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        };
        result.is_ok()
    }

    fn encode(&self, encoder: &mut Encoder<Vec<u8>>) -> Result<(), encode::Error<Infallible>> {
        let entries = match self.0 {
            Key::Es256 { .. } => 5,
            Key::EdDsa { .. } | Key::Rs256 { .. } => 4,
        };
        let key_type = match self.0 {
            Key::Es256 { .. } => EC2,
            Key::EdDsa { .. } => OKP,
            Key::Rs256 { .. } => RSA,
        };
        encoder.map(entries)?.i64(KEY_TYPE)?.i64(key_type)?;
        encoder.i64(ALGORITHM)?.i32(self.algorithm().cose_id())?;
        match &self.0 {
            Key::Es256 { x, y } => {
                encoder.i64(CURVE_OR_MODULUS)?.i64(P_256)?;
                encoder.i64(X_OR_EXPONENT)?.bytes(x)?.i64(Y)?.bytes(y)?;
            }
            Key::EdDsa { x } => {
                encoder.i64(CURVE_OR_MODULUS)?.i64(CURVE_25519)?;
                encoder.i64(X_OR_EXPONENT)?.bytes(x)?;
            }
            Key::Rs256 { n, e } => {
                encoder.i64(CURVE_OR_MODULUS)?.bytes(n)?;
                encoder.i64(X_OR_EXPONENT)?.bytes(e)?;
            }
        }
        Ok(())
    }
}

impl Key {
    fn is_valid(&self) -> bool {
        match self {
            // Checks that the point is on the curve.
            Self::Es256 { x, y } => {
                ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point(x, y)).is_ok()
            }
            // If the bytes are not a point, `verifies` rejects every signature.
            Self::EdDsa { .. } => true,
            Self::Rs256 { n, e } => {
                let is_odd = |bytes: &[u8]| bytes.last().is_some_and(|last| last % 2 == 1);
                MODULUS_BITS.contains(&bit_length(n))
                    && is_odd(n)
                    && is_odd(e)
                    && to_u32(e).is_some_and(|e| e >= MIN_EXPONENT)
            }
        }
    }
}

/// The members of a COSE key that are used.
#[derive(Default)]
struct Members<'a> {
    key_type: Option<i64>,
    algorithm: Option<i64>,
    curve_or_modulus: Option<Parameter<'a>>,
    x_or_exponent: Option<Parameter<'a>>,
    y: Option<Parameter<'a>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Parameter<'a> {
    Int(i64),
    Bytes(&'a [u8]),
}

impl<'a> Members<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut members = Self::default();
        let mut decoder = Decoder::new(bytes);
        for _ in 0..cbor::map(&mut decoder).ok()? {
            let label = match decoder.datatype().ok()? {
                // None of the members that are used has a text as its label.
                Type::String => decoder.str().map(|_| 0).ok()?,
                _ => decoder.i64().ok()?,
            };
            let is_repeated = match label {
                KEY_TYPE => members.key_type.replace(decoder.i64().ok()?).is_some(),
                ALGORITHM => members.algorithm.replace(decoder.i64().ok()?).is_some(),
                CURVE_OR_MODULUS => {
                    members.curve_or_modulus.replace(Parameter::parse(&mut decoder)?).is_some()
                }
                X_OR_EXPONENT => {
                    members.x_or_exponent.replace(Parameter::parse(&mut decoder)?).is_some()
                }
                Y => members.y.replace(Parameter::parse(&mut decoder)?).is_some(),
                _ => {
                    cbor::skip(&mut decoder).ok()?;
                    false
                }
            };
            if is_repeated {
                return None;
            }
        }
        if decoder.position() == bytes.len() { Some(members) } else { None }
    }
}

impl<'a> Parameter<'a> {
    fn parse(decoder: &mut Decoder<'a>) -> Option<Self> {
        match decoder.datatype().ok()? {
            Type::Bytes => decoder.bytes().ok().map(Self::Bytes),
            _ => decoder.i64().ok().map(Self::Int),
        }
    }
}

/// Returns a coordinate of a point.
fn array(parameter: Option<Parameter<'_>>) -> Result<[u8; 32], InvalidPublicKey> {
    match parameter {
        Some(Parameter::Bytes(bytes)) => bytes.try_into().map_err(|_| InvalidPublicKey::Invalid),
        _ => Err(InvalidPublicKey::Malformed),
    }
}

/// Returns a big-endian integer without leading zeros.
fn integer(parameter: Option<Parameter<'_>>) -> Result<Vec<u8>, InvalidPublicKey> {
    match parameter {
        Some(Parameter::Bytes([0, ..])) => Err(InvalidPublicKey::Invalid),
        Some(Parameter::Bytes(bytes)) => Ok(bytes.to_vec()),
        _ => Err(InvalidPublicKey::Malformed),
    }
}

/// Returns the uncompressed point (SEC 1, 2.3.3).
fn point(x: &[u8; 32], y: &[u8; 32]) -> Vec<u8> {
    [&[4], x.as_slice(), y].concat()
}

/// Returns the number of bits of a big-endian integer without leading zeros.
fn bit_length(integer: &[u8]) -> usize {
    let leading_zeros = integer.first().map_or(0, |first| first.leading_zeros() as usize);
    8 * integer.len() - leading_zeros
}

fn to_u32(integer: &[u8]) -> Option<u32> {
    let mut bytes = [0; 4];
    let start = bytes.len().checked_sub(integer.len())?;
    bytes.get_mut(start..)?.copy_from_slice(integer);
    Some(u32::from_be_bytes(bytes))
}

impl fmt::Debug for PasskeyPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasskeyPublicKey({:?}, …)", self.algorithm())
    }
}

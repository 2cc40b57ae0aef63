//! PBKDF2 (RFC 8018, 5.2) in the formats of Werkzeug, Django and passlib.

use std::sync::Arc;

use pbkdf2::pbkdf2_hmac;
use zeroize::Zeroizing;

use super::text::{
    base64, base64_unpadded, equal_in_constant_time, hex, is_output_length, number, split,
};
use super::{ParseResult, Scheme};
use crate::password::{InvalidPasswordHash, PasswordHasher};

/// The maximum of the number of iterations times the number of digests in the output.
const MAX_WORK: u64 = PasswordHasher::MAX_ITERATIONS as u64;

struct Pbkdf2 {
    digest: Digest,
    iterations: u32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

#[derive(Clone, Copy)]
enum Digest {
    Sha1,
    Sha256,
    Sha512,
}

pub(super) fn parse(text: &str) -> ParseResult {
    let hash = werkzeug(text)
        .or_else(|| django(text))
        .or_else(|| passlib(text))
        .ok_or(InvalidPasswordHash::Unknown)?;
    if !is_output_length(&hash.output) {
        return Err(InvalidPasswordHash::Unknown);
    }
    if hash.salt.is_empty() {
        return Err(InvalidPasswordHash::Insecure);
    }
    // A low number of iterations is accepted, because the password is hashed again at the next
    // sign-in. PBKDF2 runs all iterations once for each digest in the output (RFC 8018, 5.2).
    let digests = u64::try_from(hash.output.len().div_ceil(hash.digest.bytes()));
    let work = digests.unwrap_or(u64::MAX).saturating_mul(hash.iterations.into());
    match work {
        1..=MAX_WORK => Ok(Arc::new(hash)),
        _ => Err(InvalidPasswordHash::TooExpensive),
    }
}

/// Parses `pbkdf2:sha256:ITERATIONS$SALT$HEX`.
fn werkzeug(text: &str) -> Option<Pbkdf2> {
    let [method, salt, output] = split(text, '$')?;
    let [name, digest, iterations] = split(method, ':')?;
    let digest = match (name, digest) {
        ("pbkdf2", "sha1") => Digest::Sha1,
        ("pbkdf2", "sha256") => Digest::Sha256,
        ("pbkdf2", "sha512") => Digest::Sha512,
        _ => return None,
    };
    let (iterations, salt) = (number(iterations)?, salt.as_bytes().to_vec());
    Some(Pbkdf2 { digest, iterations, salt, output: hex(output)? })
}

/// Parses `pbkdf2_sha256$ITERATIONS$SALT$BASE64`.
fn django(text: &str) -> Option<Pbkdf2> {
    let [name, iterations, salt, output] = split(text, '$')?;
    let digest = match name {
        "pbkdf2_sha1" => Digest::Sha1,
        "pbkdf2_sha256" => Digest::Sha256,
        _ => return None,
    };
    let (iterations, salt) = (number(iterations)?, salt.as_bytes().to_vec());
    Some(Pbkdf2 { digest, iterations, salt, output: base64(output)? })
}

/// Parses `$pbkdf2-sha256$ITERATIONS$SALT$HASH`, with base64 in which `.` stands for `+`.
fn passlib(text: &str) -> Option<Pbkdf2> {
    let ["", name, iterations, salt, output] = split(text, '$')? else { return None };
    let digest = match name {
        "pbkdf2" => Digest::Sha1,
        "pbkdf2-sha256" => Digest::Sha256,
        "pbkdf2-sha512" => Digest::Sha512,
        _ => return None,
    };
    let decode = |text: &str| base64_unpadded(&text.replace('.', "+"));
    let iterations = number(iterations)?;
    Some(Pbkdf2 { digest, iterations, salt: decode(salt)?, output: decode(output)? })
}

impl Digest {
    /// Returns the length of a digest, in bytes.
    const fn bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl Scheme for Pbkdf2 {
    fn algorithm(&self) -> &'static str {
        match self.digest {
            Digest::Sha1 => "pbkdf2-sha1",
            Digest::Sha256 => "pbkdf2-sha256",
            Digest::Sha512 => "pbkdf2-sha512",
        }
    }

    fn is_match(&self, password: &[u8]) -> bool {
        let mut output = Zeroizing::new(vec![0; self.output.len()]);
        let derive = match self.digest {
            Digest::Sha1 => pbkdf2_hmac::<sha1::Sha1>,
            Digest::Sha256 => pbkdf2_hmac::<pbkdf2::sha2::Sha256>,
            Digest::Sha512 => pbkdf2_hmac::<pbkdf2::sha2::Sha512>,
        };
        derive(password, &self.salt, self.iterations, &mut output);
        equal_in_constant_time(&output, &self.output)
    }

    /// Returns a hash in Werkzeug's format.
    fn template(&self) -> String {
        let digest = match self.digest {
            Digest::Sha1 => "sha1",
            Digest::Sha256 => "sha256",
            Digest::Sha512 => "sha512",
        };
        let output = "00".repeat(self.output.len());
        format!("pbkdf2:{digest}:{}$0000000000000000${output}", self.iterations)
    }
}

//! bcrypt in its own format and in those of Django and passlib.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bcrypt::HashParts;
use pbkdf2::hmac::{Hmac, KeyInit as _, Mac as _};
use pbkdf2::sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::text::{number, split};
use super::{ParseResult, Scheme};
use crate::password::InvalidPasswordHash;

/// The number of bytes of a password that bcrypt uses.
const MAX_PASSWORD_BYTES: usize = 72;
/// The maximum cost, which takes a few seconds. Each step doubles the work.
const MAX_COST: u32 = 16;

struct Bcrypt {
    preparation: Preparation,
    cost: u32,
    /// The hash in bcrypt's own format: `$2b$COST$SALTHASH`.
    text: String,
}

/// The transformation of a password before it is passed to bcrypt, which ignores all but the first
/// [`MAX_PASSWORD_BYTES`].
enum Preparation {
    /// The password is not transformed.
    None,
    /// The SHA-256 in hexadecimal (Django).
    Sha256Hex,
    /// The SHA-256 in base64 (passlib, version 1).
    Sha256Base64,
    /// The HMAC-SHA256 in base64, with the text of the salt as the key (passlib, version 2).
    HmacBase64 { salt: String },
}

pub(super) fn parse(text: &str) -> ParseResult {
    let (preparation, text) =
        passlib(text).or_else(|| plain(text)).ok_or(InvalidPasswordHash::Unknown)?;
    let parts: HashParts = text.parse().map_err(|_| InvalidPasswordHash::Unknown)?;
    let cost = parts.get_cost();
    if cost > MAX_COST {
        return Err(InvalidPasswordHash::TooExpensive);
    }
    Ok(Arc::new(Bcrypt { preparation, cost, text }))
}

/// Parses bcrypt's own format, with or without one of Django's prefixes.
fn plain(text: &str) -> Option<(Preparation, String)> {
    let (preparation, text) = match text.split_once('$')? {
        ("bcrypt", rest) => (Preparation::None, rest),
        ("bcrypt_sha256", rest) => (Preparation::Sha256Hex, rest),
        _ => (Preparation::None, text),
    };
    if !["$2a$", "$2b$", "$2y$"].iter().any(|prefix| text.starts_with(prefix)) {
        return None;
    }
    Some((preparation, text.to_owned()))
}

/// Parses `$bcrypt-sha256$v=2,t=2b,r=COST$SALT$HASH` or the older format
/// `$bcrypt-sha256$2b,COST$SALT$HASH`.
fn passlib(text: &str) -> Option<(Preparation, String)> {
    let ["", "bcrypt-sha256", parameters, salt, hash] = split(text, '$')? else { return None };
    let (preparation, variant, cost) = match *parameters.split(',').collect::<Vec<_>>() {
        ["v=2", variant, cost] => {
            let preparation = Preparation::HmacBase64 { salt: salt.to_owned() };
            (preparation, variant.strip_prefix("t=")?, cost.strip_prefix("r=")?)
        }
        [variant, cost] => (Preparation::Sha256Base64, variant, cost),
        _ => return None,
    };
    if !matches!(variant, "2a" | "2b") {
        return None;
    }
    let cost = number(cost)?;
    Some((preparation, format!("${variant}${cost:02}${salt}{hash}")))
}

impl Scheme for Bcrypt {
    fn algorithm(&self) -> &'static str {
        "bcrypt"
    }

    /// Returns `true` if a password matches. bcrypt ignores all but the first 72 bytes, both here
    /// and when the hash was created.
    fn is_match(&self, password: &[u8]) -> bool {
        let password = Zeroizing::new(match &self.preparation {
            Preparation::None => password.to_vec(),
            Preparation::Sha256Hex => hex(&Sha256::digest(password)).into_bytes(),
            Preparation::Sha256Base64 => STANDARD.encode(Sha256::digest(password)).into_bytes(),
            Preparation::HmacBase64 { salt } => {
                let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(salt.as_bytes()) else {
                    return false;
                };
                mac.update(password);
                STANDARD.encode(mac.finalize().into_bytes()).into_bytes()
            }
        });
        bcrypt::verify(&*password, &self.text).unwrap_or(false)
    }

    /// Returns `false` for a password of 72 bytes or more, unless it is transformed first. bcrypt
    /// appends a zero byte to a shorter password, so a longer one does not match.
    fn identifies(&self, password: &[u8]) -> bool {
        match self.preparation {
            Preparation::None => password.len() < MAX_PASSWORD_BYTES,
            Preparation::Sha256Hex | Preparation::Sha256Base64 | Preparation::HmacBase64 { .. } => {
                true
            }
        }
    }

    /// Returns a hash with the same cost. All preparations are replaced by a single SHA-256.
    fn template(&self) -> String {
        let prefix = match &self.preparation {
            Preparation::None => "",
            Preparation::Sha256Hex | Preparation::Sha256Base64 | Preparation::HmacBase64 { .. } => {
                "bcrypt_sha256$"
            }
        };
        // In bcrypt's base64, a dot encodes zero. The salt has 22 characters, and the output has
        // 31.
        format!("{prefix}$2b${:02}${}", self.cost, ".".repeat(22 + 31))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

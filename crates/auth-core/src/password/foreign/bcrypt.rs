//! bcrypt, as it is written by itself, by Django and by passlib.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bcrypt::HashParts;
use pbkdf2::hmac::{Hmac, KeyInit as _, Mac as _};
use pbkdf2::sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::text::parts;
use super::{Parsed, Scheme};
use crate::InvalidPasswordHash;

/// The greatest cost that is computed: 2 to its power is how often a key is set up, which at this
/// one takes some seconds.
const MAX_COST: u32 = 16;

struct Bcrypt {
    before: Before,
    /// `$2b$COST$SALTHASH`
    text: String,
}

/// What is done to a password first, as bcrypt looks at 72 bytes alone.
enum Before {
    Nothing,
    /// The hexadecimal of its SHA-256 (Django).
    Hex,
    /// The base64 of its SHA-256 (passlib, version 1).
    Base64,
    /// The base64 of its HMAC-SHA256 under the salt as it is written (passlib, version 2).
    Hmac(String),
}

pub(super) fn parse(text: &str) -> Parsed {
    let found = passlib(text).or_else(|| plain(text)).ok_or(InvalidPasswordHash::Unknown)?;
    let cost = found.text.parse::<HashParts>().map_err(|_| InvalidPasswordHash::Unknown)?;
    if cost.get_cost() > MAX_COST {
        return Err(InvalidPasswordHash::Cost);
    }
    Ok(Arc::new(found))
}

/// As it is, or with Django's names before it.
fn plain(text: &str) -> Option<Bcrypt> {
    let (before, text) = match text.split_once('$')? {
        ("bcrypt", rest) => (Before::Nothing, rest),
        ("bcrypt_sha256", rest) => (Before::Hex, rest),
        _ => (Before::Nothing, text),
    };
    let is_known = ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| text.starts_with(prefix));
    is_known.then(|| Bcrypt { before, text: text.to_owned() })
}

/// `$bcrypt-sha256$v=2,t=2b,r=COST$SALT$HASH`, or `$bcrypt-sha256$2b,COST$SALT$HASH` before that.
fn passlib(text: &str) -> Option<Bcrypt> {
    let ["", "bcrypt-sha256", parameters, salt, hash] = parts(text, '$')? else { return None };
    let (before, kind, cost) = match *parameters.split(',').collect::<Vec<_>>() {
        ["v=2", kind, cost] => {
            let (kind, cost) = (kind.strip_prefix("t=")?, cost.strip_prefix("r=")?);
            (Before::Hmac(salt.to_owned()), kind, cost)
        }
        [kind, cost] => (Before::Base64, kind, cost),
        _ => return None,
    };
    let is_known = matches!(kind, "2a" | "2b") && super::text::number(cost).is_some();
    is_known.then(|| Bcrypt { before, text: format!("${kind}${cost:0>2}${salt}{hash}") })
}

impl Scheme for Bcrypt {
    fn algorithm(&self) -> &'static str {
        "bcrypt"
    }

    /// Longer passwords than 72 bytes are cut, as they were when the hash was made.
    fn is_match(&self, password: &[u8]) -> bool {
        let password = Zeroizing::new(match &self.before {
            Before::Nothing => password.to_vec(),
            Before::Hex => hex(&Sha256::digest(password)).into_bytes(),
            Before::Base64 => STANDARD.encode(Sha256::digest(password)).into_bytes(),
            Before::Hmac(salt) => {
                let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(salt.as_bytes()) else {
                    return false;
                };
                mac.update(password);
                STANDARD.encode(mac.finalize().into_bytes()).into_bytes()
            }
        });
        bcrypt::verify(&*password, &self.text).unwrap_or(false)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! Firebase's variant of scrypt, in the format that Supabase stores after an import from Firebase.
//!
//! The hash is the signer key of the Firebase project, encrypted with a key that scrypt derives
//! from the password.

use std::sync::Arc;

use aes::Aes256;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit as _, StreamCipher as _};
use scrypt::Params;
use zeroize::Zeroizing;

use super::text::{base64, equal_in_constant_time, is_output_length, parameter, split};
use super::{ParseResult, Scheme, scrypt::params};
use crate::password::InvalidPasswordHash;

struct Firebase {
    params: Params,
    /// The salt of the user followed by the salt separator of the project.
    salt: Vec<u8>,
    signer_key: Vec<u8>,
    output: Vec<u8>,
}

/// Parses `$fbscrypt$v=1,n=LOG2(N),r=r,p=p,ss=SEPARATOR,sk=KEY$SALT$HASH`.
pub(super) fn parse(text: &str) -> ParseResult {
    let Parts { log_n, r, p, salt, signer_key, output } =
        split_supabase(text).ok_or(InvalidPasswordHash::Unknown)?;
    let n = 1_u32.checked_shl(log_n).ok_or(InvalidPasswordHash::TooExpensive)?;
    Ok(Arc::new(Firebase { params: params(n, r, p)?, salt, signer_key, output }))
}

/// The parts of a hash. The costs have not been checked yet.
struct Parts {
    log_n: u32,
    r: u32,
    p: u32,
    salt: Vec<u8>,
    signer_key: Vec<u8>,
    output: Vec<u8>,
}

fn split_supabase(text: &str) -> Option<Parts> {
    let ["", "fbscrypt", parameters, salt, output] = split(text, '$')? else { return None };
    let ["v=1", log_n, r, p, separator, key] = split(parameters, ',')? else { return None };
    let mut salt = base64(salt)?;
    salt.extend(base64(separator.strip_prefix("ss=")?)?);
    let signer_key = base64(key.strip_prefix("sk=")?)?;
    let output = base64(output)?;
    if salt.is_empty() || !is_output_length(&output) || signer_key.len() != output.len() {
        return None;
    }
    Some(Parts {
        log_n: parameter(log_n, "n")?,
        r: parameter(r, "r")?,
        p: parameter(p, "p")?,
        salt,
        signer_key,
        output,
    })
}

impl Scheme for Firebase {
    fn algorithm(&self) -> &'static str {
        "firebase-scrypt"
    }

    fn is_match(&self, password: &[u8]) -> bool {
        let mut key = Zeroizing::new([0; 32]);
        if scrypt::scrypt(password, &self.salt, &self.params, &mut *key).is_err() {
            return false;
        }
        let mut output = Zeroizing::new(self.signer_key.clone());
        let mut cipher = Ctr128BE::<Aes256>::new(&(*key).into(), &[0; 16].into());
        cipher.apply_keystream(&mut output);
        equal_in_constant_time(&output, &self.output)
    }
}

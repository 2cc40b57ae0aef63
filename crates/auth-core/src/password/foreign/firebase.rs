//! Firebase's variant of scrypt, in the format that Supabase stores after an import from Firebase.
//!
//! The hash is the signer key of the Firebase project, encrypted with a key that scrypt derives
//! from the password.

use std::sync::Arc;

use aes::Aes256;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit as _, StreamCipher as _};
use zeroize::Zeroizing;

use super::text::{
    base64, equal_in_constant_time, is_output_length, parameter, split, zeros_base64,
};
use super::{ParseResult, Scheme, scrypt::Costs};
use crate::password::InvalidPasswordHash;

struct Firebase {
    costs: Costs,
    /// The salt of the user followed by the salt separator of the project.
    salt: Vec<u8>,
    signer_key: Vec<u8>,
    output: Vec<u8>,
}

/// The length of the salt in a [template](Scheme::template), in bytes.
const TEMPLATE_SALT: usize = 16;

/// Parses `$fbscrypt$v=1,n=LOG2(N),r=r,p=p,ss=SEPARATOR,sk=KEY$SALT$HASH`.
pub(super) fn parse(text: &str) -> ParseResult {
    let Parts { log_n, r, p, salt, signer_key, output } =
        split_supabase(text).ok_or(InvalidPasswordHash::Unknown)?;
    let n = 1_u32.checked_shl(log_n).ok_or(InvalidPasswordHash::TooExpensive)?;
    Ok(Arc::new(Firebase { costs: Costs::new(n, r, p)?, salt, signer_key, output }))
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
        if scrypt::scrypt(password, &self.salt, &self.costs.params, &mut *key).is_err() {
            return false;
        }
        let mut output = Zeroizing::new(self.signer_key.clone());
        let mut cipher = Ctr128BE::<Aes256>::new(&(*key).into(), &[0; 16].into());
        cipher.apply_keystream(&mut output);
        equal_in_constant_time(&output, &self.output)
    }

    fn memory_bytes(&self) -> u64 {
        self.costs.memory_bytes()
    }

    fn template(&self) -> String {
        let Costs { n, r, p, .. } = self.costs;
        let (log_n, salt) = (n.ilog2(), zeros_base64(TEMPLATE_SALT));
        let zeros = zeros_base64(self.output.len());
        format!("$fbscrypt$v=1,n={log_n},r={r},p={p},ss=,sk={zeros}${salt}${zeros}")
    }
}

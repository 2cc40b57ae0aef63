//! Firebase's scrypt: the project's key, encrypted under what scrypt derives. It is written as
//! Supabase does, which takes users over from there.

use std::sync::Arc;

use aes::Aes256;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit as _, StreamCipher as _};
use scrypt::Params;
use zeroize::Zeroizing;

use super::text::{base64, is_output, is_same, parameter, parts};
use super::{Parsed, Scheme, scrypt::params};
use crate::InvalidPasswordHash;

struct Firebase {
    params: Params,
    /// The user's and the project's, one after the other.
    salt: Vec<u8>,
    signer_key: Vec<u8>,
    output: Vec<u8>,
}

/// `$fbscrypt$v=1,n=LOG2(N),r=r,p=p,ss=SEPARATOR,sk=KEY$SALT$HASH`
pub(super) fn parse(text: &str) -> Parsed {
    let (costs, hash) = read(text).ok_or(InvalidPasswordHash::Unknown)?;
    let [n, r, p] = costs;
    let n = 1_u32.checked_shl(n).ok_or(InvalidPasswordHash::Cost)?;
    let (salt, signer_key, output) = hash;
    Ok(Arc::new(Firebase { params: params(n, r, p)?, salt, signer_key, output }))
}

type Read = ([u32; 3], (Vec<u8>, Vec<u8>, Vec<u8>));

fn read(text: &str) -> Option<Read> {
    let ["", "fbscrypt", parameters, salt, output] = parts(text, '$')? else { return None };
    let ["v=1", n, r, p, separator, key] = parts(parameters, ',')? else { return None };
    let costs = [parameter(n, "n")?, parameter(r, "r")?, parameter(p, "p")?];
    let mut salt = base64(salt)?;
    salt.extend(base64(separator.strip_prefix("ss=")?)?);
    let (key, output) = (base64(key.strip_prefix("sk=")?)?, base64(output)?);
    let is_hash = !salt.is_empty() && is_output(&output) && key.len() == output.len();
    is_hash.then_some((costs, (salt, key, output)))
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
        is_same(&output, &self.output)
    }
}

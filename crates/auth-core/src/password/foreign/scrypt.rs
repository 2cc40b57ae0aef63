//! scrypt (RFC 7914), as Werkzeug, Django, passlib and PHC strings have it.

use std::sync::Arc;

use scrypt::Params;
use zeroize::Zeroizing;

use super::text::{base64, base64_unpadded, hex, is_output, is_same, number, parameter, parts};
use super::{Parsed, Scheme};
use crate::InvalidPasswordHash;

/// The most memory that is taken, in bytes.
const MAX_MEMORY: u64 = 256 * 1_024 * 1_024;
/// The most memory that is gone through, in bytes: some seconds.
const MAX_WORK: u64 = 8 * MAX_MEMORY;

struct Scrypt {
    params: Params,
    salt: Vec<u8>,
    output: Vec<u8>,
}

/// The costs `N`, `r` and `p`, the salt and the hash.
type Read = ([u32; 3], Vec<u8>, Vec<u8>);

pub(super) fn parse(text: &str) -> Parsed {
    let found = werkzeug(text).or_else(|| django(text)).or_else(|| phc(text));
    let found = found.filter(|(_, _, output)| is_output(output));
    let ([n, r, p], salt, output) = found.ok_or(InvalidPasswordHash::Unknown)?;
    if salt.is_empty() {
        return Err(InvalidPasswordHash::Unsafe);
    }
    Ok(Arc::new(Scrypt { params: params(n, r, p)?, salt, output }))
}

/// Checks the costs.
pub(super) fn params(n: u32, r: u32, p: u32) -> Result<Params, InvalidPasswordHash> {
    let memory = 128 * u64::from(n) * u64::from(r);
    if memory > MAX_MEMORY || memory.saturating_mul(p.into()) > MAX_WORK {
        return Err(InvalidPasswordHash::Cost);
    }
    let log_n = u8::try_from(n.trailing_zeros()).ok().filter(|_| n.is_power_of_two() && n > 1);
    let params = log_n.and_then(|log_n| Params::new(log_n, r, p).ok());
    params.ok_or(InvalidPasswordHash::Unknown)
}

/// `scrypt:N:r:p$SALT$HEX`
fn werkzeug(text: &str) -> Option<Read> {
    let [method, salt, output] = parts(text, '$')?;
    let ["scrypt", n, r, p] = parts(method, ':')? else { return None };
    Some(([number(n)?, number(r)?, number(p)?], salt.as_bytes().to_vec(), hex(output)?))
}

/// `scrypt$N$SALT$r$p$BASE64`
fn django(text: &str) -> Option<Read> {
    let ["scrypt", n, salt, r, p, output] = parts(text, '$')? else { return None };
    Some(([number(n)?, number(r)?, number(p)?], salt.as_bytes().to_vec(), base64(output)?))
}

/// `$scrypt$ln=LOG2(N),r=r,p=p$SALT$HASH`
fn phc(text: &str) -> Option<Read> {
    let ["", "scrypt", costs, salt, output] = parts(text, '$')? else { return None };
    let [log_n, r, p] = parts(costs, ',')?;
    let n = 1_u32.checked_shl(parameter(log_n, "ln")?)?;
    let costs = [n, parameter(r, "r")?, parameter(p, "p")?];
    Some((costs, base64_unpadded(salt)?, base64_unpadded(output)?))
}

impl Scheme for Scrypt {
    fn algorithm(&self) -> &'static str {
        "scrypt"
    }

    fn is_match(&self, password: &[u8]) -> bool {
        let mut output = Zeroizing::new(vec![0; self.output.len()]);
        let derived = scrypt::scrypt(password, &self.salt, &self.params, &mut output);
        derived.is_ok() && is_same(&output, &self.output)
    }
}

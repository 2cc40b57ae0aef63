//! scrypt (RFC 7914) in the formats of Werkzeug and Django, and in PHC strings like passlib's.

use std::sync::Arc;

use scrypt::Params;
use zeroize::Zeroizing;

use super::text::{
    base64, base64_unpadded, equal_in_constant_time, hex, is_output_length, number, parameter,
    split,
};
use super::{ParseResult, Scheme};
use crate::password::InvalidPasswordHash;

/// The maximum memory, in bytes.
const MAX_MEMORY: u64 = 256 * 1_024 * 1_024;
/// The maximum product of memory and parallelism, in bytes: 2 GiB. Verifying a password at this
/// maximum takes a few seconds.
const MAX_WORK: u64 = 8 * MAX_MEMORY;

struct Scrypt {
    params: Params,
    salt: Vec<u8>,
    output: Vec<u8>,
}

/// The parts of a hash. The costs have not been checked yet.
struct Parts {
    n: u32,
    r: u32,
    p: u32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

pub(super) fn parse(text: &str) -> ParseResult {
    let Parts { n, r, p, salt, output } = werkzeug(text)
        .or_else(|| django(text))
        .or_else(|| phc(text))
        .ok_or(InvalidPasswordHash::Unknown)?;
    if !is_output_length(&output) {
        return Err(InvalidPasswordHash::Unknown);
    }
    if salt.is_empty() {
        return Err(InvalidPasswordHash::Insecure);
    }
    Ok(Arc::new(Scrypt { params: params(n, r, p)?, salt, output }))
}

/// Creates the parameters of scrypt, if they are valid and not too expensive.
pub(super) fn params(n: u32, r: u32, p: u32) -> Result<Params, InvalidPasswordHash> {
    let memory = 128 * u64::from(n) * u64::from(r);
    if memory > MAX_MEMORY || memory.saturating_mul(p.into()) > MAX_WORK {
        return Err(InvalidPasswordHash::TooExpensive);
    }
    if n < 2 || !n.is_power_of_two() {
        return Err(InvalidPasswordHash::Unknown);
    }
    let log_n = u8::try_from(n.ilog2()).map_err(|_| InvalidPasswordHash::Unknown)?;
    Params::new(log_n, r, p).map_err(|_| InvalidPasswordHash::Unknown)
}

/// Parses `scrypt:N:r:p$SALT$HEX`.
fn werkzeug(text: &str) -> Option<Parts> {
    let [method, salt, output] = split(text, '$')?;
    let ["scrypt", n, r, p] = split(method, ':')? else { return None };
    Some(Parts {
        n: number(n)?,
        r: number(r)?,
        p: number(p)?,
        salt: salt.as_bytes().to_vec(),
        output: hex(output)?,
    })
}

/// Parses `scrypt$N$SALT$r$p$BASE64`.
fn django(text: &str) -> Option<Parts> {
    let ["scrypt", n, salt, r, p, output] = split(text, '$')? else { return None };
    Some(Parts {
        n: number(n)?,
        r: number(r)?,
        p: number(p)?,
        salt: salt.as_bytes().to_vec(),
        output: base64(output)?,
    })
}

/// Parses `$scrypt$ln=LOG2(N),r=r,p=p$SALT$HASH`.
fn phc(text: &str) -> Option<Parts> {
    let ["", "scrypt", costs, salt, output] = split(text, '$')? else { return None };
    let [log_n, r, p] = split(costs, ',')?;
    Some(Parts {
        n: 1_u32.checked_shl(parameter(log_n, "ln")?)?,
        r: parameter(r, "r")?,
        p: parameter(p, "p")?,
        salt: base64_unpadded(salt)?,
        output: base64_unpadded(output)?,
    })
}

impl Scheme for Scrypt {
    fn algorithm(&self) -> &'static str {
        "scrypt"
    }

    fn is_match(&self, password: &[u8]) -> bool {
        let mut output = Zeroizing::new(vec![0; self.output.len()]);
        let derived = scrypt::scrypt(password, &self.salt, &self.params, &mut output);
        derived.is_ok() && equal_in_constant_time(&output, &self.output)
    }
}

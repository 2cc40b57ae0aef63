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

/// The maximum memory, in bytes: 256 MiB for the N blocks, and 1 MiB for all other blocks. Without
/// the additional memory, no hash with 256 MiB of the N blocks would be accepted, because N is a
/// power of two.
const MAX_MEMORY: u64 = 257 * 1_024 * 1_024;
/// The maximum work, in bytes that the mixing function writes: about 2 GiB. Verifying a password at
/// this maximum takes a few seconds.
const MAX_WORK: u64 = 8 * MAX_MEMORY;

/// The parameters of scrypt (RFC 7914, section 2).
#[derive(Clone, Copy)]
pub(super) struct Costs {
    pub(super) n: u32,
    pub(super) r: u32,
    pub(super) p: u32,
    pub(super) params: Params,
}

struct Scrypt {
    costs: Costs,
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
    Ok(Arc::new(Scrypt { costs: Costs::new(n, r, p)?, salt, output }))
}

impl Costs {
    /// Creates the parameters, if they are valid and not too expensive.
    pub(super) fn new(n: u32, r: u32, p: u32) -> Result<Self, InvalidPasswordHash> {
        // PBKDF2 at the start and at the end takes about as long as two rounds of mixing.
        let work = block_bytes(r).saturating_mul(p.into()).saturating_mul(u64::from(n) + 2);
        if memory_bytes(n, r, p) > MAX_MEMORY || work > MAX_WORK {
            return Err(InvalidPasswordHash::TooExpensive);
        }
        if n < 2 || !n.is_power_of_two() {
            return Err(InvalidPasswordHash::Unknown);
        }
        let log_n = u8::try_from(n.ilog2()).map_err(|_| InvalidPasswordHash::Unknown)?;
        let params = Params::new(log_n, r, p).map_err(|_| InvalidPasswordHash::Unknown)?;
        Ok(Self { n, r, p, params })
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        memory_bytes(self.n, self.r, self.p)
    }
}

/// Returns the memory that the `scrypt` crate allocates: N blocks for mixing, one block for each of
/// the p parts, and one block for an intermediate result. The parts are mixed one after the other.
fn memory_bytes(n: u32, r: u32, p: u32) -> u64 {
    block_bytes(r).saturating_mul(u64::from(n) + u64::from(p) + 1)
}

fn block_bytes(r: u32) -> u64 {
    128 * u64::from(r)
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
        let derived = scrypt::scrypt(password, &self.salt, &self.costs.params, &mut output);
        derived.is_ok() && equal_in_constant_time(&output, &self.output)
    }

    fn memory_bytes(&self) -> u64 {
        self.costs.memory_bytes()
    }

    /// Returns a hash in Werkzeug's format.
    fn template(&self) -> String {
        let Costs { n, r, p, .. } = self.costs;
        format!("scrypt:{n}:{r}:{p}$0000000000000000${}", "00".repeat(self.output.len()))
    }
}

//! Argon2 (RFC 9106) in PHC strings, with or without Django's prefix.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use super::text::{
    base64_unpadded, equal_in_constant_time, is_output_length, parameter, split,
    zeros_base64_unpadded,
};
use super::{ParseResult, Scheme};
use crate::password::InvalidPasswordHash;

/// The maximum memory, in KiB: 256 MiB.
const MAX_MEMORY: u32 = 256 * 1_024;
/// The maximum product of memory and passes, in KiB: 2 GiB. Verifying a password at this maximum
/// takes a few seconds.
const MAX_WORK: u32 = 8 * MAX_MEMORY;
/// The maximum number of lanes.
const MAX_LANES: u32 = 64;

struct Argon2Hash {
    argon2: Argon2<'static>,
    algorithm: Algorithm,
    version: Version,
    salt: Vec<u8>,
    output: Vec<u8>,
}

/// The length of the salt in a [template](Scheme::template), in bytes. The length of a salt does
/// not affect the work noticeably.
const TEMPLATE_SALT: usize = 16;

pub(super) fn parse(text: &str) -> ParseResult {
    let text = text.strip_prefix("argon2").unwrap_or(text);
    let Parts { algorithm, version, memory, passes, lanes, salt, output } =
        split_phc(text).ok_or(InvalidPasswordHash::Unknown)?;
    let work = memory.saturating_mul(passes);
    if memory > MAX_MEMORY || work > MAX_WORK || lanes > MAX_LANES {
        return Err(InvalidPasswordHash::TooExpensive);
    }
    let params = Params::new(memory, passes, lanes, Some(output.len()))
        .map_err(|_| InvalidPasswordHash::Unknown)?;
    let argon2 = Argon2::new(algorithm, version, params);
    Ok(Arc::new(Argon2Hash { argon2, algorithm, version, salt, output }))
}

/// The parts of a PHC string. The costs have not been checked yet.
struct Parts {
    algorithm: Algorithm,
    version: Version,
    /// In KiB.
    memory: u32,
    passes: u32,
    lanes: u32,
    salt: Vec<u8>,
    output: Vec<u8>,
}

/// Parses `$argon2id$v=19$m=KIB,t=PASSES,p=LANES$SALT$HASH`.
fn split_phc(text: &str) -> Option<Parts> {
    let ["", name, version, costs, salt, output] = split(text, '$')? else { return None };
    let algorithm = match name {
        "argon2d" => Algorithm::Argon2d,
        "argon2i" => Algorithm::Argon2i,
        "argon2id" => Algorithm::Argon2id,
        _ => return None,
    };
    let version = Version::try_from(parameter(version, "v")?).ok()?;
    let [memory, passes, lanes] = split(costs, ',')?;
    let salt = base64_unpadded(salt)?;
    let output = base64_unpadded(output)?;
    // The `argon2` crate rejects a salt of fewer than 8 bytes.
    if salt.len() < 8 || !is_output_length(&output) {
        return None;
    }
    Some(Parts {
        algorithm,
        version,
        memory: parameter(memory, "m")?,
        passes: parameter(passes, "t")?,
        lanes: parameter(lanes, "p")?,
        salt,
        output,
    })
}

impl Scheme for Argon2Hash {
    fn algorithm(&self) -> &'static str {
        self.algorithm.as_str()
    }

    fn is_match(&self, password: &[u8]) -> bool {
        let mut output = Zeroizing::new(vec![0; self.output.len()]);
        let derived = self.argon2.hash_password_into(password, &self.salt, &mut output);
        derived.is_ok() && equal_in_constant_time(&output, &self.output)
    }

    fn memory_bytes(&self) -> u64 {
        let blocks = u64::try_from(self.argon2.params().block_count()).unwrap_or(u64::MAX);
        blocks.saturating_mul(argon2::Block::SIZE as u64)
    }

    fn template(&self) -> String {
        let params = self.argon2.params();
        format!(
            "${}$v={}$m={},t={},p={}${}${}",
            self.algorithm.as_str(),
            u32::from(self.version),
            params.m_cost(),
            params.t_cost(),
            params.p_cost(),
            zeros_base64_unpadded(TEMPLATE_SALT),
            zeros_base64_unpadded(self.output.len())
        )
    }
}

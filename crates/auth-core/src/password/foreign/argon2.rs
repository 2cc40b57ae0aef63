//! Argon2 (RFC 9106) in PHC strings, with Django's name before it or without.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

use super::text::{base64_unpadded, is_output, is_same, parameter, parts};
use super::{Parsed, Scheme};
use crate::InvalidPasswordHash;

/// The most memory that is taken, in KiB: 256 MiB.
const MAX_MEMORY: u32 = 256 * 1_024;
/// The most memory that is gone through, in KiB, over all passes: 2 GiB take some seconds.
const MAX_WORK: u32 = 8 * MAX_MEMORY;
/// The most lanes that are taken.
const MAX_LANES: u32 = 64;

struct Hash {
    argon2: Argon2<'static>,
    algorithm: Algorithm,
    salt: Vec<u8>,
    output: Vec<u8>,
}

pub(super) fn parse(text: &str) -> Parsed {
    let text = text.strip_prefix("argon2").unwrap_or(text);
    let (algorithm, version, [memory, passes, lanes], salt, output) =
        read(text).ok_or(InvalidPasswordHash::Unknown)?;
    let work = memory.saturating_mul(passes);
    if memory > MAX_MEMORY || work > MAX_WORK || lanes > MAX_LANES {
        return Err(InvalidPasswordHash::Cost);
    }
    let params = Params::new(memory, passes, lanes, Some(output.len()));
    let params = params.map_err(|_| InvalidPasswordHash::Unknown)?;
    let argon2 = Argon2::new(algorithm, version, params);
    Ok(Arc::new(Hash { argon2, algorithm, salt, output }))
}

type Read = (Algorithm, Version, [u32; 3], Vec<u8>, Vec<u8>);

/// `$argon2id$v=19$m=KIB,t=PASSES,p=LANES$SALT$HASH`
fn read(text: &str) -> Option<Read> {
    let ["", name, version, costs, salt, output] = parts(text, '$')? else { return None };
    let algorithm = match name {
        "argon2d" => Algorithm::Argon2d,
        "argon2i" => Algorithm::Argon2i,
        "argon2id" => Algorithm::Argon2id,
        _ => return None,
    };
    let version = Version::try_from(parameter(version, "v")?).ok()?;
    let [memory, passes, lanes] = parts(costs, ',')?;
    let costs = [parameter(memory, "m")?, parameter(passes, "t")?, parameter(lanes, "p")?];
    let (salt, output) = (base64_unpadded(salt)?, base64_unpadded(output)?);
    // RFC 9106, 3.1: a salt of 8 bytes at least.
    (salt.len() >= 8 && is_output(&output)).then_some((algorithm, version, costs, salt, output))
}

impl Scheme for Hash {
    fn algorithm(&self) -> &'static str {
        self.algorithm.as_str()
    }

    fn is_match(&self, password: &[u8]) -> bool {
        let mut output = Zeroizing::new(vec![0; self.output.len()]);
        let derived = self.argon2.hash_password_into(password, &self.salt, &mut output);
        derived.is_ok() && is_same(&output, &self.output)
    }
}

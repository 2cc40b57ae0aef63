use pbkdf2_lanes::{Job, Plan};
use zeroize::Zeroizing;

use super::Password;

/// One PBKDF2 computation.
#[derive(Clone, Copy)]
pub(super) struct Derivation<'a> {
    pub(super) password: &'a Password,
    pub(super) salt: &'a [u8],
    pub(super) iterations: u32,
    /// The length of the output, in bytes.
    pub(super) output_bytes: usize,
}

pub(super) type Output = Zeroizing<Vec<u8>>;

/// Returns the output of one computation.
pub(super) fn derive_one(derivation: Derivation<'_>) -> Output {
    derive(&[derivation], &Plan::default()).pop().unwrap_or_default()
}

/// Returns the outputs of several computations, in the same order.
pub(super) fn derive(derivations: &[Derivation<'_>], plan: &Plan) -> Vec<Output> {
    let mut outputs: Vec<_> = derivations
        .iter()
        .map(|derivation| Zeroizing::new(vec![0; derivation.output_bytes]))
        .collect();
    let mut jobs: Vec<_> = derivations
        .iter()
        .zip(&mut outputs)
        .map(|(derivation, output)| Job {
            password: derivation.password.as_str().as_bytes(),
            salt: derivation.salt,
            iterations: derivation.iterations,
            output,
        })
        .collect();
    derive_jobs(&mut jobs, plan);
    outputs
}

#[cfg(not(all(unoptimized, feature = "verify")))]
use pbkdf2_lanes::derive as derive_jobs;

/// Replaces `pbkdf2_lanes::derive` in builds without optimisation, where a hash would take four
/// seconds. With AWS-LC, which this crate also verifies tokens with, a hash takes a quarter of a
/// second in any build, because AWS-LC is written in C and assembly.
#[cfg(all(unoptimized, feature = "verify"))]
fn derive_jobs(jobs: &mut [Job<'_>], _: &Plan) {
    use aws_lc_rs::pbkdf2::{PBKDF2_HMAC_SHA256, derive};
    for Job { password, salt, iterations, output } in jobs {
        let iterations =
            std::num::NonZeroU32::new(*iterations).unwrap_or(std::num::NonZeroU32::MIN);
        derive(PBKDF2_HMAC_SHA256, iterations, salt, password, output);
    }
}

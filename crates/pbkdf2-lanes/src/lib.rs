//! PBKDF2-HMAC-SHA256 (RFC 8018, 5.2) of several passwords at once, with SIMD instructions.
//!
//! PBKDF2 is a chain of hashes, each of which depends on the one before, so most execution units of
//! a core are idle. A single chain cannot be made faster, but the chains of different passwords are
//! independent. This crate runs them side by side: two to four interleaved, using the SHA
//! instructions of x86-64, eight in AVX2 registers, or sixteen in AVX-512 registers. On other
//! machines it runs one chain after the other.
//!
//! ```
//! use pbkdf2_lanes::{Job, Plan, derive};
//!
//! let (mut ada, mut bob) = ([0; 32], [0; 32]);
//! derive(
//!     &mut [
//!         Job { password: b"a long walk", salt: b"0123456789abcdef", iterations: 1_000, output: &mut ada },
//!         Job { password: b"along the sea", salt: b"fedcba9876543210", iterations: 1_000, output: &mut bob },
//!     ],
//!     &Plan::default(),
//! );
//! assert_ne!(ada, bob);
//! ```
//!
//! The outputs are the same as those of any other implementation. A [`Plan`] affects only the
//! speed: it chooses a [`Kernel`] for each number of chains. [`Plan::default`] uses the typical
//! costs of the kernels, and [`Plan::measured`] measures their costs on this machine.
//!
//! # Zeroization
//!
//! The states of the chains, from which the output could be computed, are zeroized before
//! [`derive()`] returns. Copies that the compiler keeps in registers or on the stack are not.

mod chain;
mod kernel;
mod plan;

pub use kernel::Kernel;
pub use plan::Plan;

use chain::{Chain, Key};
use kernel::MAX_LANES;
use zeroize::Zeroizing;

/// A password to derive a key from, and the buffer for the output.
///
/// This type does not implement `Debug`, so that passwords are not logged.
#[expect(missing_debug_implementations, reason = "it contains a password")]
pub struct Job<'a> {
    /// The password, of any length. Up to a length of 64 bytes, zero bytes at its end make no
    /// difference (RFC 2104, 2).
    pub password: &'a [u8],
    /// The salt, of any length. It should have at least 16 random bytes (NIST SP 800-132, 5.1).
    pub salt: &'a [u8],
    /// The number of iterations; 0 counts as 1.
    pub iterations: u32,
    /// The buffer for the output, of up to 2³² - 1 blocks of 32 bytes. All iterations are computed
    /// for each block.
    pub output: &'a mut [u8],
}

/// A chain and the number of its remaining iterations.
struct PendingChain {
    chain: Chain,
    remaining: u32,
}

/// The length of a block of output.
const OUTPUT_BLOCK_BYTES: usize = 32;

/// Computes the outputs of all jobs.
pub fn derive(jobs: &mut [Job<'_>], plan: &Plan) {
    let mut chains = Vec::new();
    for job in &*jobs {
        let key = Key::new(job.password);
        for (block, _) in (1..).zip(job.output.chunks(OUTPUT_BLOCK_BYTES)) {
            chains.push(PendingChain {
                chain: key.first_iteration(job.salt, block),
                remaining: job.iterations.saturating_sub(1),
            });
        }
    }
    run(&mut chains, plan);
    let outputs = jobs.iter_mut().flat_map(|job| job.output.chunks_mut(OUTPUT_BLOCK_BYTES));
    for (output, pending) in outputs.zip(&chains) {
        output.copy_from_slice(&pending.chain.output()[..output.len()]);
    }
}

/// Runs all chains to completion. Each step runs as many chains as the plan chooses, until the
/// first of them is complete.
fn run(chains: &mut [PendingChain], plan: &Plan) {
    loop {
        let mut batch: Vec<&mut PendingChain> =
            chains.iter_mut().filter(|pending| pending.remaining > 0).collect();
        let kernel = plan.kernel(batch.len());
        batch.truncate(kernel.lanes());
        let Some(iterations) = batch.iter().map(|pending| pending.remaining).min() else { return };
        let mut lanes = Zeroizing::new([Chain::default(); MAX_LANES]);
        for (lane, pending) in lanes.iter_mut().zip(&batch) {
            *lane = pending.chain;
        }
        kernel.advance(&mut lanes[..kernel.lanes()], iterations);
        for (pending, lane) in batch.into_iter().zip(lanes.iter()) {
            pending.chain = *lane;
            pending.remaining -= iterations;
        }
    }
}

impl Drop for PendingChain {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.chain);
    }
}

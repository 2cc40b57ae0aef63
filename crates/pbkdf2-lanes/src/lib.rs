//! PBKDF2-HMAC-SHA256 (RFC 8018, 5.2) of many passwords at once.
//!
//! PBKDF2 is one long chain: each hash waits for the one before, and most of a core's
//! arithmetic stands idle meanwhile. One chain cannot be made shorter, but a server that
//! has several passwords to hash has several chains, and they know nothing of each other.
//! This crate runs them side by side: two to four interleaved in the SHA instructions of x86-64,
//! eight in AVX2 registers, sixteen in AVX-512 registers. Where there are no such instructions it
//! runs one after the other, as everybody does.
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
//! What comes out is what every other implementation computes, whatever the [`Plan`]: a plan
//! says which [`Kernel`] to use for how many chains, by what each costs. [`Plan::default`] goes by
//! what they typically cost, [`Plan::measured`] by what they cost on this machine.
//!
//! # What is wiped
//!
//! The states of the chains, from which the output could be computed, are wiped from memory
//! when [`derive()`] returns. Copies that the compiler made in registers, or put on the stack
//! for want of one, are not.

mod chain;
mod kernel;
mod plan;

pub use kernel::Kernel;
pub use plan::Plan;

use chain::{Chain, Key};
use kernel::MAX_LANES;
use zeroize::Zeroizing;

/// One password to derive from, and where to put what is derived.
///
/// `Debug` is left out: a password does not belong in a log.
#[expect(missing_debug_implementations, reason = "it holds a password")]
pub struct Job<'a> {
    /// The password, of any length. HMAC cannot tell one of up to 64 bytes from the same
    /// with zeros after it (RFC 2104, 2).
    pub password: &'a [u8],
    /// The salt, of any length; 16 random bytes at least (NIST SP 800-132, 5.1).
    pub salt: &'a [u8],
    /// The number of iterations; 0 counts as 1.
    pub iterations: u32,
    /// What is derived: up to 2³² - 1 blocks of 32 bytes, of which each costs all the iterations.
    pub output: &'a mut [u8],
}

/// A chain in progress.
struct Link {
    chain: Chain,
    /// How many iterations are to come.
    left: u32,
}

/// The bytes of a hash.
const BLOCK: usize = 32;

/// Fills the outputs of all jobs.
pub fn derive(jobs: &mut [Job<'_>], plan: &Plan) {
    let mut links = Vec::new();
    for job in &*jobs {
        let key = Key::new(job.password);
        for (block, _) in (1..).zip(job.output.chunks(BLOCK)) {
            let left = job.iterations.saturating_sub(1);
            links.push(Link { chain: key.begin(job.salt, block), left });
        }
    }
    run(&mut links, plan);
    let outputs = jobs.iter_mut().flat_map(|job| job.output.chunks_mut(BLOCK));
    for (output, link) in outputs.zip(&links) {
        output.copy_from_slice(&link.chain.output()[..output.len()]);
    }
}

/// Runs all chains to their ends: as many at once as the plan says, and as far as the
/// shortest of those goes.
fn run(links: &mut [Link], plan: &Plan) {
    loop {
        let mut live: Vec<&mut Link> = links.iter_mut().filter(|link| link.left > 0).collect();
        let kernel = plan.kernel(live.len());
        live.truncate(kernel.lanes());
        let Some(rounds) = live.iter().map(|link| link.left).min() else { return };
        let mut lanes = Zeroizing::new([Chain::default(); MAX_LANES]);
        for (lane, link) in lanes.iter_mut().zip(&live) {
            *lane = link.chain;
        }
        kernel.advance(&mut lanes[..kernel.lanes()], rounds);
        for (link, lane) in live.into_iter().zip(lanes.iter()) {
            link.chain = *lane;
            link.left -= rounds;
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.chain);
    }
}

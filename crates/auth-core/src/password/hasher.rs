use pbkdf2::Params;
use pbkdf2::password_hash::phc;
use pbkdf2_lanes::{Job, Plan};
use zeroize::Zeroizing;

use super::hash::{Kind, OurHash};
use super::{HashJob, HashOutcome, NewPassword, Password, PasswordHash};
use crate::Random;
use crate::random::random_array;

/// A number of iterations outside 1,000 to 10,000,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the number of PBKDF2 iterations is 1,000 to 10,000,000")]
pub struct InvalidIterations;

/// What comparing a password with a stored hash showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verification {
    /// The password is the one that was hashed.
    Match,
    /// It is, and the hash should be made again: it is weaker than today's.
    MatchOutdated,
    /// It is not, or there was no hash to compare with.
    Mismatch,
}

/// Turns passwords into [`PasswordHash`]es and compares them: PBKDF2-HMAC-SHA256
/// (RFC 8018, 5.2) with 16 random bytes of salt and 32 bytes of output.
///
/// Both take tens of milliseconds of one core by intention. An async program must not run
/// them on the threads that serve its requests. One that has several passwords to deal with
/// does best to [`run`](Self::run) them together.
#[derive(Debug, Clone, Copy)]
pub struct PasswordHasher {
    iterations: u32,
}

pub(super) const SALT_BYTES: usize = 16;
const OUTPUT_BYTES: usize = 32;

impl PasswordHasher {
    /// The iterations unless others are asked for (OWASP Password Storage Cheat Sheet).
    pub const DEFAULT_ITERATIONS: u32 = Params::RECOMMENDED_ROUNDS;
    /// The least number of iterations (NIST SP 800-132, 5.2).
    pub const MIN_ITERATIONS: u32 = Params::MIN_ROUNDS;
    /// The greatest number of iterations, which keeps a stray hash from holding a core
    /// for minutes.
    pub const MAX_ITERATIONS: u32 = 10_000_000;

    /// A hasher that spends this many iterations.
    ///
    /// # Errors
    ///
    /// [`InvalidIterations`] outside [`MIN_ITERATIONS`](Self::MIN_ITERATIONS) to
    /// [`MAX_ITERATIONS`](Self::MAX_ITERATIONS).
    pub const fn new(iterations: u32) -> Result<Self, InvalidIterations> {
        if iterations < Self::MIN_ITERATIONS || iterations > Self::MAX_ITERATIONS {
            return Err(InvalidIterations);
        }
        Ok(Self { iterations })
    }

    /// Hashes a new password under a fresh salt.
    #[must_use]
    pub fn hash(&self, password: &NewPassword, random: &dyn Random) -> PasswordHash {
        self.hash_with_salt(password, random_array(random))
    }

    /// Hashes once more a password that has just been verified, so that its hash is as
    /// strong as today's.
    ///
    /// ```
    /// # use auth_core::{Password, PasswordHash, PasswordHasher, SystemRandom, Verification};
    /// let stored: PasswordHash = // "correct horse", from weaker days
    ///     "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHRzYWx0c2FsdA$\
    ///      BBs+1+PaslLtBPULUr8/lQicvVuHiEPMz0i8MjLCbzM".parse()?;
    /// let hasher = PasswordHasher::new(2_000)?;
    /// let password = Password::new("correct horse");
    /// if hasher.verify(&password, Some(&stored)) == Verification::MatchOutdated {
    ///     let renewed = hasher.rehash(&password, &SystemRandom);
    ///     assert_eq!(hasher.verify(&password, Some(&renewed)), Verification::Match);
    /// # } else { panic!("the stored hash is of another password");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn rehash(&self, verified: &Password, random: &dyn Random) -> PasswordHash {
        self.hash_with_salt(verified, random_array(random))
    }

    /// Compares a password with a stored hash in constant time.
    ///
    /// The work of a mismatch is the same whatever the reason: without a hash (there is no
    /// such account) one is computed all the same, and under a hash that is weaker than
    /// today's the iterations it lacks are spent too. A hash that is stronger than today's
    /// does take longer: who lowers the iterations lets it be seen, until every such account
    /// has a new password, which addresses have one. And a hash that another system has made
    /// takes the time that it takes: who does not want it told from no account compares with one
    /// of the same kind where there is no account.
    pub fn verify(&self, password: &Password, stored: Option<&PasswordHash>) -> Verification {
        let stored = match stored.map(|hash| &hash.0) {
            Some(Kind::Foreign(hash)) => return foreign(hash.is_match(password)),
            Some(Kind::Ours(hash)) => Some(hash),
            None => None,
        };
        let output = derive_one(self.comparison(password, stored));
        let verification = self.judge(password, stored, &output);
        if let Some(more) = self.lacking(password, stored, verification) {
            std::hint::black_box(derive_one(more));
        }
        verification
    }

    /// Does several jobs at once, side by side in the registers of one core: each takes longer than
    /// alone, and all together a quarter to a half as long as one after the other. There is one
    /// outcome for each job, in their order, and what each is does not show in the time that all take.
    ///
    /// ```
    /// # use auth_core::*;
    /// # let hasher = PasswordHasher::new(1_000)?;
    /// # let stored: PasswordHash = // "correct horse"
    /// #     "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHRzYWx0c2FsdA$\
    /// #      BBs+1+PaslLtBPULUr8/lQicvVuHiEPMz0i8MjLCbzM".parse()?;
    /// let jobs = [
    ///     HashJob::verification(Password::new("correct horse"), Some(stored)),
    ///     HashJob::verification(Password::new("correct horse"), None),
    /// ];
    /// let outcomes = hasher.run(&jobs, &LanePlan::default());
    /// assert_eq!(outcomes[0], HashOutcome::Verified(Verification::Match));
    /// assert_eq!(outcomes[1], HashOutcome::Verified(Verification::Mismatch));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn run(&self, jobs: &[HashJob], plan: &Plan) -> Vec<HashOutcome> {
        let work: Vec<_> = jobs.iter().filter_map(|job| job.work(self)).collect();
        let mut outputs = derive(&work, plan).into_iter();
        let outcomes: Vec<_> = jobs
            .iter()
            .map(|job| job.outcome(self, || outputs.next().unwrap_or_default()))
            .collect();
        let more: Vec<_> = jobs
            .iter()
            .zip(&outcomes)
            .filter_map(|(job, outcome)| job.lacking(self, outcome))
            .collect();
        std::hint::black_box(derive(&more, plan));
        outcomes
    }

    fn hash_with_salt(&self, password: &Password, salt: [u8; SALT_BYTES]) -> PasswordHash {
        self.hashed(&salt, &derive_one(self.hashing(password, &salt)))
    }

    /// What there is to derive for a new hash.
    pub(super) fn hashing<'a>(&self, password: &'a Password, salt: &'a [u8]) -> Work<'a> {
        Work { password, salt, iterations: self.iterations, length: OUTPUT_BYTES }
    }

    #[expect(clippy::expect_used, reason = "both lengths are constants within the PHC limits")]
    pub(super) fn hashed(&self, salt: &[u8; SALT_BYTES], output: &[u8]) -> PasswordHash {
        PasswordHash(Kind::Ours(OurHash {
            iterations: self.iterations,
            salt: phc::Salt::new(salt).expect("16 bytes are a salt"),
            output: phc::Output::new(output).expect("32 bytes are an output"),
        }))
    }

    /// What there is to derive for a comparison.
    pub(super) fn comparison<'a>(
        &self,
        password: &'a Password,
        stored: Option<&'a OurHash>,
    ) -> Work<'a> {
        match stored {
            Some(OurHash { iterations, salt, output }) => Work {
                password,
                salt: salt.as_ref(),
                iterations: *iterations,
                length: output.len(),
            },
            None => self.hashing(password, &[0; SALT_BYTES]),
        }
    }

    /// What a comparison shows.
    pub(super) fn judge(
        &self,
        password: &Password,
        stored: Option<&OurHash>,
        output: &[u8],
    ) -> Verification {
        // `Output` compares in constant time. U+0000 is refused only now, so that it costs
        // what every other password costs.
        match stored {
            Some(stored)
                if phc::Output::new(output).is_ok_and(|output| output == stored.output)
                    && !password.has_nul() =>
            {
                if self.is_weak(stored) {
                    Verification::MatchOutdated
                } else {
                    Verification::Match
                }
            }
            _ => Verification::Mismatch,
        }
    }

    /// What a mismatch has cost less than it would without an account.
    pub(super) fn lacking<'a>(
        &self,
        password: &'a Password,
        stored: Option<&OurHash>,
        verification: Verification,
    ) -> Option<Work<'a>> {
        let lacking = self.iterations.saturating_sub(stored?.iterations);
        (verification == Verification::Mismatch && lacking > 0)
            .then(|| Work { iterations: lacking, ..self.hashing(password, &[0; SALT_BYTES]) })
    }

    /// Whether a hash is weaker than one of this hasher's, or another system's.
    #[must_use]
    pub fn is_outdated(&self, stored: &PasswordHash) -> bool {
        match &stored.0 {
            Kind::Ours(hash) => self.is_weak(hash),
            Kind::Foreign(_) => true,
        }
    }

    fn is_weak(&self, stored: &OurHash) -> bool {
        stored.iterations < self.iterations
            || stored.salt.len() < SALT_BYTES
            || stored.output.len() < OUTPUT_BYTES
    }
}

/// What is found out about a password that another system has hashed: if it is the one, the
/// hash should be ours from now on.
pub(super) const fn foreign(is_match: bool) -> Verification {
    if is_match { Verification::MatchOutdated } else { Verification::Mismatch }
}

impl Default for PasswordHasher {
    fn default() -> Self {
        Self { iterations: Self::DEFAULT_ITERATIONS }
    }
}

/// Something to derive from a password.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    password: &'a Password,
    salt: &'a [u8],
    iterations: u32,
    /// In bytes.
    length: usize,
}

/// What is derived.
type Output = Zeroizing<Vec<u8>>;

fn derive(work: &[Work<'_>], plan: &Plan) -> Vec<Output> {
    let mut outputs: Vec<_> =
        work.iter().map(|work| Zeroizing::new(vec![0; work.length])).collect();
    let mut jobs: Vec<_> = work
        .iter()
        .zip(&mut outputs)
        .map(|(work, output)| Job {
            password: work.password.as_str().as_bytes(),
            salt: work.salt,
            iterations: work.iterations,
            output,
        })
        .collect();
    derive_all(&mut jobs, plan);
    outputs
}

#[cfg(not(all(unoptimized, feature = "verify")))]
use pbkdf2_lanes::derive as derive_all;

/// An app that is built to be debugged has its dependencies built so too, and a log-in would
/// take four seconds. The library of the tokens is C and assembly, and takes a quarter of one.
#[cfg(all(unoptimized, feature = "verify"))]
fn derive_all(jobs: &mut [Job<'_>], _: &Plan) {
    use aws_lc_rs::pbkdf2::{PBKDF2_HMAC_SHA256, derive};
    for Job { password, salt, iterations, output } in jobs {
        let iterations =
            std::num::NonZeroU32::new(*iterations).unwrap_or(std::num::NonZeroU32::MIN);
        derive(PBKDF2_HMAC_SHA256, iterations, salt, password, output);
    }
}

fn derive_one(work: Work<'_>) -> Output {
    derive(&[work], &Plan::default()).pop().unwrap_or_default()
}

/// A source of random bytes.
///
/// Implementations must be cryptographically secure: salts, keys and ids are generated from these
/// bytes.
pub trait Random: Send + Sync {
    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// The random number generator of the operating system.
#[cfg(feature = "system")]
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

#[cfg(feature = "system")]
impl Random for SystemRandom {
    /// # Panics
    ///
    /// If the operating system cannot provide random bytes. Supported systems can always provide
    /// them once they have started, and continuing without randomness would be unsafe.
    #[expect(clippy::disallowed_methods, reason = "this type is the source of randomness")]
    #[expect(clippy::expect_used, reason = "continuing without randomness would be unsafe")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system provides random bytes");
    }
}

/// Returns an array of random bytes.
#[cfg(any(feature = "hash", feature = "token"))]
pub(crate) fn random_array<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

/// Where unpredictable bytes come from.
///
/// An implementation must be a cryptographically secure generator: salts, keys and ids
/// are made of its bytes.
pub trait Random: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's random source.
#[cfg(feature = "system")]
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

#[cfg(feature = "system")]
impl Random for SystemRandom {
    /// # Panics
    ///
    /// If the operating system has no randomness to give. No supported system does that
    /// once it is up, and to go on without would be worse than to stop.
    #[expect(clippy::disallowed_methods, reason = "this is the source that others are given")]
    #[expect(clippy::expect_used, reason = "there is nothing safe to do without randomness")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system has randomness");
    }
}

#[cfg(any(feature = "hash", feature = "token"))]
pub(crate) fn random_array<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

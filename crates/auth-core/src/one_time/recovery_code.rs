use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{decode, encode, hash};
use crate::random::{Random, random_array};

/// A code that replaces the usual second factor at a sign-in: 120 bits in Crockford's base32, such
/// as `ABCD-EFGH-JKMN-PQRS-TVWX-YZ23`.
///
/// Users keep a list of them. `Debug` does not print the code, and it is zeroized when dropped.
///
/// ```
/// # use auth_core::RecoveryCode;
/// let code = RecoveryCode::parse("abcd efgh jkmn pqrs tvwx yz23")?;
/// assert_eq!(*code.to_text(), "ABCD-EFGH-JKMN-PQRS-TVWX-YZ23");
/// # Ok::<(), auth_core::InvalidRecoveryCode>(())
/// ```
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct RecoveryCode([u8; RECOVERY_CODE_BYTES]);

const RECOVERY_CODE_BYTES: usize = 15;

/// An error from parsing a [`RecoveryCode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a recovery code: expected 24 letters and digits")]
pub struct InvalidRecoveryCode;

impl RecoveryCode {
    /// The number of codes that a user gets.
    pub const COUNT: usize = 10;

    /// Generates a list of [`COUNT`](Self::COUNT) codes.
    #[must_use]
    pub fn generate_list(random: &dyn Random) -> Vec<Self> {
        (0..Self::COUNT).map(|_| Self(random_array(random))).collect()
    }

    /// Parses a code that was typed or pasted. Letter case, spaces and hyphens do not matter, `O`
    /// is read as 0, and `I` and `L` as 1.
    ///
    /// # Errors
    ///
    /// [`InvalidRecoveryCode`] if the text cannot be a code.
    pub fn parse(text: &str) -> Result<Self, InvalidRecoveryCode> {
        decode(text).map(Self).ok_or(InvalidRecoveryCode)
    }

    /// Returns the code as text, in groups of four characters.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        encode(&self.0)
    }

    /// Returns the hash that a store holds instead of the code. A fast hash is safe, because a code
    /// has too much entropy to be guessed.
    #[must_use]
    pub fn hash(&self) -> RecoveryCodeHash {
        RecoveryCodeHash(hash("recovery code", &[&self.0]))
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(…)")
    }
}

stored_bytes! {
    /// The SHA-256 of a [`RecoveryCode`], which a store holds instead of the code.
    RecoveryCodeHash
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    #[test]
    fn ten_recovery_codes_have_120_bits_each_and_differ() {
        struct Counter(AtomicU8);

        impl Random for Counter {
            fn fill(&self, bytes: &mut [u8]) {
                bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
            }
        }

        let codes = RecoveryCode::generate_list(&Counter(AtomicU8::new(0xF6)));
        let hashes: HashSet<_> = codes.iter().map(|code| *code.hash().as_bytes()).collect();
        assert_eq!(hashes.len(), 10);
        let text = codes.last().unwrap().to_text();
        assert_eq!(*text, "ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ");
        assert_eq!(RecoveryCode::parse(&text).as_ref(), Ok(codes.last().unwrap()));
    }

    #[test]
    fn debug_does_not_print_the_code() {
        let code = RecoveryCode::parse("ABCD-EFGH-JKMN-PQRS-TVWX-YZ23").unwrap();
        assert_eq!(format!("{code:?}"), "RecoveryCode(…)");
    }
}

use crate::device::DeviceKey;
use crate::email::EmailKey;

/// A position in the alphabetical order of email addresses, which selects a decoy account.
///
/// If a sign-in names an email address without an account, the password is compared with the hash
/// of the decoy: the account whose email address follows this position. The
/// comparison always fails. It only makes the sign-in take as long as one with an account.
///
/// The position is derived from the unknown email address with a secret key, so it reveals nothing
/// about that address. It consists of letters, like the beginning of most email addresses, so that
/// any account can be the decoy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DecoyPosition(String);

const LENGTH: usize = 16;

impl DecoyPosition {
    /// Returns the position as text, to be compared with email addresses.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl DeviceKey {
    /// Returns the decoy position of an email address, which depends only on the address and the
    /// key. Without the key, an attacker can neither compute the position of an email address nor
    /// tell which email addresses have neighbouring positions.
    #[must_use]
    pub fn decoy_position(&self, email: &EmailKey) -> DecoyPosition {
        let tag = self.sign(&[b"latchkey decoy".as_slice(), email.as_str().as_bytes()].concat());
        DecoyPosition(tag.iter().take(LENGTH).map(|byte| char::from(b'a' + byte % 26)).collect())
    }
}

use crate::device::DeviceKey;
use crate::email::EmailKey;

/// A position in the alphabetical order of all email addresses. An address without an account is
/// compared with the password hash of the account that follows its position.
///
/// The position is derived from the address with a secret key, so it reveals nothing about the
/// address. It consists of letters, as addresses do, so that any account may follow it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DecoyPosition(String);

const LENGTH: usize = 16;

impl DecoyPosition {
    /// Returns the position as text, to be compared with the text of addresses.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl DeviceKey {
    /// Returns the position of this address. It is the same for as long as the key is. Without the
    /// key, nobody can compute it or tell which addresses have neighbouring positions.
    #[must_use]
    pub fn decoy_position(&self, email: &EmailKey) -> DecoyPosition {
        let tag = self.sign(&[b"latchkey decoy".as_slice(), email.as_str().as_bytes()].concat());
        DecoyPosition(tag.iter().take(LENGTH).map(|byte| char::from(b'a' + byte % 26)).collect())
    }
}

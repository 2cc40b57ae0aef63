use aws_lc_rs::digest;

use crate::email::EmailKey;

stored_bytes! {
    /// The SHA-256 of a normalised email address. A store uses it as a key for data about an
    /// address that may have no account, so that it does not contain what strangers type.
    EmailHash
}

impl EmailHash {
    /// Returns the hash of an email address.
    #[must_use]
    pub fn of(email: &EmailKey) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"latchkey email address\0");
        context.update(email.as_str().as_bytes());
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        Self(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::email::Email;

    #[test]
    fn spellings_of_one_address_have_the_same_hash() {
        let hash = |text| EmailHash::of(Email::parse(text).unwrap().key());
        assert_eq!(hash("Ada@Example.com"), hash("ada@example.com"));
        assert_ne!(hash("ada@example.com"), hash("adb@example.com"));
    }
}

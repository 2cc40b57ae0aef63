//! Hashes of Flask-Security, which computes an HMAC of a password and hashes it with one of
//! passlib's algorithms. The key of the HMAC is a salt that all users of the app share.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pbkdf2::hmac::{Hmac, KeyInit as _, Mac as _};
use pbkdf2::sha2::Sha512;
use zeroize::Zeroizing;

use super::text::base64;
use super::{ForeignHash, ParseResult, Scheme};
use crate::password::InvalidPasswordHash;
use crate::unicode;

/// The prefix of this format, which Flask-Security itself does not write.
const PREFIX: &str = "flask-security$";

struct FlaskSecurity {
    /// `SECURITY_PASSWORD_SALT` of the app.
    app_salt: Vec<u8>,
    inner: ForeignHash,
}

/// Parses `flask-security$BASE64(APP SALT)$HASH`.
pub(super) fn parse(text: &str) -> ParseResult {
    let (app_salt, inner) = split(text).ok_or(InvalidPasswordHash::Unknown)?;
    if app_salt.is_empty() || inner.starts_with(PREFIX) {
        return Err(InvalidPasswordHash::Unknown);
    }
    Ok(Arc::new(FlaskSecurity { app_salt, inner: ForeignHash::parse(inner)? }))
}

fn split(text: &str) -> Option<(Vec<u8>, &str)> {
    let (app_salt, inner) = text.strip_prefix(PREFIX)?.split_once('$')?;
    Some((base64(app_salt)?, inner))
}

impl Scheme for FlaskSecurity {
    fn algorithm(&self) -> &'static str {
        self.inner.algorithm()
    }

    fn is_match(&self, password: &[u8]) -> bool {
        let Ok(mut mac) = Hmac::<Sha512>::new_from_slice(&self.app_salt) else {
            return false;
        };
        mac.update(password);
        let text = Zeroizing::new(STANDARD.encode(mac.finalize().into_bytes()));
        self.inner.scheme.is_match(text.as_bytes())
    }

    fn normalize(&self, nfc: &str) -> Zeroizing<String> {
        Zeroizing::new(unicode::nfkd(nfc).unwrap_or_else(|| nfc.to_owned()))
    }

    fn memory_bytes(&self) -> u64 {
        self.inner.memory_bytes()
    }

    fn template(&self) -> String {
        format!("{PREFIX}{}${}", STANDARD.encode([0]), self.inner.template())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::password::Password;

    /// Counts how often a password is compared with it.
    #[derive(Default)]
    struct Counting(AtomicUsize);

    impl Scheme for Arc<Counting> {
        fn algorithm(&self) -> &'static str {
            "counting"
        }

        fn is_match(&self, _password: &[u8]) -> bool {
            self.0.fetch_add(1, Ordering::Relaxed);
            false
        }

        fn template(&self) -> String {
            String::new()
        }
    }

    /// An attacker cannot multiply the work with an unusual spelling.
    #[test]
    fn a_password_is_verified_in_at_most_two_forms() {
        let count = Arc::new(Counting::default());
        let hash = |scheme| ForeignHash { text: "".into(), scheme };
        let inner = hash(Arc::new(Arc::clone(&count)));
        let plain = inner.clone();
        let flask = hash(Arc::new(FlaskSecurity { app_salt: vec![1], inner }));
        for (password, of_plain, of_flask) in [
            ("a long walk", 1, 1),
            ("caf\u{e9}", 1, 2),
            ("cafe\u{301}", 2, 1),
            ("caf\u{e9} e\u{301} \u{fb01}", 2, 2),
        ] {
            for (hash, expected) in [(&plain, of_plain), (&flask, of_flask)] {
                let before = count.0.load(Ordering::Relaxed);
                let _ = hash.verify(&Password::new(password));
                assert_eq!(count.0.load(Ordering::Relaxed) - before, expected, "{password}");
            }
        }
    }
}

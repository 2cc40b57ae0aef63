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

impl FlaskSecurity {
    fn is_exact_match(&self, password: &[u8]) -> bool {
        let Ok(mut mac) = Hmac::<Sha512>::new_from_slice(&self.app_salt) else {
            return false;
        };
        mac.update(password);
        let text = Zeroizing::new(STANDARD.encode(mac.finalize().into_bytes()));
        self.inner.scheme.is_match(text.as_bytes())
    }
}

impl Scheme for FlaskSecurity {
    fn algorithm(&self) -> &'static str {
        self.inner.algorithm()
    }

    /// Returns `true` if a password matches as it is or normalised to NFKD, as Flask-Security
    /// normalises it by default.
    fn is_match(&self, password: &[u8]) -> bool {
        let mut is_match = self.is_exact_match(password);
        if let Some(nfkd) = std::str::from_utf8(password).ok().and_then(unicode::nfkd) {
            let nfkd = Zeroizing::new(nfkd);
            is_match |= self.is_exact_match(nfkd.as_bytes());
        }
        is_match
    }

    fn memory_bytes(&self) -> u64 {
        self.inner.memory_bytes()
    }

    fn template(&self) -> String {
        format!("{PREFIX}{}${}", STANDARD.encode([0]), self.inner.template())
    }
}

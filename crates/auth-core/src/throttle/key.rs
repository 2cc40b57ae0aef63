use std::fmt;
use std::net::IpAddr;

use aws_lc_rs::digest;

use crate::device::DeviceId;
use crate::email::EmailKey;
use crate::id::UserId;

/// The key of a stored [`Counter`](crate::Counter). It is a SHA-256 hash, so that the store does
/// not contain what clients send as email addresses.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CounterKey([u8; 32]);

impl CounterKey {
    /// Returns the key for sign-ins with this email address, whether or not it has an account.
    ///
    /// If `email` is not an email address, it could be a password that was typed into the wrong
    /// field. The key then contains only 16 bits of the hash, so that the password cannot be
    /// recovered. Different values of this kind can share a counter.
    #[must_use]
    pub fn sign_ins_by_account(email: &str) -> Self {
        match EmailKey::parse(email) {
            Ok(key) => Self::from_parts("account", &[key.as_str().as_bytes()]),
            Err(_) => {
                let Self(mut key) = Self::from_parts("no account", &[email.trim().as_bytes()]);
                key[2..].fill(0);
                Self(key)
            }
        }
    }

    /// Returns the key for sign-ins to an account from one known browser.
    #[must_use]
    pub fn sign_ins_by_device(user: UserId, device: &DeviceId) -> Self {
        Self::from_parts("device", &[user.as_uuid().as_bytes(), device.as_bytes()])
    }

    /// Returns the key for sign-ins from an IP address, to any account.
    #[must_use]
    pub fn sign_ins_by_ip(ip: IpAddr) -> Self {
        Self::from_parts("log-ins from", &[&network(ip)])
    }

    /// Returns the key for sign-ups from an IP address.
    #[must_use]
    pub fn sign_ups_by_ip(ip: IpAddr) -> Self {
        Self::from_parts("sign-ups from", &[&network(ip)])
    }

    /// Returns the bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Hashes a kind and its parts. Kinds have different names, and all parts but the last have a
    /// fixed length, so different counters have different keys.
    fn from_parts(kind: &str, parts: &[&[u8]]) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(kind.as_bytes());
        context.update(&[0]);
        parts.iter().for_each(|part| context.update(part));
        let mut key = [0; 32];
        key.copy_from_slice(context.finish().as_ref());
        Self(key)
    }
}

/// Returns the bytes of an IPv4 address, or those of the /64 of an IPv6 address. A /64 is the
/// smallest network that a site is assigned (RFC 6177).
fn network(ip: IpAddr) -> Vec<u8> {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets()[..8].to_vec(),
    }
}

impl fmt::Debug for CounterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CounterKey(…)")
    }
}

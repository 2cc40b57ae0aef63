use std::fmt;
use std::net::IpAddr;

use aws_lc_rs::digest;

use crate::{DeviceId, Email, UserId};

/// Names a [`Counter`](crate::Counter): the SHA-256 of whose attempts it counts, so that a
/// store need not keep what strangers type for addresses.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CounterKey([u8; 32]);

impl CounterKey {
    /// The log-ins with an address, whether an account has it or not. What is no address may
    /// be a password that was typed in the wrong place: of its hash no more than 16 bits are
    /// kept, which nobody can find it by, and several such texts share a counter.
    #[must_use]
    pub fn sign_ins_by_account(email: &str) -> Self {
        match Email::parse(email) {
            Ok(email) => Self::of("account", &[email.key().as_str().as_bytes()]),
            Err(_) => {
                let Self(mut key) = Self::of("no account", &[email.trim().as_bytes()]);
                key[2..].fill(0);
                Self(key)
            }
        }
    }

    /// The log-ins to an account from a browser that it knows.
    #[must_use]
    pub fn sign_ins_by_device(user: UserId, device: &DeviceId) -> Self {
        Self::of("device", &[user.as_uuid().as_bytes(), device.as_bytes()])
    }

    /// The log-ins from an address, to whatever account.
    #[must_use]
    pub fn sign_ins_by_ip(address: IpAddr) -> Self {
        Self::of("log-ins from", &[&network(address)])
    }

    /// The sign-ups from an address.
    #[must_use]
    pub fn sign_ups_by_ip(address: IpAddr) -> Self {
        Self::of("sign-ups from", &[&network(address)])
    }

    /// The bytes, for storing.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// No two kinds share a name, and all but the last part have a fixed length: no two
    /// counters share a key.
    fn of(kind: &str, parts: &[&[u8]]) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(kind.as_bytes());
        context.update(&[0]);
        parts.iter().for_each(|part| context.update(part));
        let mut key = [0; 32];
        key.copy_from_slice(context.finish().as_ref());
        Self(key)
    }
}

/// An IPv4 address, or the /64 of an IPv6 one, which is the least that a household gets
/// (RFC 6177).
fn network(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets()[..8].to_vec(),
    }
}

impl fmt::Debug for CounterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CounterKey(…)")
    }
}

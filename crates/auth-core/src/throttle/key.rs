use std::fmt;
use std::ops::RangeInclusive;

use aws_lc_rs::digest;

use crate::device::KnownBrowser;
use crate::email::EmailKey;
use crate::id::UserId;
use crate::throttle::network::Network;

/// The key of a stored [`Counter`](crate::Counter). It consists of SHA-256 hashes, so that the
/// store does not contain what clients send as email addresses.
///
/// The first half of a key of an account is a hash of its email address. So a store finds all
/// counters of an account in [one range](Self::range_of_account).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CounterKey([u8; KEY_BYTES]);

const KEY_BYTES: usize = 32;
const HALF: usize = KEY_BYTES / 2;

impl CounterKey {
    /// Returns the key for sign-ins with this email address from any network, whether or not the
    /// email address has an account.
    ///
    /// If `email` is not an email address, it could be a password that was typed into the wrong
    /// field. The key then contains only 16 bits of its hash, so that the password cannot be
    /// recovered. Different values of this kind can share a counter.
    #[must_use]
    pub fn sign_ins_by_account(email: &str) -> Self {
        Self::of_account(email, "all networks", &[])
    }

    /// Returns the key for sign-ins with this email address from one network. For `email`, see
    /// [`sign_ins_by_account`](Self::sign_ins_by_account).
    #[must_use]
    pub fn sign_ins_by_account_and_network(email: &str, network: Network) -> Self {
        Self::of_account(email, "network", &[network.as_bytes()])
    }

    /// Returns the key for sign-ins with this email address from one browser that its account
    /// knows.
    #[must_use]
    pub fn sign_ins_by_browser(email: &str, browser: &KnownBrowser) -> Self {
        let (user, device) = (browser.user.as_uuid().as_bytes(), browser.device.as_bytes());
        Self::of_account(email, "browser", &[user, device])
    }

    /// Returns the key for sign-ins from a network, to any account.
    #[must_use]
    pub fn sign_ins_by_network(network: Network) -> Self {
        Self(hash("sign-ins", &[network.as_bytes()]))
    }

    /// Returns the key for sign-ups from a network.
    #[must_use]
    pub fn sign_ups_by_network(network: Network) -> Self {
        Self(hash("sign-ups", &[network.as_bytes()]))
    }

    /// Returns the key for mails that anyone can request to this email address, whether or not it
    /// has an account.
    #[must_use]
    pub fn mails_by_email(email: &EmailKey) -> Self {
        Self(hash("mails to email", &[email.as_str().as_bytes()]))
    }

    /// Returns the key for mails that verify this email address, for any account that has it.
    #[must_use]
    pub fn verifications_by_email(email: &EmailKey) -> Self {
        Self(hash("verifications of email", &[email.as_str().as_bytes()]))
    }

    /// Returns the key for mails to an account that a browser which the account knows requests.
    #[must_use]
    pub fn mails_by_browser(browser: &KnownBrowser) -> Self {
        let (user, device) = (browser.user.as_uuid().as_bytes(), browser.device.as_bytes());
        Self(hash("mails of browser", &[user, device]))
    }

    /// Returns the key for mails to this email address that browsers which its account knows
    /// request, together.
    #[must_use]
    pub fn mails_of_browsers_by_email(email: &EmailKey) -> Self {
        Self(hash("mails of browsers to email", &[email.as_str().as_bytes()]))
    }

    /// Returns the key for mails that anyone can request from a network, to any email address.
    #[must_use]
    pub fn mails_by_network(network: Network) -> Self {
        Self(hash("mails of network", &[network.as_bytes()]))
    }

    /// Returns the key for mails that a signed-in user requests.
    #[must_use]
    pub fn mails_by_user(user: UserId) -> Self {
        Self(hash("mails of user", &[user.as_uuid().as_bytes()]))
    }

    /// Returns the key for changes by a user to second factors and passkeys.
    #[must_use]
    pub fn factor_changes_by_user(user: UserId) -> Self {
        Self(hash("factor changes of user", &[user.as_uuid().as_bytes()]))
    }

    /// Returns the key for sign-ins to an account with a passkey alone.
    #[must_use]
    pub fn passkey_sign_ins_by_user(user: UserId) -> Self {
        Self(hash("passkey sign-ins of user", &[user.as_uuid().as_bytes()]))
    }

    /// Returns the range of the keys of all counters for sign-ins with this email address.
    #[must_use]
    pub fn range_of_account(email: &str) -> RangeInclusive<Self> {
        let account = account(email);
        Self::from_halves(account, [u8::MIN; HALF])..=Self::from_halves(account, [u8::MAX; HALF])
    }

    /// Returns the bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Creates a key from its stored bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    fn of_account(email: &str, kind: &str, parts: &[&[u8]]) -> Self {
        Self::from_halves(account(email), first_half(hash(kind, parts)))
    }

    fn from_halves(first: [u8; HALF], second: [u8; HALF]) -> Self {
        let mut key = [0; KEY_BYTES];
        key[..HALF].copy_from_slice(&first);
        key[HALF..].copy_from_slice(&second);
        Self(key)
    }
}

/// Returns the first half of the keys of an account.
fn account(email: &str) -> [u8; HALF] {
    match EmailKey::parse(email) {
        Ok(key) => first_half(hash("account", &[key.as_str().as_bytes()])),
        Err(_) => {
            let mut half = first_half(hash("no account", &[email.trim().as_bytes()]));
            half[2..].fill(0);
            half
        }
    }
}

/// Hashes a kind and its parts. Kinds have different names, and all parts but the last have a fixed
/// length, so different counters have different keys.
fn hash(kind: &str, parts: &[&[u8]]) -> [u8; KEY_BYTES] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(kind.as_bytes());
    context.update(&[0]);
    parts.iter().for_each(|part| context.update(part));
    let mut hash = [0; KEY_BYTES];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

fn first_half(hash: [u8; KEY_BYTES]) -> [u8; HALF] {
    let mut half = [0; HALF];
    half.copy_from_slice(&hash[..HALF]);
    half
}

impl fmt::Debug for CounterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CounterKey(…)")
    }
}

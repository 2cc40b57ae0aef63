use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use jiff::Timestamp;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::Claims;

/// A cache of the tokens that a verifier has verified, so that the signature of each is verified
/// only once.
///
/// Each verifier has its own cache, so all tokens in it have the same issuer and audience. Only
/// tokens with a valid signature are inserted, so an attacker without an account cannot fill it.
/// The keys of the cache are SHA-256 digests: it contains no tokens, and the duration of a
/// comparison reveals nothing about them.
pub(super) struct VerifiedTokens(Cache<Digest, VerifiedToken, Bytes>);

type Digest = [u8; SHA256_OUTPUT_LEN];

/// The claims of a token whose signature, issuer and audience have been verified. Its times have
/// not been checked.
#[derive(Debug, Clone)]
pub(super) struct VerifiedToken {
    pub(super) claims: Claims,
    /// The time from which the token is valid (`nbf`), in seconds since 1970.
    pub(super) not_before: i64,
}

impl VerifiedTokens {
    /// The maximum number of cached tokens. Tokens evicted from the cache are verified again at
    /// their next use.
    const CAPACITY: usize = 32_768;

    /// The maximum size of all cached tokens together, in bytes.
    const CAPACITY_BYTES: u64 = Self::CAPACITY as u64 * Bytes::OF_ENTRY;

    pub(super) fn new() -> Self {
        Self(Cache::with_weighter(Self::CAPACITY, Self::CAPACITY_BYTES, Bytes))
    }

    pub(super) fn get(&self, token: Fingerprint) -> Option<VerifiedToken> {
        self.0.get(&token.0)
    }

    pub(super) fn insert(&self, token: Fingerprint, verified: VerifiedToken) {
        self.0.insert(token.0, verified);
    }
}

/// Counts the bytes of a cached token. Roles and custom claims differ in length, so the number of
/// tokens alone would not limit the memory.
#[derive(Clone)]
struct Bytes;

impl Bytes {
    /// The size of a token without roles and custom claims.
    const OF_ENTRY: u64 = 200;
}

impl Weighter<Digest, VerifiedToken> for Bytes {
    fn weight(&self, _: &Digest, token: &VerifiedToken) -> u64 {
        let Claims { roles, custom, .. } = &token.claims;
        let text = roles.as_str().len() + custom.as_json().len();
        Self::OF_ENTRY + u64::try_from(text).unwrap_or(u64::MAX / 2)
    }
}

/// The digest of a whole token, including its signature.
#[derive(Clone, Copy)]
pub(super) struct Fingerprint(Digest);

impl Fingerprint {
    pub(super) fn new(token: &str) -> Self {
        let mut bytes = Digest::default();
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}

impl VerifiedToken {
    /// Returns the claims if the token is valid at `now`, without leeway.
    pub(super) fn at(&self, now: Timestamp) -> Option<Claims> {
        let is_valid = self.not_before <= now.as_second()
            && now.as_second() < self.claims.expires_at.as_second();
        if is_valid { Some(self.claims.clone()) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amr::Amr;
    use crate::id::{SessionId, UserId};
    use crate::roles::{Role, Roles};
    use crate::token::CustomClaims;

    fn claims(roles: Roles) -> Claims {
        Claims {
            user: UserId::from_uuid_bytes([1; 16]),
            session: SessionId::from_uuid_bytes([2; 16]),
            authenticated_at: Timestamp::UNIX_EPOCH,
            amr: Amr::PASSWORD,
            issued_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::MAX,
            roles,
            custom: CustomClaims::default(),
        }
    }

    fn fill(claims: &Claims) -> VerifiedTokens {
        let cache = VerifiedTokens::new();
        for n in 0..2 * VerifiedTokens::CAPACITY {
            let token = Fingerprint::new(&n.to_string());
            cache.insert(token, VerifiedToken { claims: claims.clone(), not_before: 0 });
        }
        cache
    }

    #[test]
    fn the_cache_does_not_grow_beyond_its_capacity() {
        let len = fill(&claims(Roles::NONE)).0.len();
        assert!(len <= VerifiedTokens::CAPACITY + VerifiedTokens::CAPACITY / 8, "{len}");
        assert!(len > VerifiedTokens::CAPACITY / 2, "{len}");
    }

    #[test]
    fn the_cache_holds_fewer_tokens_if_they_are_large() {
        let roles = (0..32).map(|n| Role::parse(&format!("{n:0>32}")).unwrap());
        let len = fill(&claims(Roles::new(roles).unwrap())).0.len();
        assert!(len <= VerifiedTokens::CAPACITY / 5, "{len}");
    }
}

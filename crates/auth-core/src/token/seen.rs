use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use jiff::Timestamp;
use quick_cache::sync::Cache;

use super::Claims;

/// The tokens that a verifier has found good, so that the next request with the same one does
/// not pay for its signature again.
///
/// It is a part of its verifier, and so of one issuer, one audience and one set of keys: with
/// other keys there is another verifier, which has seen nothing. Only what is signed gets in, so
/// that nobody without an account takes up room, and a token is known by its SHA-256: there is
/// none here to be read, and nothing to be learnt from how long a comparison takes.
pub(super) struct Seen(Cache<Digest, Proven>);

type Digest = [u8; SHA256_OUTPUT_LEN];

/// What a token says whose signature, issuer and audience are as they should be. Whether it is
/// valid is a question of when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proven {
    pub(super) claims: Claims,
    /// From when on it is valid, in seconds since 1970: `iat` or `nbf`, whichever is later.
    pub(super) not_before: i64,
}

impl Seen {
    /// How many tokens are remembered, at some 200 bytes each; those go first that were asked
    /// for the longest ago. More can be in use: their signatures are verified each time.
    const MOST: usize = 32_768;

    pub(super) fn new() -> Self {
        Self(Cache::new(Self::MOST))
    }

    pub(super) fn get(&self, token: Fingerprint) -> Option<Proven> {
        self.0.get(&token.0)
    }

    pub(super) fn insert(&self, token: Fingerprint, proven: Proven) {
        self.0.insert(token.0, proven);
    }
}

/// The name of a token: all of it, signature included, goes in.
#[derive(Clone, Copy)]
pub(super) struct Fingerprint(Digest);

impl Fingerprint {
    pub(super) fn of(token: &str) -> Self {
        let mut bytes = Digest::default();
        bytes.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        Self(bytes)
    }
}

impl Proven {
    /// What the token says, if it is valid at `now`: there is no leeway.
    pub(super) fn at(self, now: Timestamp) -> Option<Claims> {
        let is_valid = self.not_before <= now.as_second()
            && now.as_second() < self.claims.expires_at.as_second();
        is_valid.then_some(self.claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SessionId, UserId};

    #[test]
    fn no_more_tokens_are_remembered_than_there_is_room_for() {
        let seen = Seen::new();
        let claims = Claims {
            user: UserId::from_uuid_bytes([1; 16]),
            session: SessionId::from_uuid_bytes([2; 16]),
            issued_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::MAX,
        };
        for n in 0..2 * Seen::MOST {
            let token = Fingerprint::of(&n.to_string());
            seen.insert(token, Proven { claims, not_before: 0 });
        }
        assert!(seen.0.len() <= Seen::MOST + Seen::MOST / 8, "{}", seen.0.len());
    }
}

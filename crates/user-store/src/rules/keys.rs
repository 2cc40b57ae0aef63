//! Decisions about signing keys.

use auth_core::{SigningKeySeed, Timestamp};

use crate::audit::{Event, EventKind};
use crate::keys::{RetireKeyOutcome, SigningKeySet};
use crate::rules::decision::Decision;

/// Builds the event for adding a key.
pub(crate) fn key_added(kid: &str, now: Timestamp) -> Event {
    Event::by_operator(EventKind::SigningKeyRotated, now).about_key(kid)
}

/// Builds the event for retiring a key.
pub(crate) fn key_retired(kid: &str, now: Timestamp) -> Event {
    Event::by_operator(EventKind::SigningKeyRetired, now).about_key(kid)
}

/// Decides whether `key` may be retired. On [`Decision::Write`], the transaction deletes the key.
/// If the value is a seed, that key signs from `now` on.
pub(crate) fn retire_signing_key(
    set: &SigningKeySet,
    key: &SigningKeySeed,
    now: Timestamp,
) -> Decision<Option<SigningKeySeed>, RetireKeyOutcome> {
    let Some(position) = set.keys.iter().position(|stored| stored.seed == *key) else {
        return Decision::Return(RetireKeyOutcome::NotFound);
    };
    if set.signing_position(now) != Some(position) {
        return Decision::Write(None);
    }
    match position.checked_sub(1).and_then(|next| set.keys.get(next)) {
        Some(next) => Decision::Write(Some(next.seed.clone())),
        None => Decision::Return(RetireKeyOutcome::InUse),
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{SigningKey, SystemRandom};

    use super::*;
    use crate::keys::{KeySetVersion, StoredSigningKey};

    const NOW: i64 = 1_000;

    /// Builds a set of keys that sign from these times on, in seconds.
    fn set<const N: usize>(signs_from: [i64; N]) -> SigningKeySet {
        let keys = signs_from.map(|second| StoredSigningKey {
            seed: SigningKey::generate(&SystemRandom).seed().clone(),
            created_at: Timestamp::UNIX_EPOCH,
            signs_from: Timestamp::from_second(second).unwrap(),
        });
        SigningKeySet { version: KeySetVersion::from_number(1), keys: keys.into() }
    }

    fn retire(set: &SigningKeySet, n: usize) -> Decision<Option<SigningKeySeed>, RetireKeyOutcome> {
        retire_signing_key(set, &set.keys[n].seed, Timestamp::from_second(NOW).unwrap())
    }

    #[test]
    fn the_only_key_that_can_sign_is_not_retired() {
        assert_eq!(retire(&set([0]), 0), Decision::Return(RetireKeyOutcome::InUse));
        assert_eq!(retire(&set([NOW, 0]), 0), Decision::Return(RetireKeyOutcome::InUse));
        let (keys, unknown) = (set([NOW, 0]), &set([0]).keys[0].seed);
        let now = Timestamp::from_second(NOW).unwrap();
        let not_found = Decision::Return(RetireKeyOutcome::NotFound);
        assert_eq!(retire_signing_key(&keys, unknown, now), not_found);
        assert_eq!(retire_signing_key(&set([]), unknown, now), not_found);
    }

    #[test]
    fn a_key_that_does_not_sign_is_retired() {
        for (signs_from, n) in [([NOW, 0, 0], 1), ([NOW, 0, 0], 2), ([NOW + 1, 0, 0], 0)] {
            assert_eq!(retire(&set(signs_from), n), Decision::Write(None));
        }
    }

    #[test]
    fn retiring_the_key_that_signs_activates_the_next_newer_one() {
        let keys = set([NOW + 2, NOW + 1, 0, 0]);
        assert_eq!(retire(&keys, 2), Decision::Write(Some(keys.keys[1].seed.clone())));
    }
}

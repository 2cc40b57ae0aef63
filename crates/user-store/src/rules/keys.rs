//! Decisions about signing keys.

use auth_core::{SigningKeySeed, Timestamp};

use crate::audit::{Event, EventKind};
use crate::keys::{RetireKeyOutcome, StoredSigningKey};
use crate::rules::decision::Decision;

/// Builds the event for adding a key.
pub(crate) fn key_added(kid: &str, now: Timestamp) -> Event {
    Event::by_operator(EventKind::SigningKeyRotated, now).about_key(kid)
}

/// Builds the event for retiring a key.
pub(crate) fn key_retired(kid: &str, now: Timestamp) -> Event {
    Event::by_operator(EventKind::SigningKeyRetired, now).about_key(kid)
}

/// Decides whether `key` may be retired. `keys` are the stored keys, newest first. On
/// [`Decision::Write`], the transaction deletes the key.
pub(crate) fn retire_signing_key(
    keys: &[StoredSigningKey],
    key: &SigningKeySeed,
) -> Decision<(), RetireKeyOutcome> {
    match keys.iter().position(|stored| stored.seed == *key) {
        None => Decision::Return(RetireKeyOutcome::NotFound),
        Some(0) => Decision::Return(RetireKeyOutcome::InUse),
        Some(_) => Decision::Write(()),
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{SigningKey, SystemRandom};

    use super::*;

    #[test]
    fn only_a_key_that_no_longer_signs_is_retired() {
        let [newest, older, unknown] =
            [(); 3].map(|()| SigningKey::generate(&SystemRandom).seed().clone());
        let created_at = Timestamp::UNIX_EPOCH;
        let keys =
            [&newest, &older].map(|seed| StoredSigningKey { seed: seed.clone(), created_at });
        let in_use = Decision::Return(RetireKeyOutcome::InUse);
        assert_eq!(retire_signing_key(&keys, &newest), in_use);
        assert_eq!(retire_signing_key(&keys, &older), Decision::Write(()));
        let not_found = Decision::Return(RetireKeyOutcome::NotFound);
        assert_eq!(retire_signing_key(&keys, &unknown), not_found);
        assert_eq!(retire_signing_key(&[], &unknown), not_found);
    }
}

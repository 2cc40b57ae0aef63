use auth_core::{ChallengeError, ChallengePurpose, PasskeyChallenge, SigningKeySeed, Timestamp};

use crate::service::FixedBytes;

/// Changes a valid challenge, and checks that no other bytes are a challenge of this key.
///
/// The first two bytes of the input choose a byte to replace, and the rest is tried as a challenge
/// as it is.
pub(crate) fn check(input: &[u8]) {
    let (Ok(seed), now) = (SigningKeySeed::from_bytes(&[7; 32]), Timestamp::UNIX_EPOCH) else {
        return;
    };
    let (key, purpose) = (seed.factor_key(), ChallengePurpose::SignIn);
    let challenge = key.issue_challenge(&purpose, now, &FixedBytes);
    assert!(key.verify_challenge(&challenge, &purpose, now).is_ok());
    let [position, byte, rest @ ..] = input else { return };
    let mut changed = challenge;
    changed[usize::from(*position) % PasskeyChallenge::LEN] = *byte;
    for candidate in [changed.as_slice(), rest] {
        match key.verify_challenge(candidate, &purpose, now) {
            Ok(_) => assert_eq!(candidate, challenge),
            Err(error) => {
                assert_eq!(error, ChallengeError::Invalid);
                assert_ne!(candidate, challenge);
            }
        }
    }
}

use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac;
use jiff::Timestamp;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::amr::Amr;
use crate::id::{SessionId, UserId};
use crate::random::{Random, random_array};
use crate::secret_text;
use crate::token::SigningKeySeed;

/// A secret key that issues and verifies [`Ticket`]s and [`PasskeyChallenge`]s. It is derived from
/// a signing key in the store, so servers that share the store have the same factor key. `Debug`
/// does not print it.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct FactorKey([u8; KEY_BYTES]);

/// The state of a sign-in whose first step has succeeded and whose account requires a second
/// factor.
///
/// The client gets it as a text with an HMAC-SHA256 (RFC 2104), so it need not be stored. The text
/// grants nothing without a second factor. It can be used once: the store remembers the
/// [`id`](Self::id) of a ticket that was used until it expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// The id of the ticket.
    pub id: SingleUseId,
    /// The user.
    pub user: UserId,
    /// The method of the first step: [`Amr::PASSWORD`] or [`Amr::CODE`].
    pub first_step: Amr,
    /// `true` if the session should survive closing the browser.
    pub remember: bool,
    /// The version of the password at the first step. A change or a reset of the password makes the
    /// ticket invalid.
    pub password_version: i64,
    /// The version of the account's known browsers at the first step. A change of the email address
    /// makes the ticket invalid.
    pub device_version: i64,
    /// When the second factor was turned on. Turning it off makes the ticket invalid.
    pub second_factor_at: Timestamp,
    /// When the ticket expires. The end is exclusive.
    pub expires_at: Timestamp,
}

/// The challenge that an authenticator signs (WebAuthn Level 3, 13.4.3).
///
/// It contains an HMAC-SHA256 (RFC 2104), so it need not be stored. It is valid for one
/// [purpose](ChallengePurpose) and for [`LIFETIME`](Self::LIFETIME), and can be used once: the
/// store remembers the [`id`](Self::id) of a challenge that was used until it expires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasskeyChallenge {
    /// The id of the challenge.
    pub id: SingleUseId,
    /// When the challenge expires. The end is exclusive.
    pub expires_at: Timestamp,
}

/// The purpose of a [`PasskeyChallenge`]. A challenge is not valid for any other purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengePurpose {
    /// Signing in with a passkey alone.
    SignIn,
    /// The second step of the sign-in with this ticket.
    SecondStep(SingleUseId),
    /// Adding a passkey in this session.
    Registration(SessionId),
}

/// An error from verifying a [`PasskeyChallenge`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeError {
    /// The challenge was issued with another key or for another purpose, or was not issued at all.
    #[error("the challenge is not valid")]
    Invalid,
    /// The challenge has expired.
    #[error("the challenge has expired")]
    Expired,
}

/// The random id of a ticket or a challenge: 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SingleUseId([u8; ID_BYTES]);

const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 32;
const ID_BYTES: usize = 16;

/// The length of the payload of a ticket: the id, the user, the two versions, the time of the
/// second factor, the expiry, and the flags.
const TICKET_BYTES: usize = ID_BYTES + 16 + 4 * 8 + 1;
/// The length of the payload of a challenge: the id and the expiry.
const CHALLENGE_BYTES: usize = ID_BYTES + 8;

/// The maximum difference between two clocks. If the remaining lifetime of a ticket or a challenge
/// exceeds its full lifetime by more than this, it was issued while a clock was wrong, and is not
/// valid.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_mins(5);

const REMEMBER: u8 = 1;
const FIRST_STEP_BY_CODE: u8 = 2;

impl Ticket {
    /// The lifetime of a ticket: 10 minutes.
    pub const LIFETIME: Duration = Duration::from_mins(10);
}

impl PasskeyChallenge {
    /// The lifetime of a challenge: 5 minutes.
    pub const LIFETIME: Duration = Duration::from_mins(5);

    /// The length of a challenge, in bytes.
    pub const LEN: usize = CHALLENGE_BYTES + TAG_BYTES;
}

impl SingleUseId {
    /// Generates an id.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        Self(random_array(random))
    }

    /// Creates an id from its stored bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; ID_BYTES]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; ID_BYTES] {
        &self.0
    }
}

impl SigningKeySeed {
    /// Derives the factor key from this signing key. Retiring the signing key makes its tickets and
    /// challenges invalid.
    #[must_use]
    pub fn factor_key(&self) -> FactorKey {
        let seed = hmac::Key::new(hmac::HMAC_SHA256, self.to_bytes().as_ref());
        let tag = hmac::sign(&seed, b"latchkey factor key");
        let mut key = [0; KEY_BYTES];
        key.copy_from_slice(tag.as_ref());
        FactorKey(key)
    }
}

impl FactorKey {
    /// Returns the text of a ticket (base64url). Send it only to the client that has completed the
    /// first step.
    #[must_use]
    pub fn issue_ticket(&self, ticket: &Ticket) -> Zeroizing<String> {
        let mut choices = 0;
        if ticket.remember {
            choices |= REMEMBER;
        }
        if ticket.first_step == Amr::CODE {
            choices |= FIRST_STEP_BY_CODE;
        }
        let payload = [
            ticket.id.0.as_slice(),
            ticket.user.as_uuid().as_bytes(),
            &ticket.password_version.to_be_bytes(),
            &ticket.device_version.to_be_bytes(),
            &ticket.second_factor_at.as_millisecond().to_be_bytes(),
            &ticket.expires_at.as_millisecond().to_be_bytes(),
            &[choices],
        ]
        .concat();
        secret_text::encode(&payload, &self.sign(&ticket_message(&payload)))
    }

    /// Returns the ticket with this text, if this key has issued it and it has not expired at
    /// `now`. In the transaction that opens the session, the caller must compare its versions with
    /// those of the account, and use up its id.
    #[must_use]
    pub fn verify_ticket(&self, text: &str, now: Timestamp) -> Option<Ticket> {
        let (payload, tag): ([u8; TICKET_BYTES], [u8; TAG_BYTES]) = secret_text::decode(text)?;
        hmac::verify(&self.hmac(), &ticket_message(&payload), &tag).ok()?;
        let (id, rest) = payload.split_first_chunk()?;
        let (user, rest) = rest.split_first_chunk()?;
        let (password_version, rest) = rest.split_first_chunk()?;
        let (device_version, rest) = rest.split_first_chunk()?;
        let (second_factor_at, rest) = rest.split_first_chunk()?;
        let (expires_at, choices) = rest.split_first_chunk()?;
        let choices = *choices.first()?;
        let expires_at = Timestamp::from_millisecond(i64::from_be_bytes(*expires_at)).ok()?;
        if !is_current(expires_at, Ticket::LIFETIME, now) {
            return None;
        }
        Some(Ticket {
            id: SingleUseId(*id),
            user: UserId::from_uuid_bytes(*user),
            first_step: if choices & FIRST_STEP_BY_CODE == 0 { Amr::PASSWORD } else { Amr::CODE },
            remember: choices & REMEMBER != 0,
            password_version: i64::from_be_bytes(*password_version),
            device_version: i64::from_be_bytes(*device_version),
            second_factor_at: Timestamp::from_millisecond(i64::from_be_bytes(*second_factor_at))
                .ok()?,
            expires_at,
        })
    }

    /// Issues a challenge at `now`. Returns the bytes that the authenticator signs.
    #[must_use]
    pub fn issue_challenge(
        &self,
        purpose: &ChallengePurpose,
        now: Timestamp,
        random: &dyn Random,
    ) -> [u8; PasskeyChallenge::LEN] {
        let expires_at = now.saturating_add(PasskeyChallenge::LIFETIME).unwrap_or(Timestamp::MAX);
        let mut challenge = [0; PasskeyChallenge::LEN];
        let (payload, tag) = challenge.split_at_mut(CHALLENGE_BYTES);
        payload[..ID_BYTES].copy_from_slice(&SingleUseId::generate(random).0);
        payload[ID_BYTES..].copy_from_slice(&expires_at.as_millisecond().to_be_bytes());
        tag.copy_from_slice(&self.sign(&challenge_message(purpose, payload)));
        challenge
    }

    /// Returns the challenge with these bytes, if this key has issued it for this purpose and it
    /// has not expired at `now`. The caller must use up its id in the transaction that depends on
    /// it.
    ///
    /// # Errors
    ///
    /// [`ChallengeError`].
    pub fn verify_challenge(
        &self,
        challenge: &[u8],
        purpose: &ChallengePurpose,
        now: Timestamp,
    ) -> Result<PasskeyChallenge, ChallengeError> {
        let challenge: &[u8; PasskeyChallenge::LEN] =
            challenge.try_into().map_err(|_| ChallengeError::Invalid)?;
        let (payload, tag) = challenge.split_at(CHALLENGE_BYTES);
        hmac::verify(&self.hmac(), &challenge_message(purpose, payload), tag)
            .map_err(|_| ChallengeError::Invalid)?;
        let parts = payload.split_first_chunk().and_then(|(id, rest)| {
            let expires_at = i64::from_be_bytes(*rest.first_chunk()?);
            Some((SingleUseId(*id), Timestamp::from_millisecond(expires_at).ok()?))
        });
        let (id, expires_at) = parts.ok_or(ChallengeError::Invalid)?;
        if !is_current(expires_at, PasskeyChallenge::LIFETIME, now) {
            return Err(ChallengeError::Expired);
        }
        Ok(PasskeyChallenge { id, expires_at })
    }

    fn sign(&self, message: &[u8]) -> [u8; TAG_BYTES] {
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(hmac::sign(&self.hmac(), message).as_ref());
        tag
    }

    fn hmac(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0)
    }
}

fn is_current(expires_at: Timestamp, lifetime: Duration, now: Timestamp) -> bool {
    let latest = now.saturating_add(lifetime + MAX_CLOCK_DIFFERENCE).unwrap_or(Timestamp::MAX);
    now < expires_at && expires_at <= latest
}

/// Returns the message that the tag of a ticket authenticates.
fn ticket_message(payload: &[u8]) -> Vec<u8> {
    [b"latchkey ticket".as_slice(), payload].concat()
}

/// Returns the message that the tag of a challenge authenticates. All parts have a fixed length.
fn challenge_message(purpose: &ChallengePurpose, payload: &[u8]) -> Vec<u8> {
    let (number, bound_to) = match purpose {
        ChallengePurpose::SignIn => (0, [0; 16]),
        ChallengePurpose::SecondStep(ticket) => (1, ticket.0),
        ChallengePurpose::Registration(session) => (2, *session.as_uuid().as_bytes()),
    };
    [b"latchkey challenge".as_slice(), &[number], &bound_to, payload].concat()
}

impl fmt::Debug for FactorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FactorKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;
    use crate::token::SigningKey;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn key() -> FactorKey {
        SigningKey::generate(&SystemRandom).seed().factor_key()
    }

    fn ticket() -> Ticket {
        Ticket {
            id: SingleUseId::generate(&SystemRandom),
            user: UserId::generate(NOW, &SystemRandom),
            first_step: Amr::PASSWORD,
            remember: false,
            password_version: 3,
            device_version: -4,
            second_factor_at: NOW - Duration::from_millis(1),
            expires_at: NOW + Ticket::LIFETIME,
        }
    }

    #[test]
    fn a_verified_ticket_equals_the_issued_one() {
        let key = key();
        for first_step in [Amr::PASSWORD, Amr::CODE] {
            for remember in [false, true] {
                let ticket = Ticket { first_step, remember, ..ticket() };
                assert_eq!(key.verify_ticket(&key.issue_ticket(&ticket), NOW), Some(ticket));
            }
        }
    }

    #[test]
    fn a_ticket_is_valid_until_it_expires() {
        let (key, ticket) = (key(), ticket());
        let text = key.issue_ticket(&ticket);
        let last = ticket.expires_at - Duration::from_millis(1);
        assert_eq!(key.verify_ticket(&text, last), Some(ticket));
        assert_eq!(key.verify_ticket(&text, ticket.expires_at), None);
        let clock_was_ahead = NOW - MAX_CLOCK_DIFFERENCE - Duration::from_millis(1);
        assert_eq!(key.verify_ticket(&text, clock_was_ahead), None);
    }

    #[test]
    fn a_changed_ticket_is_not_valid() {
        let (key, other, ticket) = (key(), key(), ticket());
        let text = key.issue_ticket(&ticket);
        let (payload, tag): ([u8; TICKET_BYTES], [u8; TAG_BYTES]) =
            secret_text::decode(&text).unwrap();
        for bit in 0..8 * (TICKET_BYTES + TAG_BYTES) {
            let mut bytes = [payload.as_slice(), &tag].concat();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let text = secret_text::encode(&bytes, &[]);
            assert_eq!(key.verify_ticket(&text, NOW), None, "bit {bit}");
        }
        assert_eq!(other.verify_ticket(&text, NOW), None);
        for text in ["", "x", &text[1..], &format!("{}A", *text)] {
            assert_eq!(key.verify_ticket(text, NOW), None);
        }
    }

    #[test]
    fn a_challenge_is_valid_for_its_purpose_only() {
        let key = key();
        let session = SessionId::generate(NOW, &SystemRandom);
        // The ids have the same bytes, so only the kind of purpose differs.
        let ticket = SingleUseId::from_bytes(*session.as_uuid().as_bytes());
        let purposes = [
            ChallengePurpose::SignIn,
            ChallengePurpose::SecondStep(ticket),
            ChallengePurpose::SecondStep(SingleUseId::generate(&SystemRandom)),
            ChallengePurpose::Registration(session),
            ChallengePurpose::Registration(SessionId::generate(NOW, &SystemRandom)),
        ];
        for issued in &purposes {
            let challenge = key.issue_challenge(issued, NOW, &SystemRandom);
            for purpose in &purposes {
                let verified = key.verify_challenge(&challenge, purpose, NOW);
                match purpose == issued {
                    true => {
                        assert_eq!(verified.unwrap().expires_at, NOW + PasskeyChallenge::LIFETIME);
                    }
                    false => assert_eq!(verified, Err(ChallengeError::Invalid)),
                }
            }
        }
    }

    #[test]
    fn a_challenge_expires() {
        let (key, purpose) = (key(), ChallengePurpose::SignIn);
        let challenge = key.issue_challenge(&purpose, NOW, &SystemRandom);
        let end = NOW + PasskeyChallenge::LIFETIME;
        let last = end - Duration::from_millis(1);
        assert!(key.verify_challenge(&challenge, &purpose, last).is_ok());
        let expired = key.verify_challenge(&challenge, &purpose, end);
        assert_eq!(expired, Err(ChallengeError::Expired));
    }

    #[test]
    fn a_changed_challenge_is_not_valid() {
        let (key, purpose) = (key(), ChallengePurpose::SignIn);
        let challenge = key.issue_challenge(&purpose, NOW, &SystemRandom);
        for bit in 0..8 * PasskeyChallenge::LEN {
            let mut changed = challenge;
            changed[bit / 8] ^= 1 << (bit % 8);
            let verified = key.verify_challenge(&changed, &purpose, NOW);
            assert_eq!(verified, Err(ChallengeError::Invalid), "bit {bit}");
        }
        for bytes in [&[][..], &challenge[1..]] {
            let verified = key.verify_challenge(bytes, &purpose, NOW);
            assert_eq!(verified, Err(ChallengeError::Invalid));
        }
    }

    #[test]
    fn challenges_differ() {
        let (key, purpose) = (key(), ChallengePurpose::SignIn);
        let [first, second] = [(); 2].map(|()| key.issue_challenge(&purpose, NOW, &SystemRandom));
        assert_ne!(first, second);
    }
}

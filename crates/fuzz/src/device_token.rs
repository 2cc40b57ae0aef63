use auth_core::{DeviceToken, Email, SigningKeySeed, Timestamp};

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The length of a token: 80 bytes as base64url. The two lowest bits of the last character are 0.
const LENGTH: usize = 107;

/// Checks that a string is a token if and only if it is the base64url form of 80 bytes, and that a
/// key rejects a token that was not issued with it.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let parsed = DeviceToken::parse(text);
    let mut values = text.bytes().map(|byte| ALPHABET.iter().position(|other| *other == byte));
    let is_token = text.len() == LENGTH
        && values.clone().all(|value| value.is_some())
        && values.next_back().flatten().is_some_and(|value| value % 4 == 0);
    assert_eq!(parsed.is_ok(), is_token, "{text:?}");
    let Ok(token) = parsed else { return };
    assert_eq!(token.to_text().as_str(), text);
    let Ok(seed) = SigningKeySeed::from_bytes(&[7; 32]) else { return };
    let Ok(email) = Email::parse("ada@example.com") else { return };
    let verified = seed.device_key().verify(email.key(), &token, Timestamp::UNIX_EPOCH);
    assert_eq!(verified, None);
}

use auth_core::{DeviceToken, SigningKeySeed, UserId};

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Checks that a string is a token if and only if it consists of 64 base64url characters, and that
/// a key rejects a token that was not issued with it.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let parsed = DeviceToken::parse(text);
    let is_token = text.len() == 64 && text.bytes().all(|byte| ALPHABET.contains(&byte));
    assert_eq!(parsed.is_ok(), is_token, "{text:?}");
    let Ok(token) = parsed else { return };
    assert_eq!(token.to_text().as_str(), text);
    let user = UserId::from_uuid_bytes([7; 16]);
    let Ok(seed) = SigningKeySeed::from_bytes(&[7; 32]) else { return };
    assert_eq!(seed.device_key().verify(user, 0, &token), None);
}

use auth_core::EmailSignInToken;

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The length of a token: 32 bytes as base64url. The two lowest bits of the last character are 0.
const LENGTH: usize = 43;

/// Checks that a string is a token if and only if it is the base64url form of 32 bytes, and that a
/// token has one spelling.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let parsed = EmailSignInToken::parse(text);
    let mut values = text.bytes().map(|byte| ALPHABET.iter().position(|other| *other == byte));
    let is_token = text.len() == LENGTH
        && values.clone().all(|value| value.is_some())
        && values.next_back().flatten().is_some_and(|value| value % 4 == 0);
    assert_eq!(parsed.is_ok(), is_token, "{text:?}");
    let Ok(token) = parsed else { return };
    assert_eq!(token.to_text().as_str(), text);
}

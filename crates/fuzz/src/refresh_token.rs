use auth_core::{RefreshToken, SuccessorSalt};

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Checks that a string is a token if and only if it consists of 64 base64url characters, and that
/// a token has one spelling, and one successor for each salt.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let parsed = RefreshToken::parse(text);
    let is_token = text.len() == 64 && text.bytes().all(|byte| ALPHABET.contains(&byte));
    assert_eq!(parsed.is_ok(), is_token, "{text:?}");
    let Ok(token) = parsed else { return };
    assert_eq!(token.to_text().as_str(), text);

    let salts = [[0; 32], [1; 32]].map(|salt| SuccessorSalt::from_bytes(&salt));
    let [Ok(salt), Ok(other)] = salts else { return };
    let next = token.successor(&salt);
    assert_eq!(next.to_text(), token.successor(&salt).to_text());
    assert_eq!(next.family(), token.family());
    assert_ne!(next.hash(), token.hash());
    assert_ne!(next.hash(), token.successor(&other).hash());
}

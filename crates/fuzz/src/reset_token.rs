use auth_core::ResetToken;

use crate::crockford::canonical;

/// Checks that a text is a token if and only if it has 32 characters of Crockford's base32, however
/// it is typed, and that the printed token is parsed as the same token.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let parsed = ResetToken::parse(text).ok();
    let printed = parsed.as_ref().map(ResetToken::to_text);
    assert_eq!(
        printed.as_ref().map(|printed| printed.to_string()),
        canonical(text, 32),
        "{text:?}"
    );
    let Some(printed) = printed else { return };
    assert_eq!(ResetToken::parse(&printed).ok(), parsed);
}

use auth_core::OneTimeCode;

use crate::crockford::canonical;

/// Checks that a text is a code if and only if it has 8 characters of Crockford's base32, however
/// it is typed, and that the printed code is parsed as the same code.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let parsed = OneTimeCode::parse(text).ok();
    let printed = parsed.as_ref().map(OneTimeCode::to_text);
    assert_eq!(printed.as_ref().map(|printed| printed.to_string()), canonical(text, 8), "{text:?}");
    let Some(printed) = printed else { return };
    assert_eq!(OneTimeCode::parse(&printed).ok(), parsed);
}

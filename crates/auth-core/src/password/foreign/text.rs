//! How hashes are written.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use subtle::ConstantTimeEq as _;

/// A decimal number in its one spelling.
pub(super) fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number: &u32| number.to_string() == text)
}

/// The number of a parameter such as `r=8`.
pub(super) fn parameter(text: &str, name: &str) -> Option<u32> {
    number(text.strip_prefix(name)?.strip_prefix('=')?)
}

/// Base64 (RFC 4648, 4) with padding.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// The same without padding.
pub(super) fn base64_unpadded(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text).ok()
}

/// The parts of a text between the signs, if there are as many as are asked for.
pub(super) fn parts<const N: usize>(text: &str, sign: char) -> Option<[&str; N]> {
    let parts: Vec<_> = text.split(sign).collect();
    parts.try_into().ok()
}

/// Hexadecimal digits in lower case.
pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if !text.len().is_multiple_of(2) || !text.bytes().all(is_digit) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

/// What is short enough to be a hash, and long enough not to be found by chance, in bytes.
pub(super) fn is_output(output: &[u8]) -> bool {
    (16..=64).contains(&output.len())
}

/// Compares in constant time.
pub(super) fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

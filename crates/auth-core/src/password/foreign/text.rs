//! Parsers for the parts of a password hash.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use subtle::ConstantTimeEq as _;

/// Parses a decimal number without a sign or leading zeros.
pub(super) fn number(text: &str) -> Option<u32> {
    let number: u32 = text.parse().ok()?;
    if number.to_string() == text { Some(number) } else { None }
}

/// Parses the number in a parameter such as `r=8`.
pub(super) fn parameter(text: &str, name: &str) -> Option<u32> {
    number(text.strip_prefix(name)?.strip_prefix('=')?)
}

/// Decodes base64 (RFC 4648, section 4) with padding.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Decodes base64 (RFC 4648, section 4) without padding.
pub(super) fn base64_unpadded(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text).ok()
}

/// Returns the base64 (RFC 4648, section 4) of zeros, with padding.
pub(super) fn zeros_base64(bytes: usize) -> String {
    STANDARD.encode(vec![0; bytes])
}

/// Returns the base64 (RFC 4648, section 4) of zeros, without padding.
pub(super) fn zeros_base64_unpadded(bytes: usize) -> String {
    STANDARD_NO_PAD.encode(vec![0; bytes])
}

/// Splits a string into exactly `N` parts. Returns `None` if it has a different number of parts.
pub(super) fn split<const N: usize>(text: &str, separator: char) -> Option<[&str; N]> {
    let parts: Vec<_> = text.split(separator).collect();
    parts.try_into().ok()
}

/// Decodes hexadecimal digits in lower case.
pub(super) fn hex(text: &str) -> Option<Vec<u8>> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if !text.len().is_multiple_of(2) || !text.bytes().all(is_digit) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|index| u8::from_str_radix(&text[index..index + 2], 16).ok())
        .collect()
}

/// Returns `true` if an output has 16 to 64 bytes. A shorter one could match by chance.
pub(super) fn is_output_length(output: &[u8]) -> bool {
    (16..=64).contains(&output.len())
}

/// Compares two outputs in constant time.
pub(super) fn equal_in_constant_time(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

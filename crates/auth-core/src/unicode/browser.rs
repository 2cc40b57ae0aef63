//! What takes Unicode's tables, by means of those that the browser has.
//!
//! Nothing is refused here that the server takes. Of domains, little is taken that it refuses,
//! such as an `xn--` label that is no Punycode, which Chromium does not look into: the server is
//! asked next, and has the last word.

use js_sys::JsString;
use web_sys::Url;

/// A label that keeps what is before it from being read as an IPv4 address, which a URL's host
/// is if its last label is a number, and a domain is not.
const GUARD: &str = ".x";

/// A text in the form NFC (UAX 15), or none if it has that form already.
pub(crate) fn nfc(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let normalized = String::from(JsString::from(text).normalize("NFC"));
    (normalized != text).then_some(normalized)
}

/// A text in lower case (The Unicode Standard, 3.13).
pub(crate) fn lowercase(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    JsString::from(text).to_lower_case().into()
}

/// The ASCII form of a domain (UTS 46, `ToASCII`), in lower case, whose labels are letters,
/// digits and inner hyphens. None if it has no such form.
pub(crate) fn domain_to_ascii(domain: &str) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    // What else of ASCII a URL's host may hold, a domain may not.
    if !domain.bytes().all(|byte| !byte.is_ascii() || is_plain(byte)) {
        return None;
    }
    let ascii = if domain.is_ascii() && !has_encoded_label(domain) {
        domain.to_ascii_lowercase()
    } else {
        host_of_url(domain)?
    };
    (ascii.len() <= 253 && ascii.split('.').all(is_label)).then_some(ascii)
}

/// Whether a label is in the ASCII form of an international one, which may be a wrong one.
fn has_encoded_label(domain: &str) -> bool {
    let prefix = |label: &str| label.get(..4).is_some_and(|it| it.eq_ignore_ascii_case("xn--"));
    domain.split('.').any(prefix)
}

/// The host of a URL is converted by UTS 46 (URL Standard, 3.3).
fn host_of_url(domain: &str) -> Option<String> {
    let host = Url::new(&format!("https://{domain}{GUARD}/")).ok()?.hostname();
    host.strip_suffix(GUARD).map(str::to_owned)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

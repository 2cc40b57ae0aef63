//! Functions that need the Unicode tables, which are built into the browser.
//!
//! Everything that the server accepts is accepted here. A few domains that the server rejects are
//! accepted too, such as those with an `xn--` label of invalid Punycode, which Chromium does not
//! check. That is safe because the server checks every request again.

use js_sys::JsString;
use web_sys::Url;

/// A label that is appended to a domain so that it can be parsed as the host of a URL. Without the
/// label, a host whose last label is a number would be parsed as an IPv4 address.
const NON_NUMERIC_LABEL: &str = ".x";

/// Returns the text in Normalization Form C (UAX 15), or `None` if it is already in that form.
pub(crate) fn nfc(text: &str) -> Option<String> {
    normalize(text, "NFC")
}

/// Returns the text in Normalization Form KD (UAX 15), or `None` if it is already in that form.
#[cfg(feature = "foreign-flask-security")]
pub(crate) fn nfkd(text: &str) -> Option<String> {
    normalize(text, "NFKD")
}

fn normalize(text: &str, form: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let normalized = String::from(JsString::from(text).normalize(form));
    (normalized != text).then_some(normalized)
}

/// Returns the text in lower case (The Unicode Standard, 3.13).
pub(crate) fn lowercase(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    JsString::from(text).to_lower_case().into()
}

/// Returns the lower-case ASCII form of a domain (UTS 46, `ToASCII`), or `None` if the domain is
/// not valid. Labels consist of letters, digits and inner hyphens.
pub(crate) fn domain_to_ascii(domain: &str) -> Option<String> {
    let is_domain_byte = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    // The host of a URL can contain ASCII characters that are not allowed in a domain.
    if !domain.bytes().all(|byte| !byte.is_ascii() || is_domain_byte(byte)) {
        return None;
    }
    let ascii = if domain.is_ascii() && !has_encoded_label(domain) {
        domain.to_ascii_lowercase()
    } else {
        host_of_url(domain)?
    };
    (ascii.len() <= 253 && ascii.split('.').all(is_label)).then_some(ascii)
}

/// Returns `true` if a label of the domain begins with `xn--`. The rest of the label may be invalid
/// Punycode.
fn has_encoded_label(domain: &str) -> bool {
    let is_encoded =
        |label: &str| label.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("xn--"));
    domain.split('.').any(is_encoded)
}

/// Converts a domain to ASCII with the URL parser, which applies UTS 46 to hosts (URL Standard,
/// 3.3).
fn host_of_url(domain: &str) -> Option<String> {
    let host = Url::new(&format!("https://{domain}{NON_NUMERIC_LABEL}/")).ok()?.hostname();
    host.strip_suffix(NON_NUMERIC_LABEL).map(str::to_owned)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

//! What takes Unicode's tables. In a browser, `unicode/browser.rs` stands in its place: the
//! browser has the tables, and these are half a megabyte that would have to be downloaded.

use icu_normalizer::ComposingNormalizerBorrowed;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// A text in the form NFC (UAX 15), or none if it has that form already.
pub(crate) fn nfc(text: &str) -> Option<String> {
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    (!nfc.is_normalized(text)).then(|| nfc.normalize(text).into_owned())
}

/// A text in lower case (The Unicode Standard, 3.13).
pub(crate) fn lowercase(text: &str) -> String {
    text.to_lowercase()
}

/// The ASCII form of a domain (UTS 46, `ToASCII`), in lower case, whose labels are letters,
/// digits and inner hyphens. None if it has no such form.
pub(crate) fn domain_to_ascii(domain: &str) -> Option<String> {
    Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .ok()
        .map(Into::into)
}

//! Functions that need the Unicode tables.
//!
//! In a browser, `unicode/browser.rs` replaces this module: browsers have the tables built in, and
//! the tables that this module uses would add half a megabyte to the download.

use icu_normalizer::ComposingNormalizerBorrowed;
#[cfg(feature = "foreign-flask-security")]
use icu_normalizer::DecomposingNormalizerBorrowed;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// Returns the text in Normalization Form C (UAX 15), or `None` if it is already in that form.
pub(crate) fn nfc(text: &str) -> Option<String> {
    let nfc = ComposingNormalizerBorrowed::new_nfc();
    (!nfc.is_normalized(text)).then(|| nfc.normalize(text).into_owned())
}

/// Returns the text in Normalization Form KD (UAX 15), or `None` if it is already in that form.
#[cfg(feature = "foreign-flask-security")]
pub(crate) fn nfkd(text: &str) -> Option<String> {
    let nfkd = DecomposingNormalizerBorrowed::new_nfkd();
    (!nfkd.is_normalized(text)).then(|| nfkd.normalize(text).into_owned())
}

/// Returns the text in lower case (The Unicode Standard, 3.13).
pub(crate) fn lowercase(text: &str) -> String {
    text.to_lowercase()
}

/// Returns the lower-case ASCII form of a domain (UTS 46, `ToASCII`), or `None` if the domain is
/// not valid. Labels consist of letters, digits and inner hyphens.
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

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::error::PagesError;

/// An asset that the app has added to the pages. Its URL contains a hash of its content.
#[derive(Clone)]
pub(crate) struct OwnFile {
    /// The path of the URL.
    pub(crate) path: String,
    pub(crate) content: Bytes,
}

impl OwnFile {
    pub(crate) fn new(name: &str, content: impl Into<Bytes>) -> Self {
        let content = content.into();
        Self { path: format!("/assets/{}/{name}", short_hash(&content)), content }
    }

    /// Returns the asset for a logo: an SVG or PNG image.
    pub(crate) fn logo(image: Vec<u8>) -> Result<Self, PagesError> {
        if image.starts_with(b"\x89PNG\r\n\x1a\n") {
            Ok(Self::new("logo.png", image))
        } else if str::from_utf8(&image).is_ok_and(is_svg) {
            Ok(Self::new("logo.svg", image))
        } else {
            Err(PagesError::UnknownImage)
        }
    }
}

/// Returns whether a text begins with an `svg` element, after an XML declaration, a document type
/// and comments.
fn is_svg(text: &str) -> bool {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        let end = match rest {
            _ if rest.starts_with("<!--") => "-->",
            _ if rest.starts_with("<?") || rest.starts_with("<!") => ">",
            _ => break,
        };
        let Some((_, after)) = rest.split_once(end) else { return false };
        rest = after.trim_start();
    }
    rest.strip_prefix("<svg").is_some_and(|rest| {
        rest.starts_with(|next: char| next.is_ascii_whitespace() || matches!(next, '>' | '/'))
    })
}

/// Returns the first 64 bits of a SHA-256, in hex.
pub(crate) fn short_hash(content: &[u8]) -> String {
    Sha256::digest(content)[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_depends_on_the_content() {
        let [one, two] = ["a{}", "b{}"].map(|css| OwnFile::new("accent.css", css).path);
        assert_ne!(one, two);
        let hash = one.strip_prefix("/assets/").unwrap().strip_suffix("/accent.css").unwrap();
        assert_eq!(hash.len(), 16);
    }

    #[test]
    fn a_logo_is_an_svg_or_a_png_image() {
        let name = |image: &[u8]| {
            let logo = OwnFile::logo(image.to_vec()).ok()?;
            Some(logo.path.rsplit('/').next().unwrap().to_owned())
        };
        for svg in [
            "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            "<?xml version=\"1.0\"?>\n<!-- a <logo> -->\n<svg>",
            "\u{feff}<!DOCTYPE svg>\n<svg\n/>",
        ] {
            assert_eq!(name(svg.as_bytes()).as_deref(), Some("logo.svg"), "{svg}");
        }
        assert_eq!(name(b"\x89PNG\r\n\x1a\nrest").as_deref(), Some("logo.png"));
        for other in [&b""[..], b"GIF89a", b"<html><svg>", b"<svgx>", b"the <svg>", b"<svg>\xff"] {
            assert_eq!(name(other), None, "{other:?}");
        }
    }
}

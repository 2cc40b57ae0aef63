use bytes::Bytes;
use rust_embed::{EmbeddedFile, RustEmbed};

use std::borrow::Cow;

/// The files of the web app.
pub(crate) trait Files: Send + Sync {
    /// Returns a file by its path within the app.
    fn get(&self, name: &str) -> Option<EmbeddedFile>;

    /// Returns the page that all routes share.
    fn page(&self) -> Option<EmbeddedFile> {
        self.get("index.html")
    }

    /// Returns the asset at a URL path. A path that leaves the assets folder has no asset.
    fn asset(&self, path: &str) -> Option<Bytes> {
        let name = path.strip_prefix('/')?;
        let is_plain = |segment: &str| !matches!(segment, "" | "." | "..");
        if !name.starts_with("assets/") || name.contains('\\') || !name.split('/').all(is_plain) {
            return None;
        }
        self.get(name).map(|file| match file.data {
            Cow::Borrowed(data) => Bytes::from_static(data),
            Cow::Owned(data) => data.into(),
        })
    }
}

/// The files that `cargo xtask pages` builds. A release build embeds them, and a debug build reads
/// them from disk.
#[derive(RustEmbed)]
#[folder = "dist"]
#[allow_missing = true]
struct Embedded;

/// The files of the app that `cargo xtask pages` has built.
pub(crate) struct BuiltFiles;

impl Files for BuiltFiles {
    fn get(&self, name: &str) -> Option<EmbeddedFile> {
        <Embedded as RustEmbed>::get(name)
    }
}

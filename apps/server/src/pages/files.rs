use std::borrow::Cow;

use rust_embed::{EmbeddedFile, RustEmbed};

/// The files of the app.
pub(super) trait Files: Send + Sync + 'static {
    /// Returns a file by its path within the app.
    fn get(&self, name: &str) -> Option<EmbeddedFile>;

    /// Returns the page that all routes share.
    fn page(&self) -> Option<EmbeddedFile> {
        self.get("index.html")
    }

    /// Returns the asset at a URL path. A path that leaves the assets folder has no asset.
    fn asset(&self, path: &str) -> Option<Cow<'static, [u8]>> {
        let name = path.strip_prefix('/')?;
        let is_plain = |segment: &str| !matches!(segment, "" | "." | "..");
        if !name.starts_with("assets/") || name.contains('\\') || !name.split('/').all(is_plain) {
            return None;
        }
        self.get(name).map(|file| file.data)
    }
}

/// The files that `cargo xtask` builds. A release build embeds them, and a debug build reads them
/// from disk.
#[derive(RustEmbed)]
#[folder = "../../target/web"]
#[allow_missing = true]
struct Embedded;

/// The files of the app that `cargo xtask` has built.
pub(super) struct BuiltFiles;

impl Files for BuiltFiles {
    fn get(&self, name: &str) -> Option<EmbeddedFile> {
        <Embedded as RustEmbed>::get(name)
    }
}

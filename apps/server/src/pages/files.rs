use std::borrow::Cow;

use rust_embed::{EmbeddedFile, RustEmbed};

/// The files of the built app.
pub(super) trait Files: Send + Sync + 'static {
    /// Returns a file by its name within the built app.
    fn get(&self, name: &str) -> Option<EmbeddedFile>;

    /// Returns the page that all routes share.
    fn page(&self) -> Option<EmbeddedFile> {
        self.get("index.html")
    }

    /// Returns the asset at a path. No path leads out of the directory of assets.
    fn asset(&self, path: &str) -> Option<Cow<'static, [u8]>> {
        let name = path.strip_prefix('/')?;
        let is_plain = |segment: &str| !matches!(segment, "" | "." | "..");
        if !name.starts_with("assets/") || name.contains('\\') || !name.split('/').all(is_plain) {
            return None;
        }
        self.get(name).map(|file| file.data)
    }
}

/// The files that `cargo xtask` builds: inside the binary of a release build, on the disk
/// while developing.
#[derive(RustEmbed)]
#[folder = "../../target/web"]
#[allow_missing = true]
struct Embedded;

pub(super) struct Built;

impl Files for Built {
    fn get(&self, name: &str) -> Option<EmbeddedFile> {
        <Embedded as RustEmbed>::get(name)
    }
}

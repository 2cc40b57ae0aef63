use std::borrow::Cow;

use rust_embed::{EmbeddedFile, RustEmbed};

/// Where the app's files come from.
pub(super) trait Files: Send + Sync + 'static {
    /// A file by its name within the built app.
    fn get(&self, name: &str) -> Option<EmbeddedFile>;

    /// The page that all routes share.
    fn page(&self) -> Option<EmbeddedFile> {
        self.get("index.html")
    }

    /// The asset at a path. They lie in one folder, and nothing climbs out of it.
    fn asset(&self, path: &str) -> Option<Cow<'static, [u8]>> {
        let name = path.strip_prefix("/assets/").filter(|name| !name.contains(['/', '\\']))?;
        self.get(&format!("assets/{name}")).map(|file| file.data)
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

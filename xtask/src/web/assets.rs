//! The assets of one build. Their directory is named after a hash of their content, so that
//! browsers can cache them indefinitely.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

/// The name of the directory of all assets, in URLs and on disk.
pub(super) const DIRECTORY: &str = "assets";

/// The extensions of files to compress. Images and fonts are already compressed.
const COMPRESSIBLE: [&str; 6] = ["css", "js", "json", "svg", "wasm", "webmanifest"];

/// The assets of one build, by their paths in its directory.
#[derive(Default)]
pub(super) struct Assets(BTreeMap<String, Vec<u8>>);

impl Assets {
    pub(super) fn add(&mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), content.into());
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns the name of the build: the first 64 bits of a SHA-256 of all names and contents, in
    /// hex.
    pub(super) fn build_hash(&self) -> String {
        let mut hash = Sha256::new();
        for (path, content) in &self.0 {
            hash.update(path);
            hash.update([0]);
            hash.update(Sha256::digest(content));
        }
        hash.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Replaces the content of `dist` with these assets and the page that refers to them.
    ///
    /// A server may be reading the files at the same time. So the new build is written to its own
    /// directory, then the page is replaced atomically, and the old build is removed last.
    pub(super) fn publish(&self, dist: &Path, page: &str) -> Result<()> {
        let build = self.build_hash();
        let directory = dist.join(DIRECTORY).join(&build);
        for (path, content) in &self.0 {
            write_asset(&directory.join(path), content)?;
        }
        replace(&dist.join("index.html"), page.as_bytes())?;
        remove_all_but(&dist.join(DIRECTORY), &[&build])?;
        remove_all_but(dist, &[DIRECTORY, "index.html"])
    }

    #[cfg(test)]
    pub(super) fn text(&self, path: &str) -> &str {
        std::str::from_utf8(&self.0[path]).unwrap()
    }
}

/// Writes an asset and its compressed forms, the plain form last. If the plain form exists already,
/// nothing is written. In that case, all forms exist, and they are up to date because the directory
/// is named after the content.
fn write_asset(path: &Path, content: &[u8]) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if COMPRESSIBLE.contains(&extension) {
        for (encoding, smaller) in [("br", brotli(content)?), ("gz", gzip(content)?)] {
            if smaller.len() < content.len() {
                replace(&path.with_added_extension(encoding), &smaller)?;
            }
        }
    }
    replace(path, content)
}

pub(super) fn brotli(content: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let params = brotli::enc::BrotliEncoderParams {
        quality: 11,
        size_hint: content.len(),
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &*content, &mut out, &params)?;
    Ok(out)
}

fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}

/// Writes a file atomically. A file that already has this content is not written, because cargo
/// would rebuild the server if the modification time changed.
fn replace(path: &Path, content: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|present| present == content) {
        return Ok(());
    }
    let draft = path.with_added_extension("new");
    fs::write(&draft, content)
        .and_then(|()| fs::rename(&draft, path))
        .with_context(|| format!("{} cannot be written", path.display()))
}

fn remove_all_but(directory: &Path, keep: &[&str]) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| keep.contains(&name)) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn assets(files: &[(&str, &str)]) -> Assets {
        let mut assets = Assets::default();
        for (path, content) in files {
            assets.add(*path, *content);
        }
        assets
    }

    #[test]
    fn the_build_hash_depends_on_every_name_and_content() {
        let hash = |files| assets(files).build_hash();
        let one = hash(&[("a.js", "1"), ("b.js", "2")]);
        assert_eq!(one.len(), 16);
        assert_eq!(hash(&[("b.js", "2"), ("a.js", "1")]), one);
        for other in [
            &[("a.js", "1"), ("b.js", "3")][..],
            &[("a.js", "1"), ("c.js", "2")],
            &[("a.js", "1")],
            &[("a.js", "2"), ("b.js", "1")],
        ] {
            assert_ne!(hash(other), one);
        }
    }

    #[test]
    fn compressible_files_get_compressed_forms_that_are_smaller() {
        let dist = tempfile::tempdir().unwrap();
        let long = "a{}".repeat(1000);
        let assets = assets(&[("long.css", &long), ("short.css", "a{}"), ("image.png", &long)]);
        assets.publish(dist.path(), "<html>").unwrap();
        assert_eq!(
            files(&dist.path().join(DIRECTORY).join(assets.build_hash())),
            ["image.png", "long.css", "long.css.br", "long.css.gz", "short.css"]
        );
    }

    #[test]
    fn an_asset_can_be_in_a_subdirectory() {
        let dist = tempfile::tempdir().unwrap();
        let assets = assets(&[("snippets/dep-1/inline0.js", "export {}")]);
        assets.publish(dist.path(), "").unwrap();
        let build = dist.path().join(DIRECTORY).join(assets.build_hash());
        assert_eq!(files(&build.join("snippets/dep-1")), ["inline0.js"]);
    }

    #[test]
    fn a_new_build_replaces_the_old_one_and_its_page() {
        let dist = tempfile::tempdir().unwrap();
        assets(&[("app.js", "old")]).publish(dist.path(), "old").unwrap();
        fs::create_dir(dist.path().join("leftover")).unwrap();

        let new = assets(&[("app.js", "new")]);
        new.publish(dist.path(), "new").unwrap();
        assert_eq!(files(dist.path()), [DIRECTORY, "index.html"]);
        assert_eq!(files(&dist.path().join(DIRECTORY)), [new.build_hash()]);
        assert_eq!(fs::read_to_string(dist.path().join("index.html")).unwrap(), "new");
    }

    #[test]
    fn an_unchanged_page_is_not_written() {
        let dist = tempfile::tempdir().unwrap();
        let modified = || fs::metadata(dist.path().join("index.html")).unwrap().modified().unwrap();
        let assets = assets(&[("app.js", "same")]);
        assets.publish(dist.path(), "same").unwrap();
        let before = modified();
        assets.publish(dist.path(), "same").unwrap();
        assert_eq!(modified(), before);
    }

    #[test]
    fn an_unchanged_asset_is_not_compressed_again() {
        let dist = tempfile::tempdir().unwrap();
        let assets = assets(&[("app.js", &"same".repeat(1000))]);
        assets.publish(dist.path(), "").unwrap();
        let compressed = dist.path().join(DIRECTORY).join(assets.build_hash()).join("app.js.br");
        fs::write(&compressed, "kept").unwrap();
        assets.publish(dist.path(), "").unwrap();
        assert_eq!(fs::read_to_string(&compressed).unwrap(), "kept");
    }
}

//! Files that are named after their content, so that a browser may keep them for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

/// Where the assets are, for the server and for the browser alike.
pub(super) const DIRECTORY: &str = "assets";

/// What text and bytecode gain from; images and fonts are compressed already.
const COMPRESSIBLE: [&str; 6] = ["css", "js", "json", "svg", "wasm", "webmanifest"];

/// The assets of one build, by their final names.
#[derive(Default)]
pub(super) struct Assets(BTreeMap<String, Vec<u8>>);

impl Assets {
    /// Takes a file in and gives it its name: `app.css` becomes `app-0123456789abcdef.css`.
    pub(super) fn add(&mut self, name: &str, content: impl Into<Vec<u8>>) -> String {
        let content = content.into();
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "bin"));
        let name = format!("{stem}-{}.{extension}", fingerprint(&content));
        self.0.insert(name.clone(), content);
        name
    }

    /// Replaces what is in `dist` with these assets and the page that refers to them.
    ///
    /// A server may be reading meanwhile. New assets do not disturb it, for they have new
    /// names; then the page is exchanged in one move; only then do the old assets go.
    pub(super) fn publish(&self, dist: &Path, page: &str) -> Result<()> {
        let directory = dist.join(DIRECTORY);
        fs::create_dir_all(&directory)?;
        let mut current = BTreeSet::new();
        for (name, content) in &self.0 {
            current.insert(name.clone());
            for encoding in ["br", "gz"] {
                current.insert(format!("{name}.{encoding}"));
            }
            write_asset(&directory, name, content)?;
        }
        replace(&dist.join("index.html"), page.as_bytes())?;
        remove_all_but(&directory, |name| current.contains(name))?;
        remove_all_but(dist, |name| [DIRECTORY, "index.html"].contains(&name))
    }

    #[cfg(test)]
    pub(super) fn text(&self, name: &str) -> &str {
        std::str::from_utf8(&self.0[name]).unwrap()
    }
}

/// The first 64 bits of the SHA-256, in hex.
fn fingerprint(content: &[u8]) -> String {
    let hash = Sha256::digest(content);
    hash[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes an asset with its compressed forms, the plain one last: once that exists, all do,
/// and as the name tells the content, none is ever compressed twice.
fn write_asset(directory: &Path, name: &str, content: &[u8]) -> Result<()> {
    if directory.join(name).exists() {
        return Ok(());
    }
    let extension = name.rsplit('.').next().unwrap_or_default();
    if COMPRESSIBLE.contains(&extension) {
        for (encoding, smaller) in [("br", brotli(content)?), ("gz", gzip(content)?)] {
            if smaller.len() < content.len() {
                replace(&directory.join(format!("{name}.{encoding}")), &smaller)?;
            }
        }
    }
    replace(&directory.join(name), content)
}

fn brotli(content: &[u8]) -> Result<Vec<u8>> {
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

/// Writes a file whole or not at all, and leaves one alone that is right already: with a new
/// time of change, cargo would compile again what embeds it.
fn replace(path: &Path, content: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|present| present == content) {
        return Ok(());
    }
    let draft = path.with_added_extension("new");
    fs::write(&draft, content)
        .and_then(|()| fs::rename(&draft, path))
        .with_context(|| format!("{} cannot be written", path.display()))
}

fn remove_all_but(directory: &Path, keep: impl Fn(&str) -> bool) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(&keep) {
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

    #[test]
    fn a_name_follows_the_content() {
        let mut assets = Assets::default();
        let one = assets.add("app.css", "a{}");
        assert_eq!(one, "app-5f546eb4606b5c2b.css");
        assert_eq!(assets.add("app.css", "a{}"), one);
        assert_ne!(assets.add("app.css", "b{}"), one);
    }

    #[test]
    fn what_is_compressible_is_written_three_times_if_that_is_smaller() {
        let dist = tempfile::tempdir().unwrap();
        let mut assets = Assets::default();
        let long = assets.add("long.css", "a{}".repeat(1000));
        let short = assets.add("short.css", "a{}");
        let image = assets.add("image.png", "a{}".repeat(1000));
        assets.publish(dist.path(), "<html>").unwrap();
        assert_eq!(
            files(&dist.path().join(DIRECTORY)),
            [image, long.clone(), format!("{long}.br"), format!("{long}.gz"), short]
        );
    }

    #[test]
    fn stale_files_go_and_the_page_is_the_new_one() {
        let dist = tempfile::tempdir().unwrap();
        let mut old = Assets::default();
        old.add("app.js", "old".repeat(1000));
        old.publish(dist.path(), "old").unwrap();
        fs::create_dir(dist.path().join("leftover")).unwrap();

        let mut new = Assets::default();
        let name = new.add("app.css", "new");
        new.publish(dist.path(), "new").unwrap();
        assert_eq!(files(dist.path()), [DIRECTORY, "index.html"]);
        assert_eq!(files(&dist.path().join(DIRECTORY)), [name]);
        assert_eq!(fs::read_to_string(dist.path().join("index.html")).unwrap(), "new");
    }

    #[test]
    fn a_page_that_is_right_already_is_not_written() {
        let dist = tempfile::tempdir().unwrap();
        let modified = || fs::metadata(dist.path().join("index.html")).unwrap().modified().unwrap();
        Assets::default().publish(dist.path(), "same").unwrap();
        let before = modified();
        Assets::default().publish(dist.path(), "same").unwrap();
        assert_eq!(modified(), before);
    }

    #[test]
    fn what_is_there_is_not_compressed_again() {
        let dist = tempfile::tempdir().unwrap();
        let mut assets = Assets::default();
        let name = assets.add("app.js", "same".repeat(1000));
        assets.publish(dist.path(), "").unwrap();
        let compressed = dist.path().join(DIRECTORY).join(format!("{name}.br"));
        fs::write(&compressed, "kept").unwrap();
        assets.publish(dist.path(), "").unwrap();
        assert_eq!(fs::read_to_string(&compressed).unwrap(), "kept");
    }
}

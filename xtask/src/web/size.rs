//! The download sizes of a first visit and of the browser client, and their limits.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::assets;

/// The maximum number of bytes that a first visit to any page may download: all files together,
/// compressed.
///
/// At 1.6 Mbit/s the download takes 1.4 seconds. Including the round trips before it and the start
/// of the application after it, the log-in form is usable within 1.8 s. A test in Chromium checks
/// that it is usable soon after the download.
pub(crate) const BUDGET: u64 = 283_000;

/// The maximum number of bytes of the browser client, compressed.
const CLIENT_BUDGET: usize = 4_000;

/// Checks the size of the browser client, which other apps load in addition to their own code.
pub(crate) fn check_client(path: &Path) -> Result<()> {
    let module = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let size = assets::brotli(&module)?.len();
    eprintln!("{}: {size} bytes, compressed; the budget is {CLIENT_BUDGET}", path.display());
    if size > CLIENT_BUDGET {
        bail!("{} has {size} bytes; the budget is {CLIENT_BUDGET} bytes", path.display());
    }
    Ok(())
}

/// The size of a first visit, in bytes: the page and all its assets.
pub(crate) struct Report {
    raw: u64,
    gzip: u64,
    brotli: u64,
}

impl Report {
    /// Measures the build in `dist`.
    pub(crate) fn read(dist: &Path) -> Result<Self> {
        let mut report = Self { raw: 0, gzip: 0, brotli: 0 };
        report.add_directory(dist)?;
        Ok(report)
    }

    /// Returns the number of bytes that are sent to a browser.
    pub(crate) const fn as_sent(&self) -> u64 {
        self.brotli
    }

    pub(crate) fn print(&self) {
        let kb = |bytes: u64| bytes as f64 / 1000.0;
        eprintln!("               raw kB   gzip kB  brotli kB     budget");
        eprintln!(
            "first visit  {:>8.1}  {:>8.1}  {:>9.1}  {:>9.1}",
            kb(self.raw),
            kb(self.gzip),
            kb(self.brotli),
            kb(BUDGET)
        );
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.brotli > BUDGET {
            bail!("a first visit downloads {} bytes; the budget is {BUDGET} bytes", self.brotli);
        }
        Ok(())
    }

    fn add_directory(&mut self, directory: &Path) -> Result<()> {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                self.add_directory(&path)?;
                continue;
            }
            let is_compressed = path.extension().is_some_and(|kind| kind == "br" || kind == "gz");
            if is_compressed {
                continue;
            }
            let raw = fs::metadata(&path)?.len();
            let encoded = |encoding| {
                fs::metadata(path.with_added_extension(encoding)).map_or(raw, |file| file.len())
            };
            self.raw += raw;
            self.gzip += encoded("gz");
            self.brotli += encoded("br");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(wasm: usize) -> Report {
        let dist = tempfile::tempdir().unwrap();
        let build = dist.path().join("assets/0123456789abcdef");
        fs::create_dir_all(&build).unwrap();
        let write = |path: &Path, length| fs::write(path, vec![0; length]).unwrap();
        write(&dist.path().join("index.html"), 200);
        write(&build.join("web_bg.wasm"), 900_000);
        write(&build.join("web_bg.wasm.br"), wasm);
        write(&build.join("boot.js"), 100);
        Report::read(dist.path()).unwrap()
    }

    #[test]
    fn a_file_without_a_compressed_form_counts_uncompressed() {
        let Report { raw, gzip, brotli } = report(1000);
        assert_eq!((raw, gzip, brotli), (900_300, 900_300, 1300));
    }

    #[test]
    fn a_long_client_exceeds_its_budget() {
        let file = tempfile::NamedTempFile::new().unwrap();
        // Digits without a pattern that brotli could use.
        let digits: String = (0..4_000_u64).map(|n| (n * n * 2_654_435_761).to_string()).collect();
        fs::write(file.path(), &digits[..2_000]).unwrap();
        check_client(file.path()).unwrap();
        fs::write(file.path(), digits).unwrap();
        assert!(check_client(file.path()).is_err());
    }

    #[test]
    fn the_budget_is_inclusive() {
        let budget = usize::try_from(BUDGET).unwrap();
        assert!(report(budget - 300).check().is_ok());
        assert!(report(budget - 299).check().is_err());
    }
}

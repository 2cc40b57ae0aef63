//! What a first visit downloads, and the limit to it.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use super::assets::DIRECTORY;

/// What wasm, scripts and styles may weigh together, in bytes after brotli.
const BUDGET: u64 = 256_000;

const KINDS: [&str; 3] = ["wasm", "js", "css"];

/// The bytes of one kind of asset.
#[derive(Clone, Copy, Default)]
struct Weight {
    raw: u64,
    gzip: u64,
    brotli: u64,
}

/// What the assets weigh, by kind.
pub(crate) struct Report([(&'static str, Weight); KINDS.len()]);

impl Report {
    pub(crate) fn of(dist: &Path) -> Result<Self> {
        let mut report = Self(KINDS.map(|kind| (kind, Weight::default())));
        for entry in fs::read_dir(dist.join(DIRECTORY))? {
            let path = entry?.path();
            let extension = path.extension().unwrap_or_default();
            let Some((_, weight)) = report.0.iter_mut().find(|(kind, _)| extension == *kind) else {
                continue;
            };
            let raw = fs::metadata(&path)?.len();
            let encoded = |encoding| {
                fs::metadata(path.with_added_extension(encoding)).map_or(raw, |file| file.len())
            };
            weight.raw += raw;
            weight.gzip += encoded("gz");
            weight.brotli += encoded("br");
        }
        Ok(report)
    }

    pub(crate) fn print(&self) {
        eprintln!("SPA        raw kB   gzip kB  brotli kB");
        for (kind, weight) in &self.0 {
            print_line(kind, *weight);
        }
        print_line("total", self.total());
    }

    pub(crate) fn check(&self) -> Result<()> {
        let brotli = self.total().brotli;
        if brotli > BUDGET {
            bail!("the SPA weighs {brotli} bytes after brotli, its budget is {BUDGET}");
        }
        Ok(())
    }

    fn total(&self) -> Weight {
        let add = |sum: Weight, (_, weight): &(_, Weight)| Weight {
            raw: sum.raw + weight.raw,
            gzip: sum.gzip + weight.gzip,
            brotli: sum.brotli + weight.brotli,
        };
        self.0.iter().fold(Weight::default(), add)
    }
}

fn print_line(name: &str, Weight { raw, gzip, brotli }: Weight) {
    let [raw, gzip, brotli] = [raw, gzip, brotli].map(|bytes| bytes as f64 / 1000.0);
    eprintln!("{name:<8} {raw:>8.1}  {gzip:>8.1}  {brotli:>9.1}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(brotli: usize) -> Report {
        let dist = tempfile::tempdir().unwrap();
        let directory = dist.path().join(DIRECTORY);
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("web-1.wasm"), vec![0; 900_000]).unwrap();
        fs::write(directory.join("web-1.wasm.br"), vec![0; brotli]).unwrap();
        fs::write(directory.join("boot-1.js"), vec![0; 100]).unwrap();
        fs::write(directory.join("photo-1.jpg"), vec![0; 900_000]).unwrap();
        Report::of(dist.path()).unwrap()
    }

    #[test]
    fn what_has_no_compressed_form_counts_as_it_is() {
        let Weight { raw, gzip, brotli } = report(1000).total();
        assert_eq!((raw, gzip, brotli), (900_100, 900_100, 1100));
    }

    #[test]
    fn the_budget_is_kept() {
        let budget = usize::try_from(BUDGET).unwrap();
        assert!(report(budget - 100).check().is_ok());
        assert!(report(budget - 99).check().is_err());
    }
}

//! What visits download, and the limits to it.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use super::assets::DIRECTORY;
use super::glue::SHARED;

/// A visit by a browser that has nothing yet.
struct Visit {
    /// Where it leads.
    name: &'static str,
    /// The parts of the application that it takes beside the main one.
    parts: &'static [&'static str],
    /// What it may weigh in bytes, everything together and as it is sent.
    budget: u64,
}

const VISITS: [Visit; 3] = [
    Visit { name: "/", parts: &[], budget: 100_000 },
    // Those of a private page, without a session, lead here too.
    Visit { name: "/login", parts: &["entrance", SHARED], budget: 127_500 },
    Visit { name: "all pages", parts: &["entrance", "private", SHARED], budget: 161_000 },
];

/// The bytes of files in each of their forms.
#[derive(Clone, Copy, Default)]
struct Weight {
    raw: u64,
    gzip: u64,
    brotli: u64,
}

/// What each visit weighs.
pub(crate) struct Report([Weight; VISITS.len()]);

impl Report {
    pub(crate) fn of(dist: &Path) -> Result<Self> {
        let mut report = Self([Weight::default(); VISITS.len()]);
        // The server fills it in, so it is not compressed beforehand.
        report.add(Weight::of(&dist.join("index.html"))?, |_| true);
        for entry in fs::read_dir(dist.join(DIRECTORY))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.ends_with(".br") || name.ends_with(".gz") {
                continue;
            }
            let is_wasm = name.ends_with(".wasm");
            let part = name.split('-').next().filter(|stem| is_wasm && *stem != "web");
            // What is no part is there because the page refers to it.
            let takes = |visit: &Visit| part.is_none_or(|part| visit.parts.contains(&part));
            report.add(Weight::of(&path)?, takes);
        }
        Ok(report)
    }

    fn add(&mut self, weight: Weight, takes: impl Fn(&Visit) -> bool) {
        let taken = self.0.iter_mut().zip(&VISITS).filter(|(_, visit)| takes(visit));
        taken.for_each(|(sum, _)| sum.add(weight));
    }

    /// What each visit weighs as it is sent to a browser, in bytes.
    pub(crate) fn as_sent(&self) -> impl Iterator<Item = (&'static str, u64)> {
        VISITS.iter().zip(&self.0).map(|(visit, weight)| (visit.name, weight.brotli))
    }

    pub(crate) fn print(&self) {
        eprintln!("first visit    raw kB   gzip kB  brotli kB     budget");
        for (weight, Visit { name, budget, .. }) in self.0.iter().zip(&VISITS) {
            let [raw, gzip, brotli, budget] = [weight.raw, weight.gzip, weight.brotli, *budget]
                .map(|bytes| bytes as f64 / 1000.0);
            eprintln!("{name:<12} {raw:>8.1}  {gzip:>8.1}  {brotli:>9.1}  {budget:>9.1}");
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        for (Weight { brotli, .. }, Visit { name, budget, .. }) in self.0.iter().zip(&VISITS) {
            if brotli > budget {
                bail!("a first visit of {name} downloads {brotli} bytes, its budget is {budget}");
            }
        }
        Ok(())
    }
}

impl Weight {
    fn of(path: &Path) -> Result<Self> {
        let raw = fs::metadata(path)?.len();
        let encoded = |encoding| {
            fs::metadata(path.with_added_extension(encoding)).map_or(raw, |file| file.len())
        };
        Ok(Self { raw, gzip: encoded("gz"), brotli: encoded("br") })
    }

    fn add(&mut self, other: Self) {
        self.raw += other.raw;
        self.gzip += other.gzip;
        self.brotli += other.brotli;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(main: usize) -> Report {
        let dist = tempfile::tempdir().unwrap();
        let write = |name: &str, length| {
            fs::create_dir_all(dist.path().join(DIRECTORY)).unwrap();
            fs::write(dist.path().join(name), vec![0; length]).unwrap();
        };
        write("index.html", 200);
        write("assets/web-1.wasm", 900_000);
        write("assets/web-1.wasm.br", main);
        write("assets/boot-1.js", 100);
        write("assets/entrance-1.wasm", 10);
        write("assets/shared-1.wasm", 20);
        write("assets/private-1.wasm", 40);
        Report::of(dist.path()).unwrap()
    }

    #[test]
    fn a_visit_downloads_all_but_the_parts_that_it_does_not_take() {
        let weights = report(1000).0.map(|weight| weight.brotli);
        assert_eq!(weights, [1300, 1330, 1370]);
    }

    #[test]
    fn what_has_no_compressed_form_counts_as_it_is() {
        let [Weight { raw, gzip, .. }, ..] = report(1000).0;
        assert_eq!((raw, gzip), (900_300, 900_300));
    }

    #[test]
    fn the_budget_is_kept() {
        let budget = usize::try_from(VISITS[0].budget).unwrap();
        assert!(report(budget - 300).check().is_ok());
        assert!(report(budget - 299).check().is_err());
    }
}

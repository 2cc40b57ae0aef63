//! `cargo xtask bench hash`: PBKDF2-HMAC-SHA256 on one core, in several ways.

use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::report::{Goal, Row, Section};
use super::statistics::median;
use super::workbench::{ITERATIONS, Workbench};
use crate::workspace;

/// A way to hash.
#[derive(Clone, Copy)]
enum Way {
    /// As the helper calls it.
    Ours(&'static str),
    Hashlib,
}

/// One that is compared: what it is called, how many passwords it hashes at once, and how
/// many milliseconds one of them took.
struct Rival {
    way: Way,
    name: String,
    passwords: u32,
    each: Vec<f64>,
}

/// How many passwords the server may have to hash at a time.
const BATCHES: [u32; 5] = [1, 2, 4, 8, 16];

/// What is left without AVX-512: what it is called by the helper and here, and its lanes.
const KERNELS: [(&str, &str, u32); 2] = [("shani4", "SHA instructions", 4), ("avx2", "AVX2", 8)];

pub(super) fn measure(bench: &Workbench) -> Result<Section> {
    let mut rivals = rivals();
    let mut absent = Vec::new();
    for _ in 0..bench.unless_quick(9, 3) {
        for rival in &mut rivals {
            match rival.seconds(bench)? {
                Some(seconds) => rival.each.push(seconds * 1e3 / f64::from(rival.passwords)),
                None => absent.push(rival.name.clone()),
            }
        }
    }
    rivals.retain(|rival| !rival.each.is_empty());
    let mut section = report(&rivals);
    absent.dedup();
    for name in absent {
        section.note(format!("This machine has no {name}."));
    }
    Ok(section)
}

fn rivals() -> Vec<Rival> {
    let rival = |way, name, passwords| Rival { way, name, passwords, each: Vec::new() };
    let mut all = vec![
        rival(Way::Ours("crate"), "the `pbkdf2` crate".to_owned(), 1),
        rival(Way::Hashlib, "Python's hashlib".to_owned(), 1),
    ];
    for passwords in BATCHES {
        all.push(rival(
            Way::Ours("plan"),
            format!("`pbkdf2-lanes`, {passwords} at once"),
            passwords,
        ));
    }
    for (kernel, name, lanes) in KERNELS {
        all.push(rival(Way::Ours(kernel), format!("`pbkdf2-lanes`, {lanes} in {name}"), lanes));
    }
    all
}

impl Rival {
    /// What all its passwords take, if this machine can hash them in this way.
    fn seconds(&self, bench: &Workbench) -> Result<Option<f64>> {
        let answer = match self.way {
            Way::Ours(way) => bench.measure(&["hash", way, &self.passwords.to_string()])?,
            Way::Hashlib => hashlib()?,
        };
        if answer["seconds"].is_null() {
            return Ok(None);
        }
        answer["seconds"].as_f64().map(Some).context("no seconds")
    }
}

fn hashlib() -> Result<Value> {
    let mut command = Command::new("python3");
    command.arg(workspace::root().join("xtask/src/bench/hash.py")).arg(ITERATIONS.to_string());
    let output = command.output().context("python3 could not be started")?;
    serde_json::from_slice(&output.stdout).context("hash.py's answer")
}

/// The crate is the first.
fn report(rivals: &[Rival]) -> Section {
    let mut section = Section::new("hash");
    let reference = &rivals[0].each;
    for rival in rivals {
        section.add(Row::new(format!("a hash: {}", rival.name), "ms", &rival.each));
    }
    let lone = rivals.iter().find(|rival| matches!(rival.way, Way::Ours("plan")));
    if let Some(lone) = lone {
        let ratio = Row::ratio("a lone hash: time to the crate's", &lone.each, reference);
        section.add(ratio.with(Goal::AtMost(0.8)));
    }
    let without_avx512 = best_kernel(rivals).map(|rival| &rival.name);
    for rival in &rivals[1..] {
        let ratio =
            Row::ratio(format!("rate to the crate's: {}", rival.name), reference, &rival.each);
        section.add(match (rival.way, rival.passwords) {
            (Way::Ours("plan"), 16) => ratio.with(Goal::AtLeast(3.8)),
            _ if Some(&rival.name) == without_avx512 => ratio.with(Goal::AtLeast(2.0)),
            _ => ratio,
        });
    }
    section
}

/// The fastest of those that a machine without AVX-512 has.
fn best_kernel(rivals: &[Rival]) -> Option<&Rival> {
    let is_kernel = |rival: &&Rival| match rival.way {
        Way::Ours(way) => KERNELS.iter().any(|(kernel, ..)| *kernel == way),
        Way::Hashlib => false,
    };
    let by_time = |a: &&Rival, b: &&Rival| median(&a.each).total_cmp(&median(&b.each));
    rivals.iter().filter(is_kernel).min_by(by_time)
}

#[cfg(test)]
mod tests {
    use super::super::report::goals;
    use super::*;

    #[test]
    fn without_avx512_the_faster_kernel_counts() {
        let mut all = rivals();
        for rival in &mut all {
            rival.each = vec![if rival.name.contains("AVX2") { 2.0 } else { 1.0 }];
        }
        assert_eq!(best_kernel(&all).unwrap().name, "`pbkdf2-lanes`, 4 in SHA instructions");
        all.retain(|rival| !rival.name.contains("SHA"));
        assert_eq!(best_kernel(&all).unwrap().name, "`pbkdf2-lanes`, 8 in AVX2");
        assert!(best_kernel(&all[..1]).is_none());
    }

    #[test]
    fn a_lone_hash_and_a_full_batch_have_goals() {
        let mut all = rivals();
        all.iter_mut().for_each(|rival| rival.each = vec![1.0]);
        let goals = goals(&[report(&all)]);
        assert_eq!(goals.matches("missed").count(), 3, "{goals}");
    }
}

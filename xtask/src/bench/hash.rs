//! `cargo xtask bench hash`: compares implementations of PBKDF2-HMAC-SHA256 on one core.

use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::report::{Goal, Row, Section};
use super::statistics::median;
use super::workbench::{ITERATIONS, Workbench};
use crate::workspace;

/// An implementation of PBKDF2.
#[derive(Clone, Copy)]
enum Implementation {
    /// An implementation that the `bench` crate runs, by its name there.
    Helper(&'static str),
    /// Python's hashlib.
    Hashlib,
}

/// An implementation to compare, and the number of passwords that it hashes at once.
struct Candidate {
    implementation: Implementation,
    name: String,
    passwords: u32,
    /// The milliseconds per password in each round.
    times: Vec<f64>,
}

/// The numbers of passwords to hash at once, up to the maximum of the server.
const BATCHES: [u32; 5] = [1, 2, 4, 8, 16];

/// The kernels for processors without AVX-512, each with its name in the `bench` crate, its name in
/// the report, and its number of lanes.
const KERNELS: [(&str, &str, u32); 2] = [("shani4", "SHA instructions", 4), ("avx2", "AVX2", 8)];

pub(super) fn measure(bench: &Workbench) -> Result<Section> {
    let mut candidates = candidates();
    let mut unsupported = Vec::new();
    for _ in 0..bench.unless_quick(9, 3) {
        for candidate in &mut candidates {
            match candidate.seconds(bench)? {
                Some(seconds) => {
                    candidate.times.push(seconds * 1e3 / f64::from(candidate.passwords));
                }
                None => unsupported.push(candidate.name.clone()),
            }
        }
    }
    candidates.retain(|candidate| !candidate.times.is_empty());
    let mut section = report(&candidates);
    unsupported.dedup();
    for name in unsupported {
        section.note(format!("This machine does not support {name}."));
    }
    Ok(section)
}

fn candidates() -> Vec<Candidate> {
    let candidate = |implementation, name, passwords| Candidate {
        implementation,
        name,
        passwords,
        times: Vec::new(),
    };
    let mut all = vec![
        candidate(Implementation::Helper("crate"), "the `pbkdf2` crate".to_owned(), 1),
        candidate(Implementation::Hashlib, "Python's hashlib".to_owned(), 1),
    ];
    for passwords in BATCHES {
        all.push(candidate(
            Implementation::Helper("plan"),
            format!("`pbkdf2-lanes`, {passwords} at once"),
            passwords,
        ));
    }
    for (kernel, name, lanes) in KERNELS {
        all.push(candidate(
            Implementation::Helper(kernel),
            format!("`pbkdf2-lanes`, {lanes} at once with {name}"),
            lanes,
        ));
    }
    all
}

impl Candidate {
    /// Returns the seconds that hashing all the passwords takes, or `None` if this machine does not
    /// support the implementation.
    fn seconds(&self, bench: &Workbench) -> Result<Option<f64>> {
        let result = match self.implementation {
            Implementation::Helper(name) => {
                bench.measure(&["hash", name, &self.passwords.to_string()])?
            }
            Implementation::Hashlib => hashlib()?,
        };
        if result["seconds"].is_null() {
            return Ok(None);
        }
        result["seconds"].as_f64().map(Some).context("the output has no `seconds`")
    }
}

fn hashlib() -> Result<Value> {
    let mut command = Command::new("python3");
    command.arg(workspace::root().join("xtask/src/bench/hash.py")).arg(ITERATIONS.to_string());
    let output = command.output().context("python3 could not be started")?;
    serde_json::from_slice(&output.stdout).context("the output of hash.py cannot be parsed")
}

/// Builds the report. The first candidate must be the `pbkdf2` crate.
fn report(candidates: &[Candidate]) -> Section {
    let mut section = Section::new("hash");
    let reference = &candidates[0].times;
    for candidate in candidates {
        section.add(Row::new(format!("time per hash: {}", candidate.name), "ms", &candidate.times));
    }
    let single = candidates
        .iter()
        .find(|candidate| matches!(candidate.implementation, Implementation::Helper("plan")));
    if let Some(single) = single {
        let ratio = Row::ratio(
            "time per hash relative to the `pbkdf2` crate: `pbkdf2-lanes`, 1 at once",
            &single.times,
            reference,
        );
        section.add(ratio.with(Goal::AtMost(0.8)));
    }
    let without_avx512 = best_kernel(candidates).map(|candidate| &candidate.name);
    for candidate in &candidates[1..] {
        let ratio = Row::ratio(
            format!("rate relative to the `pbkdf2` crate: {}", candidate.name),
            reference,
            &candidate.times,
        );
        section.add(match (candidate.implementation, candidate.passwords) {
            (Implementation::Helper("plan"), 16) => ratio.with(Goal::AtLeast(3.8)),
            _ if Some(&candidate.name) == without_avx512 => ratio.with(Goal::AtLeast(2.0)),
            _ => ratio,
        });
    }
    section
}

/// Returns the fastest candidate that does not need AVX-512.
fn best_kernel(candidates: &[Candidate]) -> Option<&Candidate> {
    let is_kernel = |candidate: &&Candidate| match candidate.implementation {
        Implementation::Helper(name) => KERNELS.iter().any(|(kernel, ..)| *kernel == name),
        Implementation::Hashlib => false,
    };
    let by_time = |a: &&Candidate, b: &&Candidate| median(&a.times).total_cmp(&median(&b.times));
    candidates.iter().filter(is_kernel).min_by(by_time)
}

#[cfg(test)]
mod tests {
    use super::super::report::goals;
    use super::*;

    #[test]
    fn without_avx512_the_fastest_kernel_is_compared() {
        let mut all = candidates();
        for candidate in &mut all {
            candidate.times = vec![if candidate.name.contains("AVX2") { 2.0 } else { 1.0 }];
        }
        assert_eq!(
            best_kernel(&all).unwrap().name,
            "`pbkdf2-lanes`, 4 at once with SHA instructions"
        );
        all.retain(|candidate| !candidate.name.contains("SHA"));
        assert_eq!(best_kernel(&all).unwrap().name, "`pbkdf2-lanes`, 8 at once with AVX2");
        assert!(best_kernel(&all[..1]).is_none());
    }

    #[test]
    fn a_single_hash_and_a_full_batch_have_goals() {
        let mut all = candidates();
        all.iter_mut().for_each(|candidate| candidate.times = vec![1.0]);
        let goals = goals(&[report(&all)]);
        assert_eq!(goals.matches("missed").count(), 3, "{goals}");
    }
}

//! `cargo xtask bench hash`: compares implementations of PBKDF2-HMAC-SHA256 on one core.

use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::report::{Goal, Row, Section};
use super::statistics::median;
use super::workbench::{ITERATIONS, Workbench};
use crate::workspace;

/// An implementation.
#[derive(Clone, Copy)]
enum Implementation {
    /// One that the helper runs, by the name that it has there.
    Helper(&'static str),
    Hashlib,
}

/// An implementation that is compared, with a number of passwords at once.
struct Candidate {
    implementation: Implementation,
    name: String,
    passwords: u32,
    /// Milliseconds per password.
    each: Vec<f64>,
}

/// Numbers of passwords that the server may hash at once.
const BATCHES: [u32; 5] = [1, 2, 4, 8, 16];

/// The code for processors without AVX-512: its name in the helper, its name in the report, and its
/// number of lanes.
const KERNELS: [(&str, &str, u32); 2] = [("shani4", "SHA instructions", 4), ("avx2", "AVX2", 8)];

pub(super) fn measure(bench: &Workbench) -> Result<Section> {
    let mut candidates = candidates();
    let mut absent = Vec::new();
    for _ in 0..bench.unless_quick(9, 3) {
        for candidate in &mut candidates {
            match candidate.seconds(bench)? {
                Some(seconds) => {
                    candidate.each.push(seconds * 1e3 / f64::from(candidate.passwords));
                }
                None => absent.push(candidate.name.clone()),
            }
        }
    }
    candidates.retain(|candidate| !candidate.each.is_empty());
    let mut section = report(&candidates);
    absent.dedup();
    for name in absent {
        section.note(format!("This machine has no {name}."));
    }
    Ok(section)
}

fn candidates() -> Vec<Candidate> {
    let candidate = |implementation, name, passwords| Candidate {
        implementation,
        name,
        passwords,
        each: Vec::new(),
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
            format!("`pbkdf2-lanes`, {lanes} in {name}"),
            lanes,
        ));
    }
    all
}

impl Candidate {
    /// Returns the time for all its passwords; `None` if this machine does not support it.
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
        result["seconds"].as_f64().map(Some).context("no seconds")
    }
}

fn hashlib() -> Result<Value> {
    let mut command = Command::new("python3");
    command.arg(workspace::root().join("xtask/src/bench/hash.py")).arg(ITERATIONS.to_string());
    let output = command.output().context("python3 could not be started")?;
    serde_json::from_slice(&output.stdout).context("the output of hash.py")
}

/// The first candidate must be the `pbkdf2` crate.
fn report(candidates: &[Candidate]) -> Section {
    let mut section = Section::new("hash");
    let reference = &candidates[0].each;
    for candidate in candidates {
        section.add(Row::new(format!("a hash: {}", candidate.name), "ms", &candidate.each));
    }
    let single = candidates
        .iter()
        .find(|candidate| matches!(candidate.implementation, Implementation::Helper("plan")));
    if let Some(single) = single {
        let ratio = Row::ratio("a single hash: time to the crate's", &single.each, reference);
        section.add(ratio.with(Goal::AtMost(0.8)));
    }
    let without_avx512 = best_kernel(candidates).map(|candidate| &candidate.name);
    for candidate in &candidates[1..] {
        let ratio = Row::ratio(
            format!("rate to the crate's: {}", candidate.name),
            reference,
            &candidate.each,
        );
        section.add(match (candidate.implementation, candidate.passwords) {
            (Implementation::Helper("plan"), 16) => ratio.with(Goal::AtLeast(3.8)),
            _ if Some(&candidate.name) == without_avx512 => ratio.with(Goal::AtLeast(2.0)),
            _ => ratio,
        });
    }
    section
}

/// Returns the fastest of those that do not need AVX-512.
fn best_kernel(candidates: &[Candidate]) -> Option<&Candidate> {
    let is_kernel = |candidate: &&Candidate| match candidate.implementation {
        Implementation::Helper(name) => KERNELS.iter().any(|(kernel, ..)| *kernel == name),
        Implementation::Hashlib => false,
    };
    let by_time = |a: &&Candidate, b: &&Candidate| median(&a.each).total_cmp(&median(&b.each));
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
            candidate.each = vec![if candidate.name.contains("AVX2") { 2.0 } else { 1.0 }];
        }
        assert_eq!(best_kernel(&all).unwrap().name, "`pbkdf2-lanes`, 4 in SHA instructions");
        all.retain(|candidate| !candidate.name.contains("SHA"));
        assert_eq!(best_kernel(&all).unwrap().name, "`pbkdf2-lanes`, 8 in AVX2");
        assert!(best_kernel(&all[..1]).is_none());
    }

    #[test]
    fn a_single_hash_and_a_full_batch_have_goals() {
        let mut all = candidates();
        all.iter_mut().for_each(|candidate| candidate.each = vec![1.0]);
        let goals = goals(&[report(&all)]);
        assert_eq!(goals.matches("missed").count(), 3, "{goals}");
    }
}

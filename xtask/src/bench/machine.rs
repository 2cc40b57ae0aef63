//! Describes the machine on which the figures were measured.

use std::fs;
use std::process::Command;
use std::thread;

use anyhow::Result;
use serde_json::{Value, json};

use super::workbench::Effort;
use super::{flask, load};

/// The properties of the machine, and its load before the first measurement.
pub(super) struct Machine {
    facts: Vec<(&'static str, String)>,
    load: f64,
    cores: usize,
}

/// The processor features that determine the speed of SHA-256.
const FLAGS: [&str; 4] = ["sha_ni", "avx2", "avx512f", "avx512vl"];

impl Machine {
    pub(super) fn detect(effort: &Effort) -> Result<Self> {
        let cores = thread::available_parallelism()?.get();
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let facts = vec![
            ("processor", field(&cpu, "model name").to_owned()),
            ("cores", cores.to_string()),
            ("instructions", known_flags(field(&cpu, "flags"))),
            ("kernel", kernel.trim().to_owned()),
            ("Rust", output_of("rustc", &["--version"])),
            ("Python", output_of("python3", &["--version"])),
            ("Python packages", flask::REQUIREMENTS.trim().replace('\n', ", ")),
            ("wrk", load::version().unwrap_or_default()),
            ("rounds", if effort.quick { "few and short" } else { "all" }.to_owned()),
            ("load average before the run", load.split(' ').next().unwrap_or_default().to_owned()),
        ];
        let load = load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0);
        Ok(Self { facts, load, cores })
    }

    /// Returns a warning if other work may have distorted the figures.
    pub(super) fn warning(&self) -> Option<String> {
        (self.load > 0.5 * self.cores as f64).then(|| {
            format!(
                "**The machine was busy with other work (a load of {} on {} cores): these figures \
                 are\nnot reliable.**",
                self.load, self.cores
            )
        })
    }

    pub(super) fn json(&self) -> Value {
        let mut value: Value =
            self.facts.iter().map(|(name, fact)| (name.to_string(), json!(fact))).collect();
        value["busy"] = json!(self.warning().is_some());
        value
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = "| | |\n|---|---|\n".to_owned();
        for (name, fact) in &self.facts {
            text.push_str(&format!("| {name} | {fact} |\n"));
        }
        if let Some(warning) = self.warning() {
            text.push_str(&format!("\n{warning}\n"));
        }
        text
    }
}

/// Returns the first value of a field in `/proc/cpuinfo`.
fn field<'a>(cpuinfo: &'a str, name: &str) -> &'a str {
    let pairs = cpuinfo.lines().filter_map(|line| line.split_once(':'));
    let mut values = pairs.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim());
    values.next().unwrap_or_default()
}

fn known_flags(all: &str) -> String {
    let has = |flag: &&&str| all.split(' ').any(|one| one == **flag);
    FLAGS.iter().filter(has).copied().collect::<Vec<_>>().join(", ")
}

fn output_of(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    let text = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&text).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CPUINFO: &str = "processor\t: 0\nmodel name\t: A Processor @ 2.6 GHz\n\
                           flags\t\t: sse2 sha_ni avx2x avx512f\n\nprocessor\t: 1\n";

    #[test]
    fn processor_flags_are_whole_words() {
        assert_eq!(field(CPUINFO, "model name"), "A Processor @ 2.6 GHz");
        assert_eq!(known_flags(field(CPUINFO, "flags")), "sha_ni, avx512f");
        assert_eq!(field(CPUINFO, "model"), "");
    }

    #[test]
    fn a_busy_machine_causes_a_warning() {
        let machine = |load| Machine { facts: Vec::new(), load, cores: 2 };
        assert_eq!(machine(1.0).warning(), None);
        assert!(machine(1.1).warning().is_some());
        assert!(machine(1.1).markdown().contains("of 1.1 on 2 cores"));
        assert_eq!(machine(1.1).json()["busy"], true);
    }
}

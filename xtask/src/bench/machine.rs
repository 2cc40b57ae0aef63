//! Where it was measured.

use std::fs;
use std::process::Command;
use std::thread;

use anyhow::Result;
use serde_json::{Value, json};

use super::workbench::Effort;
use super::{flask, load};

/// What the machine is, and how busy it was before the first measurement.
pub(super) struct Machine {
    facts: Vec<(&'static str, String)>,
    load: f64,
    cores: usize,
}

/// What decides how fast SHA-256 is.
const FLAGS: [&str; 4] = ["sha_ni", "avx2", "avx512f", "avx512vl"];

impl Machine {
    pub(super) fn look(effort: &Effort) -> Result<Self> {
        let cores = thread::available_parallelism()?.get();
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let facts = vec![
            ("processor", field(&cpu, "model name").to_owned()),
            ("cores", cores.to_string()),
            ("instructions", flags(field(&cpu, "flags"))),
            ("kernel", kernel.trim().to_owned()),
            ("Rust", said_by("rustc", &["--version"])),
            ("Python", said_by("python3", &["--version"])),
            ("Python packages", flask::REQUIREMENTS.trim().replace('\n', ", ")),
            ("wrk", load::version().unwrap_or_default()),
            ("rounds", if effort.quick { "few and short" } else { "all" }.to_owned()),
            ("load average before", load.split(' ').next().unwrap_or_default().to_owned()),
        ];
        let load = load.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(0.0);
        Ok(Self { facts, load, cores })
    }

    /// Said if the figures may be those of something else that runs.
    pub(super) fn warning(&self) -> Option<String> {
        (self.load > 0.5 * self.cores as f64).then(|| {
            format!(
                "**The machine was busy with something else (a load of {} on {} cores): \
                 these figures say little.**",
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

/// The first value of that name in `/proc/cpuinfo`.
fn field<'a>(cpuinfo: &'a str, name: &str) -> &'a str {
    let pairs = cpuinfo.lines().filter_map(|line| line.split_once(':'));
    let mut values = pairs.filter(|(key, _)| key.trim() == name).map(|(_, value)| value.trim());
    values.next().unwrap_or_default()
}

fn flags(all: &str) -> String {
    let has = |flag: &&&str| all.split(' ').any(|one| one == **flag);
    FLAGS.iter().filter(has).copied().collect::<Vec<_>>().join(", ")
}

fn said_by(program: &str, args: &[&str]) -> String {
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
    fn what_the_processor_can_do_is_told_by_whole_words() {
        assert_eq!(field(CPUINFO, "model name"), "A Processor @ 2.6 GHz");
        assert_eq!(flags(field(CPUINFO, "flags")), "sha_ni, avx512f");
        assert_eq!(field(CPUINFO, "model"), "");
    }

    #[test]
    fn a_busy_machine_is_warned_of() {
        let machine = |load| Machine { facts: Vec::new(), load, cores: 2 };
        assert_eq!(machine(1.0).warning(), None);
        assert!(machine(1.1).warning().is_some());
        assert!(machine(1.1).markdown().contains("of 1.1 on 2 cores"));
        assert_eq!(machine(1.1).json()["busy"], true);
    }
}

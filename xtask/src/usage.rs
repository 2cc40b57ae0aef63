//! Reads the processor time and memory of processes from `/proc` on Linux.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};

/// Returns the seconds of processor time that a process and its children have used.
pub(crate) fn cpu_seconds(process: u32) -> Result<f64> {
    let mut ticks = 0;
    for entry in fs::read_dir("/proc")? {
        let Ok(id) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
        // A process that has just ended is skipped.
        let Ok(text) = fs::read_to_string(format!("/proc/{id}/stat")) else { continue };
        let stat =
            Stat::parse(&text).with_context(|| format!("/proc/{id}/stat cannot be parsed"))?;
        if id == process || stat.parent == process {
            ticks += stat.ticks;
        }
    }
    Ok(ticks as f64 / ticks_per_second()?)
}

/// Returns the resident memory of a process, in KiB.
pub(crate) fn resident_kib(process: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    parse_resident(&status).context("/proc/PID/status has no VmRSS")
}

fn parse_resident(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn ticks_per_second() -> Result<f64> {
    let output =
        Command::new("getconf").arg("CLK_TCK").output().context("getconf could not be started")?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// The fields of `/proc/PID/stat` that are used (proc(5)).
struct Stat {
    parent: u32,
    /// Clock ticks in user mode and in the kernel.
    ticks: u64,
}

impl Stat {
    /// Parses the content of `/proc/PID/stat`. Splits it after the last parenthesis, because the
    /// process name is in parentheses and may itself contain parentheses.
    fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<_> = rest.split_whitespace().collect();
        let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
        Some(Self { parent: fields.get(1)?.parse().ok()?, ticks: number(11)? + number(12)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_name_may_contain_parentheses() {
        let text = "18604 (a) R 7 (b c) S 18598 18604 18597 0 -1 4194560 2671 0 0 0 31 4 900 90 \
                    20 0 1 0 127 0 0";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.parent, stat.ticks), (18598, 35));
    }

    #[test]
    fn resident_memory_is_vm_rss() {
        let status = "Name:\tlatchkey\nVmPeak:\t  150000 kB\nVmRSS:\t   13312 kB\n";
        assert_eq!(parse_resident(status), Some(13_312.0));
    }
}

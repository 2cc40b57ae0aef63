//! What processes use of the machine, as Linux tells it in `/proc`.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result};

/// Seconds of processor time that a process and its children have used until now.
pub(crate) fn cpu_seconds(process: u32) -> Result<f64> {
    let mut ticks = 0;
    for entry in fs::read_dir("/proc")? {
        let Ok(id) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
        // One that has just ended is none of ours.
        let Ok(text) = fs::read_to_string(format!("/proc/{id}/stat")) else { continue };
        let stat = Stat::parse(&text).with_context(|| format!("/proc/{id}/stat"))?;
        if id == process || stat.parent == process {
            ticks += stat.ticks;
        }
    }
    Ok(ticks as f64 / ticks_per_second()?)
}

/// Kilobytes (of 1,024 bytes) of a process that are in memory.
pub(crate) fn resident_kib(process: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    resident(&status).context("/proc/PID/status has no VmRSS")
}

fn resident(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn ticks_per_second() -> Result<f64> {
    let output = Command::new("getconf").arg("CLK_TCK").output().context("getconf")?;
    Ok(String::from_utf8(output.stdout)?.trim().parse()?)
}

/// What is needed of `/proc/PID/stat` (proc(5)).
struct Stat {
    parent: u32,
    /// In user mode and in the kernel.
    ticks: u64,
}

impl Stat {
    /// The name is in brackets, and may have any in it.
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
    fn a_name_may_look_like_anything() {
        let text = "18604 (a) R 7 (b c) S 18598 18604 18597 0 -1 4194560 2671 0 0 0 31 4 900 90 \
                    20 0 1 0 127 0 0";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.parent, stat.ticks), (18598, 35));
    }

    #[test]
    fn memory_that_is_there_is_not_what_was_asked_for() {
        let status = "Name:\tlatchkey\nVmPeak:\t  150000 kB\nVmRSS:\t   13312 kB\n";
        assert_eq!(resident(status), Some(13_312.0));
    }
}

//! `cargo xtask bench hash`: PBKDF2-HMAC-SHA256 on one core, in several ways.

use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::report::{Row, Section};
use super::workbench::{ITERATIONS, Workbench};
use crate::workspace;

pub(super) fn measure(bench: &Workbench) -> Result<Section> {
    let (mut reference, mut python) = (Vec::new(), Vec::new());
    for _ in 0..bench.unless_quick(11, 3) {
        reference.push(seconds(&bench.measure(&["hash", "crate"])?)? * 1e3);
        python.push(hashlib()? * 1e3);
    }
    let mut section = Section::new("hash");
    section.add(Row::new("the `pbkdf2` crate", "ms", &reference));
    section.add(Row::new("Python's hashlib", "ms", &python));
    section.add(Row::ratio("hashlib's time to the crate's", &python, &reference));
    Ok(section)
}

fn hashlib() -> Result<f64> {
    let mut command = Command::new("python3");
    command.arg(workspace::root().join("xtask/src/bench/hash.py")).arg(ITERATIONS.to_string());
    let output = command.output().context("python3 could not be started")?;
    seconds(&serde_json::from_slice(&output.stdout).context("hash.py's answer")?)
}

fn seconds(value: &Value) -> Result<f64> {
    value["seconds"].as_f64().context("no seconds")
}

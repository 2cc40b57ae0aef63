//! Checks the systemd unit with `systemd-analyze`.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::{copy_with, run_quietly};
use crate::apt::Requirement;
use crate::process::succeeds;

const SYSTEMD: Requirement = Requirement { name: "systemd-analyze", packages: &["systemd"] };

/// Options of `systemd-analyze` that the check needs. Versions before 250 reject them.
const OPTIONS: [&str; 4] =
    ["--recursive-errors=no", "--offline=yes", "--threshold=15", "--version"];

/// The highest exposure that the unit may have, in tenths: `systemd-analyze security` rates units
/// from 0 (isolated) to 10.
const MAX_EXPOSURE: &str = "15";

/// Replacements in the unit, so that the server need not be installed on this machine.
pub(super) const REPLACEMENTS: [(&str, &str); 1] =
    [("ExecStart=/usr/local/bin/latchkey ", "ExecStart=/bin/true ")];

/// Checks that every setting is known and valid, and that the sandbox is strict.
pub(super) fn check(file: &Path) -> Result<()> {
    SYSTEMD.ensure(
        || succeeds(Command::new("systemd-analyze").args(OPTIONS)),
        "systemd-analyze is missing or too old: run this step on Linux with systemd 250 or later \
         (on Debian `apt-get install systemd`)",
    )?;
    let directory = tempfile::tempdir()?;
    let unit = directory.path().join("latchkey.service");
    copy_with(file, &unit, &REPLACEMENTS)?;
    // Without `--recursive-errors`, the exit status is 0 even if a setting is unknown or invalid.
    let verify = ["verify", "--man=no", "--recursive-errors=no"];
    run_quietly(Command::new("systemd-analyze").args(verify).arg(&unit))?;
    let threshold = format!("--threshold={MAX_EXPOSURE}");
    let rate = ["security", "--no-pager", "--offline=yes", &threshold];
    run_quietly(Command::new("systemd-analyze").args(rate).arg(&unit))
}

//! Programs from npm.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::apt;
use crate::process::{run_aside, succeeds};

/// Makes sure that there are Node.js, of a version that is still looked after, and npm.
pub(crate) fn find_or_install() -> Result<()> {
    let is_there = || {
        let version = "process.exit(Number(process.versions.node.split(\".\")[0]) < 18 ? 1 : 0)";
        succeeds(Command::new("node").args(["-e", version]))
            && succeeds(Command::new("npm").arg("--version"))
    };
    let install = || apt::can_install() && apt::install("Node.js", &["nodejs", "npm"]).is_ok();
    if is_there() || (install() && is_there()) {
        return Ok(());
    }
    bail!(
        "there is no Node.js 18 or later with npm: install both (on Debian `apt-get install nodejs npm`)"
    )
}

/// Installs what the `package-lock.json` in a folder lists, and nothing else.
pub(crate) fn install(folder: &Path) -> Result<()> {
    let quiet = ["ci", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"];
    run_aside(Command::new("npm").args(quiet).current_dir(folder))
}

/// One of the programs that are installed in a folder.
pub(crate) fn program(folder: &Path, name: &str) -> Command {
    let mut command = Command::new(folder.join("node_modules/.bin").join(name));
    command.current_dir(folder);
    command
}

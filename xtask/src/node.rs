//! Installs and runs programs from npm.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::apt::Requirement;
use crate::process::{run_to_stderr, succeeds};

const NODE: Requirement = Requirement { name: "Node.js", packages: &["nodejs", "npm"] };

/// A script that exits with 1 if the version is too old.
const CHECK_VERSION: &str =
    "process.exit(Number(process.versions.node.split(\".\")[0]) < 18 ? 1 : 0)";

/// Finds or installs Node.js and npm.
pub(crate) fn find_or_install() -> Result<()> {
    let is_installed = || {
        succeeds(Command::new("node").args(["-e", CHECK_VERSION]))
            && succeeds(Command::new("npm").arg("--version"))
    };
    NODE.ensure(
        is_installed,
        "Node.js 18 or later with npm is missing: install both (on Debian \
         `apt-get install nodejs npm`)",
    )
}

/// Installs exactly the packages that the `package-lock.json` in a directory lists.
pub(crate) fn install(directory: &Path) -> Result<()> {
    let quiet = ["ci", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"];
    run_to_stderr(Command::new("npm").args(quiet).current_dir(directory))
}

/// Returns a command for one of the programs that are installed in a directory.
pub(crate) fn program(directory: &Path, name: &str) -> Command {
    let mut command = Command::new(directory.join("node_modules/.bin").join(name));
    command.current_dir(directory);
    command
}

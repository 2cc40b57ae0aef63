//! Debian's packages, where they can be installed without asking anybody.

use std::process::Command;

use anyhow::Result;

use crate::process::{run_aside, step, succeeds};

/// Only root on a system with apt: anything else is for its owner to decide.
pub(crate) fn can_install() -> bool {
    is_root() && succeeds(Command::new("apt-get").arg("--version"))
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

/// Installs packages; `what` says in words what they bring.
pub(crate) fn install(what: &str, packages: &[&str]) -> Result<()> {
    let apt_get = |args: &[&str], packages: &[&str]| {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet");
        run_aside(command.args(args).args(packages))
    };
    step(&format!("installing {what}"), || {
        apt_get(&["update"], &[])?;
        apt_get(&["install", "--yes", "--no-install-recommends"], packages)
    })
}

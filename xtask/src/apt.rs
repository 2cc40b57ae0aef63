//! Installs missing programs from Debian packages.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process::{run_to_stderr, step, succeeds};

/// A program that a command needs.
pub(crate) struct Requirement {
    /// A description of the program.
    pub(crate) name: &'static str,
    /// The Debian packages that contain the program.
    pub(crate) packages: &'static [&'static str],
}

impl Requirement {
    /// Installs the packages if the program is missing and this process may install them.
    ///
    /// # Errors
    ///
    /// Returns `help` as the error if the program is still missing. `help` should say how to
    /// install the program.
    pub(crate) fn ensure(&self, is_installed: impl Fn() -> bool, help: &str) -> Result<()> {
        if is_installed() {
            return Ok(());
        }
        if can_install() {
            let installed = step(&format!("installing {}", self.name), || self.install());
            if installed.is_ok() && is_installed() {
                return Ok(());
            }
        }
        bail!("{help}")
    }

    fn install(&self) -> Result<()> {
        run_to_stderr(apt_get().arg("update"))?;
        let install = ["install", "--yes", "--no-install-recommends"];
        run_to_stderr(apt_get().args(install).args(self.packages))
    }
}

/// Downloads a Debian package and unpacks its files into a directory, without installing it. Only
/// its files are used: its scripts do not run, and no service is started.
pub(crate) fn unpack(package: &str, directory: &Path) -> Result<()> {
    let downloads = tempfile::tempdir()?;
    let download =
        || run_to_stderr(apt_get().current_dir(downloads.path()).args(["download", package]));
    let downloaded = download();
    if downloaded.is_err() && can_install() {
        // The package lists may be missing or too old.
        run_to_stderr(apt_get().arg("update"))?;
        download()?;
    } else {
        downloaded?;
    }
    for file in fs::read_dir(downloads.path())? {
        let mut unpack = Command::new("dpkg-deb");
        run_to_stderr(unpack.arg("--extract").arg(file?.path()).arg(directory))?;
    }
    Ok(())
}

/// Returns whether this process may install packages: only as root, on a system with apt.
/// Otherwise, the user has to install them.
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

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installed_program_is_not_installed_again() {
        let nothing = Requirement { name: "nothing", packages: &["no-such-package"] };
        nothing.ensure(|| true, "help").unwrap();
    }
}

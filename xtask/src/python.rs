//! Installs programs from PyPI, in virtual environments below `target`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::apt::Requirement;
use crate::process::{run_to_stderr, step, succeeds};
use crate::workspace;

const VENV: Requirement = Requirement { name: "Python", packages: &["python3-venv"] };

/// Returns the path of the environment `target/NAME`. Installs the packages listed in
/// `requirements` there if necessary.
pub(crate) fn environment(name: &str, requirements: &Path) -> Result<PathBuf> {
    let environment = workspace::target_dir()?.join(name);
    let required = fs::read_to_string(workspace::root().join(requirements))?;
    let installed = fs::read_to_string(environment.join("installed")).ok();
    if installed.as_deref() == Some(&*required)
        && succeeds(Command::new(environment.join("bin/python")).arg("--version"))
    {
        return Ok(environment);
    }
    step(&format!("installing {}", requirements.display()), || {
        install(&environment, requirements)?;
        Ok(fs::write(environment.join("installed"), required)?)
    })?;
    Ok(environment)
}

fn install(environment: &Path, requirements: &Path) -> Result<()> {
    VENV.ensure(
        || succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"])),
        "Python 3 or its module `venv` is missing: install both \
         (on Debian `apt-get install python3-venv`)",
    )?;
    run_to_stderr(Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment))?;
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    run_to_stderr(pip.arg(workspace::root().join(requirements)))
}

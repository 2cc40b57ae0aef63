//! Programs from PyPI, each in an environment of its own below `target`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::process::{run_aside, step, succeeds};
use crate::{apt, workspace};

/// The environment `target/NAME` with what `requirements` lists, which is installed if it is not
/// there.
pub(crate) fn environment(name: &str, requirements: &Path) -> Result<PathBuf> {
    let environment = workspace::target_dir()?.join(name);
    let wanted = fs::read_to_string(workspace::root().join(requirements))?;
    let installed = fs::read_to_string(environment.join("installed")).ok();
    if installed.as_deref() == Some(&*wanted)
        && succeeds(Command::new(environment.join("bin/python")).arg("--version"))
    {
        return Ok(environment);
    }
    step(&format!("installing {}", requirements.display()), || {
        install(&environment, requirements)?;
        Ok(fs::write(environment.join("installed"), wanted)?)
    })?;
    Ok(environment)
}

fn install(environment: &Path, requirements: &Path) -> Result<()> {
    let can_make = || succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"]));
    let install = || apt::can_install() && apt::install("Python", &["python3-venv"]).is_ok();
    if !(can_make() || install() && can_make()) {
        bail!(
            "there is no Python that can make environments: install it \
             (on Debian `apt-get install python3-venv`)"
        );
    }
    run_aside(Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment))?;
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    run_aside(pip.arg(workspace::root().join(requirements)))
}

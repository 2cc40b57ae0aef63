//! Installs axe-core, with which the end-to-end tests check the accessibility of the pages. Nothing
//! that is built contains it.

use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use crate::process::step;
use crate::{node, workspace};

/// Installs axe-core and returns the path of its script.
pub(crate) fn install() -> Result<PathBuf> {
    node::find_or_install()?;
    let directory = workspace::target_dir()?.join("axe");
    fs::create_dir_all(&directory)?;
    for name in ["package.json", "package-lock.json"] {
        fs::copy(source(name), directory.join(name))?;
    }
    step("installing axe-core", || node::install(&directory))?;
    Ok(directory.join("node_modules/axe-core/axe.min.js"))
}

fn source(name: &str) -> PathBuf {
    workspace::root().join("xtask/src/axe").join(name)
}

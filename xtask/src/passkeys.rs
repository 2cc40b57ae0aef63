//! `cargo xtask ci passkeys`: compares the verification of passkeys with another implementation.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::process::{cargo, run, step};
use crate::{node, setup, workspace};

const EXAMPLE: &str = "altered_passkeys";

/// Verifies altered registrations and assertions with `auth-core` and with
/// `@simplewebauthn/server`, and fails if the verdicts differ where they should not.
pub(crate) fn check() -> Result<()> {
    setup::c_compiler()?;
    node::find_or_install()?;
    let directory = workspace::target_dir()?.join("passkeys");
    fs::create_dir_all(&directory)?;
    for name in ["compare.mjs", "package.json", "package-lock.json"] {
        fs::copy(source(name), directory.join(name))?;
    }
    node::install(&directory)?;
    let verdicts = directory.join("verdicts.jsonl");
    step("verifying altered passkeys", || {
        // Builds the whole workspace with all features, as `test` does, so that nothing is
        // recompiled.
        run(&mut cargo(["build", "--workspace", "--all-features", "--example", EXAMPLE]))?;
        let program = workspace::target_dir()?.join("debug/examples").join(EXAMPLE);
        let file = File::create(&verdicts)
            .with_context(|| format!("{} could not be created", verdicts.display()))?;
        run(Command::new(program).stdout(Stdio::from(file)))
    })?;
    step("comparing the verdicts", || {
        run(Command::new("node").current_dir(&directory).arg("compare.mjs").arg(&verdicts))
    })
}

fn source(name: &str) -> PathBuf {
    workspace::root().join("xtask/src/passkeys").join(name)
}

//! Packages the library crates, and checks each package as a dependency of another project would
//! use it: outside the workspace, and with its default features.
//!
//! `cargo package` itself can verify packages, but compiles all dependencies again for that.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::process::{cargo, run};
use crate::public_api::LIBRARIES;
use crate::web::reload::OpenPages;
use crate::{setup, web, workspace};

pub(super) fn check() -> Result<()> {
    setup::c_compiler()?;
    // The package of `pages` contains them.
    web::build(OpenPages::Stay)?;
    let target = workspace::target_dir()?;
    let packages = LIBRARIES.iter().flat_map(|name| ["--package", name]);
    run(cargo(["package", "--allow-dirty", "--no-verify", "--quiet"]).args(packages))?;

    let directory = target.join("packages");
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir(&directory)?;
    for name in LIBRARIES {
        let package = target.join("package").join(folder(name) + ".crate");
        // With the time of the extraction, or cargo would take every file for an unchanged one: all
        // files in a package have the same time in the past.
        run(Command::new("tar").arg("-xzmf").arg(package).arg("-C").arg(&directory))?;
    }
    if !directory.join(folder("pages")).join("dist/index.html").exists() {
        bail!("the package of `pages` does not contain the built pages");
    }
    fs::write(directory.join("Cargo.toml"), manifest()?)?;
    fs::copy(workspace::root().join("Cargo.lock"), directory.join("Cargo.lock"))?;
    // One at a time, so that no package needs a feature that another one enables.
    for name in LIBRARIES {
        run(cargo(["check", "--quiet", "--package", name])
            .current_dir(&directory)
            .env("CARGO_TARGET_DIR", &target))?;
    }
    Ok(())
}

/// Returns the manifest of a workspace of the packages, which depend on each other. Its profiles
/// are those of this workspace, so that dependencies are not compiled again.
fn manifest() -> Result<String> {
    let own = fs::read_to_string(workspace::root().join("Cargo.toml"))?;
    let profiles = own.find("\n[profile").context("Cargo.toml has no profiles")?;
    let patches = LIBRARIES.map(|name| format!("{name} = {{ path = {:?} }}\n", folder(name)));
    Ok(format!(
        "[workspace]\nresolver = \"3\"\nmembers = [\"*\"]\n\n[patch.crates-io]\n{}{}",
        patches.concat(),
        &own[profiles..],
    ))
}

/// Returns the folder in the package of a crate.
fn folder(name: &str) -> String {
    format!("{name}-{}", env!("CARGO_PKG_VERSION"))
}

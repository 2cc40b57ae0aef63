//! `cargo xtask public-api`: what the crates offer to others, item by item, so that nobody changes
//! it unawares. It is kept in `public-api.txt` beside each `Cargo.toml`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use public_api::Builder;

use crate::process::{cargo, run_aside};
use crate::workspace;

/// The crates that others depend on.
pub(crate) const LIBRARIES: [&str; 6] =
    ["accounts", "api", "api-types", "auth-core", "pbkdf2-lanes", "user-store"];

/// Writes down what there is.
pub(crate) fn update() -> Result<()> {
    for (path, listed) in list()? {
        fs::write(&path, listed)?;
    }
    Ok(())
}

/// Whether what there is has been written down.
pub(crate) fn check() -> Result<()> {
    let mut changed = Vec::new();
    for (path, listed) in list()? {
        let written = fs::read_to_string(&path).unwrap_or_default();
        changed.extend(
            differences(&written, &listed).map(|line| format!("{}: {line}", path.display())),
        );
    }
    if !changed.is_empty() {
        bail!(
            "the public API is not what is written down:\n{}\nif that is meant, run `cargo xtask public-api`, \
             and tell docs/CHANGELOG.md",
            changed.join("\n")
        );
    }
    Ok(())
}

/// The lines that only one of the two has.
fn differences(before: &str, after: &str) -> impl Iterator<Item = String> {
    let only = |sign: char, these: &str, those: &str| {
        let those: Vec<_> = those.lines().collect();
        let these = these.lines().filter(|line| !those.contains(line));
        these.map(|line| format!("{sign} {line}")).collect::<Vec<_>>()
    };
    only('-', before, after).into_iter().chain(only('+', after, before))
}

/// Where each crate's list is kept, and the list.
fn list() -> Result<Vec<(PathBuf, String)>> {
    let folder = workspace::target_dir()?.join("public-api");
    fs::create_dir_all(&folder)?;
    // The form that is read here is not stable: this rustdoc is told to write it all the same. The
    // compiler is not told, or everything would be compiled anew.
    let rustdoc = folder.join("rustdoc");
    fs::write(&rustdoc, "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc \"$@\"\n")?;
    make_executable(&rustdoc)?;
    let mut doc = cargo(["doc", "--workspace", "--no-deps", "--all-features", "--quiet"]);
    doc.env("RUSTDOC", &rustdoc);
    run_aside(
        doc.env("RUSTDOCFLAGS", "-Z unstable-options --output-format json --cap-lints warn"),
    )?;
    let crates = workspace::root().join("crates");
    LIBRARIES
        .iter()
        .map(|name| {
            let json = workspace::target_dir()?.join("doc").join(name.replace('-', "_") + ".json");
            Ok((crates.join(name).join("public-api.txt"), items(&json)?))
        })
        .collect()
}

fn items(json: &Path) -> Result<String> {
    let api = Builder::from_rustdoc_json(json)
        .omit_blanket_impls(true)
        .omit_auto_trait_impls(true)
        .omit_auto_derived_impls(true)
        .build()
        .with_context(|| format!("{} cannot be read", json.display()))?;
    Ok(api.items().map(|item| format!("{item}\n")).collect())
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> Result<()> {
    bail!("the public API is listed on Unix alone")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_gone_and_what_has_come_is_named() {
        let found: Vec<_> = differences("a\nb\n", "b\nc\n").collect();
        assert_eq!(found, ["- a", "+ c"]);
        assert_eq!(differences("a\n", "a\n").count(), 0);
    }
}

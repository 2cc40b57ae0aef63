//! `cargo xtask public-api`: lists the public items of the library crates.
//!
//! The list of each crate is committed as `public-api.txt` next to its `Cargo.toml`, so that a
//! change to the API is visible in review.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use public_api::Builder;

use crate::process::{cargo, run_to_stderr};
use crate::workspace;

/// The library crates, which have a public API.
pub(crate) const LIBRARIES: [&str; 8] =
    ["accounts", "api", "api-types", "auth-core", "mail", "pages", "pbkdf2-lanes", "user-store"];

/// Writes the lists.
pub(crate) fn update() -> Result<()> {
    for (path, listed) in list()? {
        fs::write(&path, listed)?;
    }
    Ok(())
}

/// Fails if a committed list is out of date.
pub(crate) fn check() -> Result<()> {
    let mut changed = Vec::new();
    for (path, listed) in list()? {
        let committed = fs::read_to_string(&path).unwrap_or_default();
        changed.extend(
            differences(&committed, &listed).map(|line| format!("{}: {line}", path.display())),
        );
    }
    if !changed.is_empty() {
        bail!(
            "the public API differs from public-api.txt:\n{}\nif that is intended, run \
             `cargo xtask public-api` and note the change in docs/CHANGELOG.md",
            changed.join("\n")
        );
    }
    Ok(())
}

/// Returns the lines that occur only in `before` or only in `after`.
fn differences(before: &str, after: &str) -> impl Iterator<Item = String> {
    let only = |sign: char, these: &str, those: &str| {
        let those: Vec<_> = those.lines().collect();
        let these = these.lines().filter(|line| !those.contains(line));
        these.map(|line| format!("{sign} {line}")).collect::<Vec<_>>()
    };
    only('-', before, after).into_iter().chain(only('+', after, before))
}

/// Generates the list of each library crate. Returns the path and the content of each list.
fn list() -> Result<Vec<(PathBuf, String)>> {
    let directory = workspace::target_dir()?.join("public-api");
    fs::create_dir_all(&directory)?;
    // The JSON format is unstable, so this wrapper enables unstable options. It does so for rustdoc
    // only, because setting the variable for rustc too would recompile everything.
    let rustdoc = directory.join("rustdoc");
    fs::write(&rustdoc, "#!/bin/sh\nRUSTC_BOOTSTRAP=1 exec rustdoc \"$@\"\n")?;
    make_executable(&rustdoc)?;
    let mut doc = cargo(["doc", "--workspace", "--no-deps", "--all-features", "--quiet"]);
    doc.env("RUSTDOC", &rustdoc);
    run_to_stderr(
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
    bail!("the public API can only be listed on Unix")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removed_and_added_items_are_named() {
        let found: Vec<_> = differences("a\nb\n", "b\nc\n").collect();
        assert_eq!(found, ["- a", "+ c"]);
        assert_eq!(differences("a\n", "a\n").count(), 0);
    }
}

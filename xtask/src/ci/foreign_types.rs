//! Checks the table of crates whose types occur in the public API of the libraries.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use cargo_metadata::semver::Version;

use crate::public_api::{LIBRARIES, folder};
use crate::workspace;

const PAGE: &str = "docs/embedding/other-crates.md";

/// The page that says how to install the wasm-bindgen CLI.
const BROWSER_PAGE: &str = "docs/embedding/browser.md";

const STANDARD: [&str; 3] = ["alloc", "core", "std"];

/// Crates that are parts of others, which export their items again.
const PARTS: [(&str, &str); 2] = [("axum_core", "axum"), ("serde_core", "serde")];

/// Fails unless the page has exactly one row for each crate, with its version and the libraries in
/// whose public API its types occur. Each row ends with a column in the author's own words.
pub(super) fn check(root: &Path) -> Result<()> {
    let mut libraries_of: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for library in LIBRARIES {
        let list = root.join("crates").join(folder(library)).join("public-api.txt");
        // A missing list is reported by the check of the public API.
        let list = fs::read_to_string(list).unwrap_or_default();
        for name in foreign_crates(&list) {
            libraries_of.entry(name).or_default().insert(library);
        }
    }
    let versions = versions()?;
    let mut expected = Vec::new();
    for (name, libraries) in &libraries_of {
        let version = versions.get(name).with_context(|| format!("no package is named {name}"))?;
        expected.push(row(name, version, libraries));
    }
    let wasm_bindgen = versions.get("wasm_bindgen").context("no package is named wasm_bindgen")?;
    let cli = format!("cargo install wasm-bindgen-cli --version {wasm_bindgen} --locked\n");
    if !fs::read_to_string(root.join(BROWSER_PAGE))?.contains(&cli) {
        bail!("{BROWSER_PAGE} must install the version of the workspace: {cli}");
    }
    let page = fs::read_to_string(root.join(PAGE))?;
    let problems = problems(&page, &expected);
    if !problems.is_empty() {
        bail!("{PAGE} does not match the public API:\n{}", problems.join("\n"));
    }
    Ok(())
}

/// Returns the crates that a list of public items names, except the libraries and the standard
/// library.
fn foreign_crates(list: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let is_in_path = |character: char| {
        character.is_ascii_alphanumeric() || matches!(character, '_' | ':' | '\'')
    };
    for path in list.split(|character| !is_in_path(character)) {
        let Some((first, _)) = path.split_once("::") else { continue };
        let name = PARTS.iter().find(|(part, _)| *part == first).map_or(first, |(_, whole)| whole);
        let is_library = LIBRARIES.iter().any(|library| library.replace('-', "_") == name);
        // Names of types begin with upper case.
        let is_crate = name.starts_with(|first: char| first.is_ascii_lowercase());
        if is_crate && !is_library && !STANDARD.contains(&name) {
            found.insert(name.to_owned());
        }
    }
    found
}

/// Returns the newest version of each package of the workspace's dependencies, by crate name.
fn versions() -> Result<BTreeMap<String, Version>> {
    let mut versions: BTreeMap<String, Version> = BTreeMap::new();
    for package in workspace::metadata_command().exec()?.packages {
        let newest =
            versions.entry(package.name.replace('-', "_")).or_insert(Version::new(0, 0, 0));
        *newest = package.version.max(newest.clone());
    }
    Ok(versions)
}

/// Returns the beginning of the row of a crate.
fn row(name: &str, version: &Version, libraries: &BTreeSet<&str>) -> String {
    let version = match version.major {
        0 => format!("0.{}", version.minor),
        major => major.to_string(),
    };
    let libraries: Vec<_> = libraries.iter().map(|library| format!("`{library}`")).collect();
    format!("| `{name}` | {version} | {} |", libraries.join(", "))
}

/// Compares the rows of the last table of the page with the expected ones.
fn problems(page: &str, expected: &[String]) -> Vec<String> {
    let (_, table) = page.rsplit_once("|---|").unwrap_or_default();
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| `")).collect();
    let missing = expected.iter().filter(|row| !rows.iter().any(|line| line.starts_with(&***row)));
    let outdated = rows.iter().filter(|line| !expected.iter().any(|row| line.starts_with(&**row)));
    let missing = missing.map(|row| format!("add: {row} …"));
    missing.chain(outdated.map(|row| format!("remove: {row}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_are_found_in_paths_of_other_crates() {
        let list = "pub fn api::f(&self, jiff::timestamp::Timestamp) -> core::result::Result<(), \
                    serde_core::de::Error>\npub fn auth_core::x::g<'a>(&'a [uuid::Uuid]) -> Self::Error\n";
        assert_eq!(foreign_crates(list).into_iter().collect::<Vec<_>>(), ["jiff", "serde", "uuid"]);
    }

    #[test]
    fn each_crate_needs_exactly_its_row() {
        let expected = [
            row("jiff", &Version::new(1, 2, 3), &BTreeSet::from(["api", "mail"])),
            row("warp", &Version::new(0, 4, 3), &BTreeSet::from(["api"])),
        ];
        let jiff = "| `jiff` | 1 | `api`, `mail` | times |\n";
        let header = "| crate | version | in | for |\n|---|---|---|---|\n";
        let page =
            format!("| `another` table |\n{header}{jiff}| `warp` | 0.4 | `api` | filters |\n");
        assert!(problems(&page, &expected).is_empty());
        let old = format!(
            "{header}| `jiff` | 0.2 | `api`, `mail` | times |\n| `warp` | 0.4 | `api` | filters |\n"
        );
        let found = problems(&old, &expected);
        assert_eq!(
            found,
            [
                "add: | `jiff` | 1 | `api`, `mail` | …",
                "remove: | `jiff` | 0.2 | `api`, `mail` | times |"
            ]
        );
        let page = format!("{header}{jiff}");
        assert_eq!(problems(&page, &expected), ["add: | `warp` | 0.4 | `api` | …"]);
    }
}

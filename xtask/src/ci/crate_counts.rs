//! Checks the numbers of dependencies on the front page of `auth-core`, and that the libraries
//! depend on the crates of the PostgreSQL backend only with the feature `postgres`.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::process::cargo;
use crate::workspace;

const PAGE: &str = "crates/auth-core/src/lib.rs";

/// The library crates that can store data, each with the number of crates that are compiled on
/// Linux for its default features, that is with SQLite.
const SQLITE_COUNTS: [(&str, usize); 3] = [("user-store", 132), ("accounts", 153), ("api", 186)];

/// The crates that only the PostgreSQL backend uses.
const POSTGRES_CRATES: [&str; 6] = [
    "deadpool-postgres",
    "postgres-protocol",
    "rustls",
    "rustls-native-certs",
    "tokio-postgres",
    "tokio-postgres-rustls",
];

pub(super) fn check() -> Result<()> {
    check_page()?;
    for (package, stated) in SQLITE_COUNTS {
        check_sqlite(package, stated, &crates(package, "")?)?;
    }
    // If the backend used other crates, the list above would be out of date.
    let with_postgres = crates("user-store", "--features postgres")?;
    for name in POSTGRES_CRATES {
        if !with_postgres.iter().any(|found| is_named(found, name)) {
            bail!("user-store does not use {name} with the feature `postgres`: {CORRECT}");
        }
    }
    Ok(())
}

const CORRECT: &str = "if this is intended, correct xtask/src/ci/crate_counts.rs";

/// Checks the crates that are compiled for a package with its default features.
fn check_sqlite(package: &str, stated: usize, crates: &BTreeSet<String>) -> Result<()> {
    for name in POSTGRES_CRATES {
        if crates.iter().any(|found| is_named(found, name)) {
            bail!(
                "{package} depends on {name} with its default features, but only the feature \
                 `postgres` needs it: make the dependency optional"
            );
        }
    }
    if crates.len() != stated {
        bail!(
            "with the default features of {package}, {} crates are compiled, not {stated}: \
             {CORRECT}",
            crates.len()
        );
    }
    Ok(())
}

/// Returns whether a line of `cargo tree`, such as `url v2.5.0`, is about this crate.
fn is_named(line: &str, name: &str) -> bool {
    line.split(' ').next() == Some(name)
}

/// Checks the table of dependency counts. Each row has a use, the arguments of `cargo add`, and the
/// number of crates that are compiled for this use on Linux, including those for build scripts.
fn check_page() -> Result<()> {
    let page = fs::read_to_string(workspace::root().join(PAGE))
        .with_context(|| format!("{PAGE} cannot be read"))?;
    let rows: Vec<_> = page.lines().filter_map(parse_row).collect();
    if rows.len() < 3 {
        bail!("{PAGE} has no table of dependency counts");
    }
    for (arguments, stated) in rows {
        let counted = crates("auth-core", &arguments)?.len();
        if counted != stated {
            bail!(
                "{PAGE}: with the arguments {arguments:?}, {counted} crates are compiled, but the \
                 table says {stated}"
            );
        }
    }
    Ok(())
}

/// Parses a row. Returns the arguments and the number.
fn parse_row(line: &str) -> Option<(String, usize)> {
    let cells: Vec<_> = line.strip_prefix("//! |")?.split('|').map(str::trim).collect();
    let arguments = cells.get(1)?.strip_prefix("`cargo add auth-core")?.strip_suffix('`')?;
    Some((arguments.trim().to_owned(), cells.get(2)?.parse().ok()?))
}

/// Returns the crates that are compiled for a package, each with its version. `arguments` are
/// separated by spaces.
fn crates(package: &str, arguments: &str) -> Result<BTreeSet<String>> {
    let mut tree = cargo(["tree", "--package", package, "--edges", "normal,build"]);
    tree.args(["--prefix", "none", "--target", "x86_64-unknown-linux-gnu"]);
    let output = tree.args(arguments.split_whitespace()).output()?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("`cargo tree --package {package} {arguments}` failed: {}", stderr.trim());
    }
    let text = String::from_utf8(output.stdout)?;
    let crates = text.lines().filter_map(|line| line.split(" (").next());
    Ok(crates.filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_arguments_and_a_number() {
        let line = "//! | hash | `cargo add auth-core --features hash` | 60 | 19 s |";
        assert_eq!(parse_row(line), Some(("--features hash".to_owned(), 60)));
        assert_eq!(
            parse_row("//! | all | `cargo add auth-core` | 92 | 1 s |"),
            Some((String::new(), 92))
        );
        for other in ["//! | feature | brings |", "//! |---|---|", "/// | a | `b` | 1 |"] {
            assert_eq!(parse_row(other), None, "{other}");
        }
    }

    #[test]
    fn a_crate_of_the_postgres_backend_is_found_in_the_default_features() {
        let tree = |names: &[&str]| names.iter().map(|name| format!("{name} v1.0.0")).collect();
        check_sqlite("api", 2, &tree(&["rusqlite", "rustls-pki-types"])).unwrap();
        let error = check_sqlite("api", 2, &tree(&["rusqlite", "tokio-postgres"])).unwrap_err();
        assert!(error.to_string().starts_with("api depends on tokio-postgres"), "{error}");
        let error = check_sqlite("api", 1, &tree(&["rusqlite", "other"])).unwrap_err();
        assert!(error.to_string().contains("2 crates are compiled, not 1"), "{error}");
    }
}

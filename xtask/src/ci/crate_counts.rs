//! Checks the numbers of dependencies on the front page of `auth-core`.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::process::cargo;
use crate::workspace;

const PAGE: &str = "crates/auth-core/src/lib.rs";

/// Checks the table of dependency counts. Each row has a use, the arguments of `cargo add`, and the
/// number of crates that are compiled for this use on Linux, including those for build scripts.
pub(super) fn check() -> Result<()> {
    let page = fs::read_to_string(workspace::root().join(PAGE))
        .with_context(|| format!("{PAGE} cannot be read"))?;
    let rows: Vec<_> = page.lines().filter_map(parse_row).collect();
    if rows.len() < 3 {
        bail!("{PAGE} has no table of dependency counts");
    }
    for (arguments, stated) in rows {
        let counted = count(&arguments)?;
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

fn count(arguments: &str) -> Result<usize> {
    let mut tree = cargo(["tree", "--package", "auth-core", "--edges", "normal,build"]);
    tree.args(["--prefix", "none", "--target", "x86_64-unknown-linux-gnu"]);
    let output = tree.args(arguments.split_whitespace()).output()?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("`cargo tree --package auth-core {arguments}` failed: {}", stderr.trim());
    }
    let text = String::from_utf8(output.stdout)?;
    let crates: BTreeSet<_> = text.lines().filter_map(|line| line.split(" (").next()).collect();
    Ok(crates.into_iter().filter(|name| !name.is_empty()).count())
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
}

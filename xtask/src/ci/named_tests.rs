//! Checks that the tests named in `docs/SECURITY.md` exist.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

const PAGE: &str = "docs/SECURITY.md";

pub(super) fn check(root: &Path) -> Result<()> {
    let page =
        fs::read_to_string(root.join(PAGE)).with_context(|| format!("{PAGE} cannot be read"))?;
    let rows = page.lines().filter(|line| line.starts_with('|'));
    let missing: Vec<_> = rows.flat_map(|row| missing(root, row)).collect();
    if !missing.is_empty() {
        bail!("{PAGE} names modules or tests that do not exist:\n{}", missing.join("\n"));
    }
    Ok(())
}

/// Returns the modules of a row that do not exist, and the tests that are not in the module named
/// before them.
fn missing(root: &Path, row: &str) -> Vec<String> {
    let mut missing = Vec::new();
    let mut module = None;
    for code in row.split('`').skip(1).step_by(2) {
        if code.ends_with(".rs") {
            module = source(root, code).map(|text| (code, text));
            if module.is_none() {
                missing.push(code.to_owned());
            }
        } else if let Some((path, text)) = &module
            && is_test_name(code)
            && !text.contains(&format!("fn {code}("))
        {
            missing.push(format!("{path}: {code}"));
        }
    }
    missing
}

/// Returns the text of a module: its file and the files in the directory of the same name.
fn source(root: &Path, path: &str) -> Option<String> {
    let mut text = String::new();
    for parent in ["", "crates", "apps"] {
        let file = root.join(parent).join(path);
        text.push_str(&fs::read_to_string(&file).unwrap_or_default());
        for entry in fs::read_dir(file.with_extension("")).into_iter().flatten().flatten() {
            text.push_str(&fs::read_to_string(entry.path()).unwrap_or_default());
        }
    }
    if text.is_empty() { None } else { Some(text) }
}

/// Returns whether a piece of code looks like the name of a test.
fn is_test_name(code: &str) -> bool {
    let in_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    code.contains('_') && code.chars().all(in_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_must_be_in_the_module_named_before_it() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("crates/a/tests/it/token");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("claims.rs"), "fn a_claim_is_checked() {}").unwrap();
        fs::write(directory.with_extension("rs"), "async fn all_is_well() {}").unwrap();
        fs::create_dir_all(root.path().join("apps/b/src")).unwrap();
        fs::write(root.path().join("apps/b/src/c.rs"), "fn c_is_c() {}").unwrap();
        let missing = |row: &str| missing(root.path(), row);
        let none: [&str; 0] = [];

        let row = "| `not_a_test` | `a/tests/it/token.rs`: `all_is_well`, `a_claim_is_checked` |";
        assert_eq!(missing(row), none);
        assert_eq!(missing("| `a/tests/it/token.rs`, `b/src/c.rs`: `c_is_c` |"), none);
        let elsewhere = "| `b/src/c.rs`: `all_is_well`, `c_is`, `Content-Type`, `sid` |";
        assert_eq!(missing(elsewhere), ["b/src/c.rs: all_is_well", "b/src/c.rs: c_is"]);
        assert_eq!(missing("| `b/src/d.rs`: `c_is_c` |"), ["b/src/d.rs"]);
    }

    #[test]
    fn only_table_rows_are_checked() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("docs")).unwrap();
        let write = |text: &str| fs::write(root.path().join(PAGE), text).unwrap();
        write("`gone.rs`: `gone_too`\n");
        check(root.path()).unwrap();
        write("| 1.1.1 | `gone.rs`: `gone_too` |\n");
        let error = check(root.path()).unwrap_err().to_string();
        assert!(error.ends_with("do not exist:\ngone.rs"), "{error}");
    }
}

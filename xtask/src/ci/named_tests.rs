//! Checks that the tests named in the security pages exist.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// The pages whose tables name tests.
const PAGES: [&str; 3] =
    ["docs/SECURITY.md", "docs/security/asvs-5.0.md", "docs/security/nist-sp-800-63b-4.md"];

pub(super) fn check(root: &Path) -> Result<()> {
    let mut missing = Vec::new();
    for page in PAGES {
        let text = fs::read_to_string(root.join(page))
            .with_context(|| format!("{page} cannot be read"))?;
        for row in text.lines().filter(|line| line.starts_with('|')) {
            missing.extend(missing_in_row(root, row).iter().map(|name| format!("{page}: {name}")));
        }
    }
    if !missing.is_empty() {
        bail!(
            "the security pages name modules or tests that do not exist:\n{}",
            missing.join("\n")
        );
    }
    Ok(())
}

/// Returns the modules named in a table row that do not exist, and the tests that are not in the
/// module named before them.
fn missing_in_row(root: &Path, row: &str) -> Vec<String> {
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

/// Returns the text of a module: of its file, and of the files in the directory of the same name.
/// The path may omit `crates/` or `apps/`.
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

/// Returns whether a code span looks like the name of a test.
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
        fs::write(directory.with_extension("rs"), "async fn a_token_is_issued() {}").unwrap();
        fs::create_dir_all(root.path().join("apps/b/src")).unwrap();
        fs::write(root.path().join("apps/b/src/c.rs"), "fn c_is_c() {}").unwrap();
        let missing = |row: &str| missing_in_row(root.path(), row);
        let none: [&str; 0] = [];

        let row =
            "| `not_a_test` | `a/tests/it/token.rs`: `a_token_is_issued`, `a_claim_is_checked` |";
        assert_eq!(missing(row), none);
        assert_eq!(missing("| `a/tests/it/token.rs`, `b/src/c.rs`: `c_is_c` |"), none);
        let elsewhere = "| `b/src/c.rs`: `a_token_is_issued`, `c_is`, `Content-Type`, `sid` |";
        assert_eq!(missing(elsewhere), ["b/src/c.rs: a_token_is_issued", "b/src/c.rs: c_is"]);
        assert_eq!(missing("| `b/src/d.rs`: `c_is_c` |"), ["b/src/d.rs"]);
    }

    #[test]
    fn the_table_rows_of_every_page_are_checked() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("docs/security")).unwrap();
        let write = |page: &str, text: &str| fs::write(root.path().join(page), text).unwrap();
        for page in PAGES {
            write(page, "`gone.rs`: `gone_too`\n");
        }
        check(root.path()).unwrap();
        for page in PAGES {
            write(page, "| 1.1.1 | `gone.rs`: `gone_too` |\n");
        }
        let error = check(root.path()).unwrap_err().to_string();
        let listed: Vec<_> = error.lines().skip(1).collect();
        assert_eq!(listed, PAGES.map(|page| format!("{page}: gone.rs")));
    }
}

//! The tables of `docs/PERFORMANCE.md`, each between two comments that name it.

use std::fs;

use anyhow::{Context as _, Result};

use crate::workspace;

/// Puts each text in the place of the one that has its name.
pub(super) fn update(tables: &[(&str, String)]) -> Result<()> {
    let path = workspace::root().join("docs/PERFORMANCE.md");
    let mut page = fs::read_to_string(&path).context("docs/PERFORMANCE.md cannot be read")?;
    for (name, table) in tables {
        page = replaced(&page, name, table)
            .with_context(|| format!("docs/PERFORMANCE.md has no place for {name}"))?;
    }
    fs::write(&path, page)?;
    eprintln!("written to {}", path.display());
    Ok(())
}

fn replaced(page: &str, name: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(&format!("<!-- bench: {name} -->\n"))?;
    let (_, after) = rest.split_once("<!-- end -->")?;
    let table = table.trim_end();
    Some(format!("{before}<!-- bench: {name} -->\n{table}\n<!-- end -->{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_the_comments_is_replaced_and_nothing_else() {
        let page =
            "a\n<!-- bench: x -->\nold\nold\n<!-- end -->\nb\n<!-- bench: y -->\n<!-- end -->\nc\n";
        let page = replaced(page, "x", "new\n\n").unwrap();
        let page = replaced(&page, "y", "other").unwrap();
        assert_eq!(
            page,
            "a\n<!-- bench: x -->\nnew\n<!-- end -->\nb\n<!-- bench: y -->\nother\n<!-- end -->\nc\n"
        );
        assert_eq!(replaced(&page, "z", "new"), None);
    }
}

//! Updates the tables in `docs/PERFORMANCE.md`. Each table is between two comments.

use std::fs;

use anyhow::{Context as _, Result};

use crate::workspace;

/// Replaces the named tables.
pub(super) fn update(tables: &[(&str, String)]) -> Result<()> {
    let path = workspace::root().join("docs/PERFORMANCE.md");
    let mut page = fs::read_to_string(&path).context("docs/PERFORMANCE.md cannot be read")?;
    for (name, table) in tables {
        page = replace_table(&page, name, table).with_context(|| {
            format!("docs/PERFORMANCE.md has no `<!-- bench: {name} -->` table")
        })?;
    }
    fs::write(&path, page)?;
    eprintln!("written to {}", path.display());
    Ok(())
}

fn replace_table(page: &str, name: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(&format!("<!-- bench: {name} -->\n"))?;
    let (_, after) = rest.split_once("<!-- end -->")?;
    let table = table.trim_end();
    Some(format!("{before}<!-- bench: {name} -->\n{table}\n<!-- end -->{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_text_between_the_comments_is_replaced() {
        let page =
            "a\n<!-- bench: x -->\nold\nold\n<!-- end -->\nb\n<!-- bench: y -->\n<!-- end -->\nc\n";
        let page = replace_table(page, "x", "new\n\n").unwrap();
        let page = replace_table(&page, "y", "other").unwrap();
        assert_eq!(
            page,
            "a\n<!-- bench: x -->\nnew\n<!-- end -->\nb\n<!-- bench: y -->\nother\n<!-- end -->\nc\n"
        );
        assert_eq!(replace_table(&page, "z", "new"), None);
    }
}

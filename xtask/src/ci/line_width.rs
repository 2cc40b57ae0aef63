//! Checks that lines of prose in README.md and docs have at most 100 columns.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use pulldown_cmark::{Event, Options, Parser, Tag};

use super::links::pages;

const MAX_COLUMNS: usize = 100;

pub(super) fn check(root: &Path) -> Result<()> {
    let mut too_long = Vec::new();
    for page in pages(root)? {
        let text = fs::read_to_string(&page)
            .with_context(|| format!("{} cannot be read", page.display()))?;
        let page = page.strip_prefix(root).unwrap_or(&page).display();
        too_long.extend(long_lines(&text).iter().map(|number| format!("{page}:{number}")));
    }
    if !too_long.is_empty() {
        bail!("lines of more than {MAX_COLUMNS} columns; wrap them:\n{}", too_long.join("\n"));
    }
    Ok(())
}

/// Returns the numbers of the lines of prose that are too long. Code, tables and HTML are not
/// prose.
fn long_lines(markdown: &str) -> Vec<usize> {
    let mut not_prose = Vec::new();
    for (event, range) in Parser::new_ext(markdown, Options::ENABLE_TABLES).into_offset_iter() {
        if let Event::Start(Tag::CodeBlock(_) | Tag::Table(_) | Tag::HtmlBlock) = event {
            not_prose.push(range);
        }
    }
    let mut numbers = Vec::new();
    let mut end = 0;
    for (index, line) in markdown.split_inclusive('\n').enumerate() {
        end += line.len();
        let last_byte = end - 1;
        let line = line.trim_end();
        if line.chars().count() > MAX_COLUMNS
            && !not_prose.iter().any(|range| range.contains(&last_byte))
            && !is_unbreakable(line)
        {
            numbers.push(index + 1);
        }
    }
    numbers
}

/// Returns whether a line, apart from the marker of a list item, is a single word, link or link
/// definition.
fn is_unbreakable(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches(['-', '*', '>']).trim_start();
    let is_link = line.split_once("](").is_some_and(|(text, rest)| {
        let after = rest.split_once(')').map_or(rest, |(_, after)| after);
        text.starts_with('[') && after.trim_end_matches(['.', ',', ';', ':']).is_empty()
    });
    let is_definition = line.starts_with('[') && line.contains("]: ");
    !line.contains(' ') || is_link || is_definition
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_lines_of_prose_are_reported() {
        let words = "word ".repeat(21);
        let url = format!("https://example.com/{}", "x".repeat(100));
        let page = format!(
            "# {words}\n\n- {words}\n\n{fits}\n\n\
             ```sh\n{words}\n```\n\n\
             | a | b |\n|---|---|\n| {words} | b |\n\n\
             <p>\n{words}\n</p>\n\n\
             {url}\n- [a link]({url}).\n- see [a link]({url})\n\
             - [a](b) {words}(aside)\n\n[definition]: {url}\n",
            fits = "é".repeat(MAX_COLUMNS),
        );
        assert_eq!(long_lines(&page), [1, 3, 21, 22]);
    }

    #[test]
    fn the_page_and_the_line_are_named() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("docs/notes")).unwrap();
        fs::write(root.path().join("README.md"), "short\n").unwrap();
        fs::write(root.path().join("docs/notes/a.md"), "short\n").unwrap();
        check(root.path()).unwrap();

        fs::write(root.path().join("docs/notes/a.md"), format!("\n{}", "word ".repeat(21)))
            .unwrap();
        let error = check(root.path()).unwrap_err().to_string();
        assert!(error.ends_with("\ndocs/notes/a.md:2"), "{error}");
    }
}

//! Checks the links in README.md and docs to files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use pulldown_cmark::{Event, Parser, Tag, TagEnd};

pub(super) fn check(root: &Path) -> Result<()> {
    let mut broken = Vec::new();
    for page in pages(root)? {
        let text = read(&page)?;
        for link in targets(&text) {
            if !exists(&page, &text, &link)? {
                broken.push(format!("{}: {link} does not exist", page.display()));
            }
        }
    }
    if !broken.is_empty() {
        bail!("broken links:\n{}", broken.join("\n"));
    }
    Ok(())
}

/// Returns README.md and every Markdown file below docs.
pub(super) fn pages(root: &Path) -> Result<Vec<PathBuf>> {
    let mut pages = vec![root.join("README.md")];
    let mut directories = vec![root.join("docs")];
    while let Some(directory) = directories.pop() {
        let entries = fs::read_dir(&directory)
            .with_context(|| format!("{} cannot be read", directory.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                pages.push(path);
            }
        }
    }
    Ok(pages)
}

fn read(page: &Path) -> Result<String> {
    fs::read_to_string(page).with_context(|| format!("{} cannot be read", page.display()))
}

/// Returns whether the target of a link exists: the file, and the heading if the link to a Markdown
/// file has a fragment.
fn exists(page: &Path, text: &str, link: &str) -> Result<bool> {
    let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
    if path.is_empty() {
        return Ok(headings(text).contains(&fragment.to_owned()));
    }
    let file = page.with_file_name(path);
    if fragment.is_empty() || file.extension().is_none_or(|extension| extension != "md") {
        return Ok(file.exists());
    }
    Ok(file.exists() && headings(&read(&file)?).contains(&fragment.to_owned()))
}

/// Returns the fragments that GitHub derives from the headings of a page.
fn headings(markdown: &str) -> Vec<String> {
    let mut fragments = Vec::new();
    let mut open: Option<String> = None;
    for event in Parser::new(markdown) {
        match event {
            Event::Start(Tag::Heading { .. }) => open = Some(String::new()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut open {
                    heading.push_str(&text.to_lowercase());
                }
            }
            Event::End(TagEnd::Heading(_)) => fragments.extend(open.take()),
            _ => {}
        }
    }
    let is_kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let fragment = |heading: String| heading.chars().filter(is_kept).collect::<String>();
    fragments.into_iter().map(|heading| fragment(heading).replace(' ', "-")).collect()
}

/// Returns the targets of the links and images in a page, without external URLs.
fn targets(markdown: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for event in Parser::new(markdown) {
        match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                targets.push(dest_url.into_string());
            }
            Event::Html(html) | Event::InlineHtml(html) => targets.extend(references(&html)),
            _ => {}
        }
    }
    targets.retain(|target| !target.is_empty() && !target.contains(':'));
    targets
}

/// Returns the targets of `<img src>`, `<source srcset>` and `<a href>`.
fn references(html: &str) -> impl Iterator<Item = String> {
    ["src=\"", "srcset=\"", "href=\""]
        .into_iter()
        .flat_map(|attribute| html.split(attribute).skip(1))
        .filter_map(|value| value.split('"').next().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_links_and_images_but_not_code() {
        let page = "[a](a.md#part) ![b](b.png) [c][c] `[d](d.md)` [e](#here) \
                    [f](https://example.com/f) <img src=\"g.png\">\n\n\
                    ```\n[h](h.md)\n```\n\n[c]: c.md\n";
        assert_eq!(targets(page), ["a.md#part", "b.png", "c.md", "#here", "g.png"]);
    }

    #[test]
    fn a_broken_link_is_reported() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("docs/notes")).unwrap();
        let write = |path: &str, text: &str| fs::write(root.path().join(path), text).unwrap();
        write("README.md", "# The `top`, again\n\n[a](docs/notes/a.md) [up](#the-top-again)");
        write("docs/notes/a.md", "[back](../../README.md#the-top-again)");
        check(root.path()).unwrap();

        write("docs/notes/b.md", "[missing](missing.md) [old](#old) [moved](a.md#moved)");
        let error = check(root.path()).unwrap_err().to_string();
        for link in ["missing.md", "#old", "a.md#moved"] {
            assert!(error.contains(&format!(": {link} does not exist")), "{error}");
        }
    }
}

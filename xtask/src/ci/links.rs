//! Checks the links in README.md and docs to files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use pulldown_cmark::{Event, Parser, Tag};

pub(super) fn check(root: &Path) -> Result<()> {
    let mut broken = Vec::new();
    for page in pages(root)? {
        let text = fs::read_to_string(&page)
            .with_context(|| format!("{} cannot be read", page.display()))?;
        let directory = page.parent().unwrap_or(root);
        for link in targets(&text) {
            if !directory.join(&link).exists() {
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

/// Returns the files that a page links to or includes, without fragments.
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
    let file = |target: String| target.split('#').next().unwrap_or_default().to_owned();
    let is_file = |target: &String| !target.is_empty() && !target.contains(':');
    targets.into_iter().map(file).filter(is_file).collect()
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
        assert_eq!(targets(page), ["a.md", "b.png", "c.md", "g.png"]);
    }

    #[test]
    fn a_broken_link_is_reported() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("docs/notes")).unwrap();
        fs::write(root.path().join("README.md"), "[a](docs/notes/a.md)").unwrap();
        fs::write(root.path().join("docs/notes/a.md"), "[back](../../README.md#top)").unwrap();
        check(root.path()).unwrap();

        fs::write(root.path().join("docs/notes/b.md"), "[gone](gone.md)").unwrap();
        let error = check(root.path()).unwrap_err().to_string();
        assert!(error.contains("gone.md does not exist"), "{error}");
    }
}

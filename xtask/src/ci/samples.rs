//! The samples in README.md and docs. One in Rust is an example of a crate, character for character,
//! which the crate's tests start; one in JSON is read.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use super::links::pages;

pub(super) fn check(root: &Path) -> Result<()> {
    let examples = examples(root)?;
    let mut wrong = Vec::new();
    for page in pages(root)? {
        let text = fs::read_to_string(&page)
            .with_context(|| format!("{} cannot be read", page.display()))?;
        for (language, sample) in samples(&text) {
            let page = page.strip_prefix(root).unwrap_or(&page).display();
            let first = sample.lines().next().unwrap_or_default();
            match language.as_str() {
                "rust" if !examples.contains(&sample) => wrong.push(format!(
                    "{page}: the sample that begins with {first:?} is no example: make it one, \
                     crates/*/examples/*.rs, and have a test start it"
                )),
                "json" if serde_json::from_str::<serde_json::Value>(&sample).is_err() => {
                    wrong.push(format!("{page}: the sample that begins with {first:?} is no JSON"));
                }
                _ => {}
            }
        }
    }
    if !wrong.is_empty() {
        bail!("samples that nothing runs:\n{}", wrong.join("\n"));
    }
    Ok(())
}

/// The texts of all examples that a test of their crate names.
fn examples(root: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for crate_ in folder(&root.join("crates"))? {
        let tests = fs::read_to_string(crate_.join("tests/examples.rs")).unwrap_or_default();
        for example in folder(&crate_.join("examples")).unwrap_or_default() {
            let name = example.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            if !tests.contains(&format!("\"{name}\"")) {
                bail!("{}: no test starts this example", example.display());
            }
            texts.push(fs::read_to_string(example)?);
        }
    }
    Ok(texts)
}

fn folder(path: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(path).with_context(|| format!("{} is missing", path.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// The blocks of code in a page, with what language each is said to be in.
fn samples(markdown: &str) -> Vec<(String, String)> {
    let mut samples = Vec::new();
    let mut open: Option<(String, String)> = None;
    for event in Parser::new(markdown) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                open = Some((language.into_string(), String::new()));
            }
            Event::Text(text) => {
                if let Some((_, sample)) = &mut open {
                    sample.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => samples.extend(open.take()),
            _ => {}
        }
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(readme: &str, example: &str, tests: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("README.md", readme);
        write("docs/a.md", "```json\n{\"a\": 1}\n```\n");
        write("crates/one/examples/hello.rs", example);
        write("crates/one/tests/examples.rs", tests);
        root
    }

    #[test]
    fn a_sample_is_an_example_that_a_test_starts() {
        let readme = "# A\n\n```rust\nfn main() {}\n```\n\n```sh\nls\n```\n";
        check(project(readme, "fn main() {}\n", "start(\"hello\")").path()).unwrap();
        let changed = project(readme, "fn main() { }\n", "start(\"hello\")");
        let error = check(changed.path()).unwrap_err().to_string();
        assert!(error.contains("README.md") && error.contains("fn main() {}"), "{error}");
        let idle = check(project(readme, "fn main() {}\n", "").path()).unwrap_err().to_string();
        assert!(idle.contains("no test starts this example"), "{idle}");
    }

    #[test]
    fn a_sample_of_json_is_json() {
        let broken = project("```json\n{a: 1}\n```\n", "", "\"hello\"");
        assert!(check(broken.path()).unwrap_err().to_string().contains("no JSON"));
    }
}

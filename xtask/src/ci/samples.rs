//! Checks the code samples in README.md and docs.
//!
//! Every Rust, HTML or JavaScript sample must be an excerpt from an example that a test of its
//! crate runs, from that test, or from the browser client. A JSON sample must be valid.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use super::links::pages;

/// The crate whose examples are tools of other steps, and not samples.
const TOOLS: &str = "fuzz";

/// The first line of a JavaScript sample that another step runs.
const TOKENS: &str = "import { createRemoteJWKSet, jwtVerify, errors } from \"jose\";";

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
                "js" if first == TOKENS => {}
                "rust" | "html" | "js"
                    if !examples.iter().any(|example| contains(example, &sample)) =>
                {
                    wrong.push(format!(
                        "{page}: the sample that begins with {first:?} is not in an example: add \
                         it to crates/*/examples/*.rs or crates/*/examples/*/*, and run it in a test"
                    ));
                }
                "json" if serde_json::from_str::<serde_json::Value>(&sample).is_err() => {
                    wrong.push(format!(
                        "{page}: the sample that begins with {first:?} is not valid JSON"
                    ));
                }
                _ => {}
            }
        }
    }
    if !wrong.is_empty() {
        bail!("wrong samples:\n{}", wrong.join("\n"));
    }
    Ok(())
}

/// Returns whether a sample consists of successive lines of an example, possibly with less
/// indentation.
fn contains(example: &str, sample: &str) -> bool {
    let (example, sample): (Vec<_>, Vec<_>) = (example.lines().collect(), sample.lines().collect());
    let first = sample.first().copied().unwrap_or_default();
    example.windows(sample.len().max(1)).any(|lines| {
        let indent = lines[0].strip_suffix(first).unwrap_or("none");
        indent.trim().is_empty()
            && lines.iter().zip(&sample).all(|(line, sample)| {
                line.strip_prefix(indent) == Some(sample) || line.is_empty() && sample.is_empty()
            })
    })
}

/// Returns the files of all examples that pages can show, the tests of examples, and the browser
/// client. An example is a file or a folder. Fails if `tests/examples.rs` of a crate does not name
/// one of its examples.
fn examples(root: &Path) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    for krate in files_in(&root.join("crates"))? {
        if krate.ends_with(TOOLS) {
            continue;
        }
        let tests = fs::read_to_string(krate.join("tests/examples.rs")).unwrap_or_default();
        for example in files_in(&krate.join("examples")).unwrap_or_default() {
            let name = example.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            if !tests.contains(&format!("\"{name}\"")) {
                bail!("{}: no test runs this example in tests/examples.rs", example.display());
            }
            let files = if example.is_dir() { files_in(&example)? } else { vec![example] };
            for file in files {
                texts.push(fs::read_to_string(file)?);
            }
        }
        texts.push(tests);
        texts.extend(fs::read_to_string(krate.join("client/latchkey.js")));
    }
    Ok(texts)
}

fn files_in(path: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(path).with_context(|| format!("{} is missing", path.display()))?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Returns the code blocks of a page as pairs of language and code.
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
    fn a_rust_sample_must_be_an_example_that_a_test_runs() {
        let readme = "# A\n\n```rust\nfn main() {}\n```\n\n```sh\nls\n```\n";
        check(project(readme, "fn main() {}\n", "start(\"hello\")").path()).unwrap();
        let test = "#[test]\nfn hello() {}\n// \"hello\"\n";
        check(project(&format!("```rust\n{test}```\n"), "", test).path()).unwrap();
        let changed = project(readme, "fn main() { }\n", "start(\"hello\")");
        let error = check(changed.path()).unwrap_err().to_string();
        assert!(error.contains("README.md") && error.contains("fn main() {}"), "{error}");
        let untested = check(project(readme, "fn main() {}\n", "").path()).unwrap_err().to_string();
        assert!(untested.contains("no test runs this example"), "{untested}");
    }

    #[test]
    fn a_sample_can_be_a_part_of_an_example() {
        let example = "fn main() {\n    if true {\n        go();\n    }\n    stop();\n}\n";
        assert!(contains(example, example));
        assert!(contains(example, "if true {\n    go();\n}\n"));
        assert!(contains(example, "stop();\n"));
        assert!(!contains(example, "if true {\n    go();\n    stop();\n"));
        assert!(!contains(example, "if true {\ngo();\n}\n"), "another indentation");
        assert!(!contains(example, "top();\n"));
    }

    #[test]
    fn the_files_of_an_example_in_a_folder_are_samples() {
        let readme = "```html\n<p>\n```\n\n```js\nshow();\n```\n";
        let root = project(readme, "fn main() {}\n", "\"hello\" \"page\"");
        let folder = root.path().join("crates/one/examples/page");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("index.html"), "<p>\n").unwrap();
        fs::write(folder.join("app.js"), "hide();\n").unwrap();
        let error = check(root.path()).unwrap_err().to_string();
        assert!(error.contains("show();") && !error.contains("<p>"), "{error}");
        fs::write(folder.join("app.js"), "show();\n").unwrap();
        check(root.path()).unwrap();
    }

    #[test]
    fn a_json_sample_must_be_valid() {
        let broken = project("```json\n{a: 1}\n```\n", "", "\"hello\"");
        assert!(check(broken.path()).unwrap_err().to_string().contains("not valid JSON"));
    }
}

//! The documentation of the traits shows their signatures as they are written. That of rustdoc
//! itself shows what `#[async_trait]` makes of them.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the name of each trait with `#[async_trait]` in a file, and its source without comments
/// and without the bodies of provided methods.
fn traits(source: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        if line != "#[async_trait]" {
            continue;
        }
        let Some(first) = lines.next().filter(|line| line.starts_with("pub trait ")) else {
            continue;
        };
        let name = first["pub trait ".len()..].split([':', ' ']).next().unwrap();
        let mut text = vec!["#[async_trait]".to_owned(), first.to_owned()];
        let mut is_body = false;
        for line in lines.by_ref().take_while(|line| *line != "}") {
            if is_body {
                is_body = line != "    }";
            } else if let Some(provided) = line.strip_suffix(" {").filter(|_| line.contains("->")) {
                text.push(format!("{provided};"));
                is_body = true;
            } else if !line.trim_start().starts_with("///") {
                text.push(line.to_owned());
            }
        }
        text.push("}".to_owned());
        found.push((name.to_owned(), text.join("\n")));
    }
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

#[test]
fn the_documentation_of_every_trait_has_its_signatures() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = 0;
    for file in files(&src).into_iter().chain(files(&src.join("rows"))) {
        let source = fs::read_to_string(&file).unwrap();
        for (name, signatures) in traits(&source) {
            let path = src.join("signatures").join(format!("{name}.md"));
            let text =
                format!("\n# Signatures\n\nAs they are written:\n\n```ignore\n{signatures}\n```\n");
            if std::env::var_os("UPDATE_DOCS").is_some() {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(&path, &text).unwrap();
            }
            assert_eq!(
                fs::read_to_string(&path).unwrap_or_default(),
                text,
                "{} is out of date: run UPDATE_DOCS=1 cargo test -p user-store signatures",
                path.display(),
            );
            assert!(
                source.contains(&format!("signatures/{name}.md\")]\n#[async_trait]")),
                "{name}"
            );
            found += 1;
        }
    }
    assert!(found >= 13, "only {found} traits were found");
}

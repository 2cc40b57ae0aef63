//! The script: what wasm-bindgen wrote, what loads the parts that were cut off, and the line
//! that starts it all, in one file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use super::assets::Assets;
use super::shorten;

/// How wasm-bindgen's script names the one that loads the parts.
pub(super) const LOADER: &str = "./__wasm_split.js";

/// How that one names wasm-bindgen's.
const MAIN: &str = "./web.js";

/// What is named so is taken by several parts.
pub(super) const SHARED: &str = "shared";

/// The names of what the page loads to start the application.
pub(super) struct Glue {
    pub(super) boot: String,
    /// What `boot` imports.
    pub(super) modules: Vec<String>,
    pub(super) wasm: String,
}

/// Adds what lies in `bound`, each file after those it refers to: a name is known only when
/// the content is final.
pub(super) fn add(assets: &mut Assets, bound: &Path) -> Result<Glue> {
    let (wasm, main) = shorten::names(&read(bound, "web_bg.wasm")?, &text(bound, MAIN)?)?;
    let wasm = assets.add("web.wasm", wasm);
    let mut script = shorten::script(&joined(&main, &text(bound, LOADER)?)?)?;
    for name in parts(bound)? {
        let stem = name.strip_prefix("split_").map_or(SHARED.to_owned() + ".wasm", str::to_owned);
        let part = assets.add(&stem, shorten::module(&read(bound, &name)?)?);
        script = renamed(&script, &name, &part)?;
    }
    let mut modules = Vec::new();
    for path in snippets(bound)? {
        let import = path.strip_prefix(bound)?.to_string_lossy().replace('\\', "/");
        let name = assets.add("snippet.js", fs::read(&path)?);
        script = renamed(&script, &import, &name)?;
        modules.push(name);
    }
    let mut imports = script.lines().filter(|line| line.starts_with("import "));
    let is_known = |line: &str| modules.iter().any(|name| line.contains(name.as_str()));
    ensure!(imports.all(is_known), "the script imports something that wasm-bindgen did not write");
    script +=
        &format!("__wbg_init({{ module_or_path: new URL(\"./{wasm}\", import.meta.url) }});\n");
    Ok(Glue { boot: assets.add("boot.js", script), modules, wasm })
}

/// One script of the two that import each other. Apart, neither could be named after its
/// content, and the browser would ask for one when it has the other.
fn joined(main: &str, loader: &str) -> Result<String> {
    let (main, names) = without_imports(main, LOADER)?;
    let (loader, _) = without_imports(loader, MAIN)?;
    let exported = loader.lines().filter_map(|line| line.strip_prefix("export const "));
    let exported: Vec<_> = exported.filter_map(|rest| rest.split([' ', '=']).next()).collect();
    ensure!(!exported.is_empty(), "{LOADER} exports nothing");
    let exported = exported.join(", ");
    let named = names.iter().map(|name| format!("const {name} = {{ {exported} }};\n"));
    Ok(main + &loader.replace("export const ", "const ") + &named.collect::<String>())
}

/// A script without its imports of `module`, and the names of what it imported from there.
fn without_imports(script: &str, module: &str) -> Result<(String, Vec<String>)> {
    let (mut rest, mut names) = (String::new(), Vec::new());
    for line in script.lines() {
        if line.starts_with("import ") && line.contains(&format!("\"{module}\"")) {
            names.push(line.split_whitespace().nth(3).unwrap_or_default().to_owned());
        } else {
            rest.push_str(line);
            rest.push('\n');
        }
    }
    ensure!(!names.is_empty(), "a script does not import {module}");
    Ok((rest, names))
}

fn renamed(script: &str, from: &str, to: &str) -> Result<String> {
    let [from, to] = [from, to].map(|name| format!("./{name}"));
    ensure!(script.contains(&from), "nothing refers to {from}");
    Ok(script.replace(&from, &to))
}

/// The parts of the module that were cut off.
fn parts(bound: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(bound)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".wasm") && !["web.wasm", "web_bg.wasm"].contains(&name.as_str()) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn read(bound: &Path, name: &str) -> Result<Vec<u8>> {
    let path = bound.join(name);
    fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))
}

fn text(bound: &Path, name: &str) -> Result<String> {
    Ok(String::from_utf8(read(bound, name)?)?)
}

/// JavaScript that our dependencies bring along, as files below `snippets`.
fn snippets(bound: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut directories = vec![bound.join("snippets")];
    while let Some(directory) = directories.pop() {
        if !directory.exists() {
            continue;
        }
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What `split` and `bind` leave behind, as far as it matters here.
#[cfg(test)]
pub(super) fn write_samples(bound: &Path) {
    let mut module = walrus::Module::default();
    let nothing = module.types.add(&[], &[]);
    module.add_import_func("./web_bg.js", "__wbg_new_0123456789abcdef", nothing);
    let wasm = module.emit_wasm();
    fs::create_dir_all(bound).unwrap();
    for name in ["web.wasm", "web_bg.wasm", "split_entrance.wasm", "chunk_3.wasm"] {
        fs::write(bound.join(name), &wasm).unwrap();
    }
    let main = "import * as import1 from \"./__wasm_split.js\"\n\
                import * as import2 from \"./__wasm_split.js\"\n\nfunction f() {\n    return {\n\
                        __wbg_new_0123456789abcdef: 0,\n    };\n}\n";
    fs::write(bound.join(MAIN), main).unwrap();
    let loader = "import { initSync } from \"./web.js\";\n\
                  export const load = () => [\"./split_entrance.wasm\", \"./chunk_3.wasm\"];\n";
    fs::write(bound.join(LOADER), loader).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_script_refers_to_final_names() {
        let bound = tempfile::tempdir().unwrap();
        write_samples(bound.path());
        let mut assets = Assets::default();
        let glue = add(&mut assets, bound.path()).unwrap();
        let boot = assets.text(&glue.boot);
        assert!(!boot.contains("import ") && !boot.contains("export "), "{boot}");
        assert!(boot.contains("_0: 0,\n"), "{boot}");
        for import in ["import1", "import2"] {
            assert!(boot.contains(&format!("const {import} = {{ load }};")), "{boot}");
        }
        assert!(boot.contains("\"./entrance-") && boot.contains("\"./shared-"), "{boot}");
        assert!(boot.ends_with(&format!("new URL(\"./{}\", import.meta.url) }});\n", glue.wasm)));
    }

    #[test]
    fn a_snippet_is_renamed_and_told() {
        let bound = tempfile::tempdir().unwrap();
        write_samples(bound.path());
        let script = text(bound.path(), MAIN).unwrap();
        let import = "import * as a from './snippets/dep-1/inline0.js';\n";
        fs::write(bound.path().join(MAIN), import.to_owned() + &script).unwrap();
        assert!(add(&mut Assets::default(), bound.path()).is_err(), "it is not there");

        fs::create_dir_all(bound.path().join("snippets/dep-1")).unwrap();
        fs::write(bound.path().join("snippets/dep-1/inline0.js"), "export {}").unwrap();
        let mut assets = Assets::default();
        let glue = add(&mut assets, bound.path()).unwrap();
        let [snippet] = &glue.modules[..] else { panic!("one module") };
        assert!(assets.text(&glue.boot).contains(&format!("from './{snippet}'")));
    }

    #[test]
    fn scripts_that_do_not_know_each_other_are_refused() {
        assert!(joined("f()", "import { initSync } from \"./web.js\";").is_err());
        let main = "import * as import1 from \"./__wasm_split.js\"\n";
        assert!(joined(main, "import { initSync } from \"./web.js\";\n").is_err());
    }
}

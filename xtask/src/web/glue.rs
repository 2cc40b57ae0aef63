//! The scripts: what wasm-bindgen wrote, and the few lines that start it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::assets::Assets;

/// The names of what the page loads to start the application.
pub(super) struct Glue {
    pub(super) boot: String,
    /// What `boot` imports.
    pub(super) modules: Vec<String>,
    pub(super) wasm: String,
}

/// Adds what wasm-bindgen left in `bound`, each file after those it refers to: a name is
/// known only when the content is final.
pub(super) fn add(assets: &mut Assets, bound: &Path) -> Result<Glue> {
    let read = |name: &str| {
        let path = bound.join(name);
        fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))
    };
    let wasm = assets.add("web.wasm", read("web_bg.wasm")?);
    let mut script = String::from_utf8(read("web.js")?)?;
    let mut modules = Vec::new();
    for path in snippets(bound)? {
        let import = path.strip_prefix(bound)?.to_string_lossy().replace('\\', "/");
        let name = assets.add("snippet.js", fs::read(&path)?);
        script = script.replace(&format!("./{import}"), &format!("./{name}"));
        modules.push(name);
    }
    if script.contains("./snippets/") {
        bail!("web.js imports a snippet that wasm-bindgen did not write");
    }
    let script = assets.add("web.js", script);
    let boot = assets.add("boot.js", boot(&script, &wasm));
    modules.insert(0, script);
    Ok(Glue { boot, modules, wasm })
}

/// A page without inline scripts cannot start itself: this module is all that does it.
fn boot(script: &str, wasm: &str) -> String {
    format!(
        "import init from \"./{script}\";\n\
         init({{ module_or_path: new URL(\"./{wasm}\", import.meta.url) }});\n"
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_refer_to_final_names() {
        let bound = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = bound.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("web_bg.wasm", "wasm");
        write("snippets/dep-1/inline0.js", "export {}");
        write("web.js", "import * as a from './snippets/dep-1/inline0.js';");

        let mut assets = Assets::default();
        let glue = add(&mut assets, bound.path()).unwrap();
        let [script, snippet] = &glue.modules[..] else { panic!("two modules") };
        assert_eq!(assets.text(script), format!("import * as a from './{snippet}';"));
        let boot = assets.text(&glue.boot);
        assert!(boot.contains(&format!("from \"./{script}\"")), "{boot}");
        assert!(boot.contains(&format!("new URL(\"./{}\"", glue.wasm)), "{boot}");
    }

    #[test]
    fn an_unknown_import_is_refused() {
        let bound = tempfile::tempdir().unwrap();
        fs::write(bound.path().join("web_bg.wasm"), "").unwrap();
        fs::write(bound.path().join("web.js"), "import './snippets/gone.js'").unwrap();
        assert!(add(&mut Assets::default(), bound.path()).is_err());
    }
}

//! What of the modules and their script is for no browser: names with hashes in them, by which
//! the two refer to each other, and the script's indentation and comments.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use walrus::{Module, ModuleConfig};

/// Begins what wasm-bindgen calls the functions that it imports and exports.
const LONG: [&str; 2] = ["__wbg_", "wasm_bindgen__"];

/// Encodes a module anew. References that a linker could still have changed have room for the
/// largest number; written again, they take what they need.
pub(super) fn module(wasm: &[u8]) -> Result<Vec<u8>> {
    Ok(parsed(wasm)?.emit_wasm())
}

/// Gives short names to the functions that a module and its script call each other.
pub(super) fn names(wasm: &[u8], script: &str) -> Result<(Vec<u8>, String)> {
    let mut module = parsed(wasm)?;
    let imported = module.imports.iter_mut().map(|import| &mut import.name);
    let exported = module.exports.iter_mut().map(|export| &mut export.name);
    let mut short = BTreeMap::new();
    for name in imported.chain(exported) {
        if LONG.iter().any(|begin| name.starts_with(begin)) {
            let number = short.len();
            let shorter = short.entry(name.clone()).or_insert_with(|| format!("_{number}"));
            name.clone_from(shorter);
        }
    }
    let script = renamed(script, &short);
    ensure!(!short.is_empty(), "wasm-bindgen has given no names that are known here");
    Ok((module.emit_wasm(), script))
}

fn parsed(wasm: &[u8]) -> Result<Module> {
    let mut config = ModuleConfig::new();
    config.generate_name_section(false).generate_producers_section(false);
    config.parse(wasm)
}

fn renamed(script: &str, short: &BTreeMap<String, String>) -> String {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    let mut out = String::with_capacity(script.len());
    let mut rest = script;
    while let Some(start) = rest.find(is_of_name) {
        let end = rest[start..].find(|c| !is_of_name(c)).map_or(rest.len(), |end| start + end);
        let word = &rest[start..end];
        out.push_str(&rest[..start]);
        out.push_str(short.get(word).map_or(word, String::as_str));
        rest = &rest[end..];
    }
    out + rest
}

/// The script without comments and indentation.
pub(super) fn script(script: &str) -> Result<String> {
    let mut out = String::with_capacity(script.len());
    let mut in_comment = false;
    for line in script.lines().map(str::trim) {
        // In a text that goes on on the next line, indentation would be part of it.
        ensure!(line.matches('`').count() % 2 == 0, "a text is open at the end of: {line}");
        in_comment |= line.starts_with("/*");
        if !in_comment && !line.is_empty() && !line.starts_with("//") {
            out.push_str(line);
            out.push('\n');
        }
        in_comment &= !line.ends_with("*/");
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names_alone_are_replaced() {
        let short = BTreeMap::from([("__wbg_new_1".to_owned(), "_0".to_owned())]);
        let script = "a.__wbg_new_1(__wbg_new_12, 'é');__wbg_new_1";
        assert_eq!(renamed(script, &short), "a._0(__wbg_new_12, 'é');_0");
    }

    #[test]
    fn a_script_keeps_what_it_does() {
        let text =
            "/**\n * What for.\n */\nfunction f() {\n    // Why.\n    return `a  b`;\n}\n/* c */\n";
        assert_eq!(script(text).unwrap(), "function f() {\nreturn `a  b`;\n}\n");
        assert!(script("f(`a\n  b`)").is_err());
    }

    #[test]
    fn a_module_and_its_script_go_on_to_understand_each_other() {
        let mut long = Module::default();
        let nothing = long.types.add(&[], &[]);
        let (function, _) =
            long.add_import_func("./web_bg.js", "__wbg_new_0123456789abcdef", nothing);
        long.exports.add("main", function);
        let script = "import0 = { __wbg_new_0123456789abcdef: f }; wasm.main()";
        let (short, script) = names(&long.emit_wasm(), script).unwrap();
        assert_eq!(script, "import0 = { _0: f }; wasm.main()");
        let short = Module::from_buffer(&short).unwrap();
        assert_eq!(short.imports.iter().next().unwrap().name, "_0");
        assert_eq!(short.exports.iter().next().unwrap().name, "main");
    }
}

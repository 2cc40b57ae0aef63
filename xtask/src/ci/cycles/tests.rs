use super::*;

/// Reads a crate with these files, given by their paths below `src` and their contents.
fn graph(files: &[(&str, &str)]) -> ModuleGraph {
    let directory = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = directory.path().join("src").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    ModuleGraph::read(directory.path()).unwrap()
}

fn edges(graph: &ModuleGraph) -> Vec<String> {
    graph.edges.keys().map(|(from, to)| graph.describe_edge(from, to)).collect()
}

#[test]
fn imports_and_paths_in_code_are_edges_between_top_level_modules() {
    let graph = graph(&[
        ("lib.rs", "mod a; mod b; mod c; pub use a::A; fn f() { c::run(); }"),
        ("a.rs", "mod inner; use crate::b::{B, more::{C as D}};"),
        ("a/inner.rs", "use super::A; use super::super::c::*; fn f() -> crate::b::B {}"),
        ("b/mod.rs", "use super::{c, c::C}; use std::fs;"),
        ("c.rs", "pub(crate) fn f() {} mod d { pub(super) fn g() {} }"),
    ]);
    let root = "(root) → a in (root)";
    let expected =
        [root, "(root) → c in (root)", "a → b in a, a::inner", "a → c in a::inner", "b → c in b"];
    assert_eq!(edges(&graph), expected);
    assert!(graph.cycles().is_empty());
}

#[test]
fn a_path_to_an_item_of_the_root_is_an_edge_to_the_root() {
    let graph = graph(&[
        ("lib.rs", "mod a; mod b; pub use a::A; pub struct Root;"),
        ("a.rs", "use crate::Root;"),
        ("b.rs", "use crate::{Root, a::A};"),
    ]);
    let expected = ["modules in a cycle: (root), a", "  (root) → a in (root)", "  a → (root) in a"];
    assert_eq!(graph.cycles(), [expected.join("\n")]);
}

#[test]
fn a_module_with_a_path_is_read_for_each_module_that_declares_it() {
    let path = "#[path = \"shared/mod.rs\"] mod shared;";
    let graph = graph(&[
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", path),
        ("b.rs", path),
        ("c.rs", ""),
        ("shared/mod.rs", "mod inner;"),
        ("shared/inner.rs", "use crate::c::C;"),
    ]);
    let expected = ["a → c in a::shared::inner", "b → c in b::shared::inner"];
    assert_eq!(edges(&graph), expected);
}

#[test]
fn modules_that_reach_each_other_through_others_are_one_cycle() {
    let graph = graph(&[
        ("main.rs", "mod a; mod b; mod c; mod d; use d::D;"),
        ("a.rs", "use crate::b::B;"),
        ("b.rs", "mod inner;"),
        ("b/inner.rs", "fn f() { crate::c::run() }"),
        ("c.rs", "use crate::a::A; mod inner { use crate::a::A; }"),
        ("d.rs", "use crate::a::A;"),
    ]);
    let cycles = graph.cycles();
    let [cycle] = &cycles[..] else { panic!("{cycles:?}") };
    assert!(cycle.starts_with("modules in a cycle: a, b, c\n"), "{cycle}");
    assert!(cycle.contains("b → c in b::inner"), "{cycle}");
    assert!(cycle.contains("c → a in c, c::inner"), "{cycle}");
}

#[test]
fn a_module_within_a_file_has_its_own_parent() {
    let graph = graph(&[
        ("lib.rs", "mod a; mod prelude { pub use super::a::A; }"),
        ("a.rs", "mod inner { use super::X; use super::super::prelude::A; }"),
    ]);
    assert_eq!(edges(&graph), ["a → prelude in a::inner", "prelude → a in prelude"]);
    assert_eq!(graph.cycles().len(), 1);
}

#[test]
fn tests_may_import_anything() {
    let graph = graph(&[
        ("lib.rs", "mod a; pub use a::A; pub struct Root; #[cfg(test)] mod tests;"),
        ("a.rs", "#[cfg(test)] mod tests { use crate::Root; } #[cfg(test)] use crate::Root;"),
    ]);
    assert_eq!(edges(&graph), ["(root) → a in (root)"]);
}

#[test]
fn the_workspace_has_no_cycles() {
    assert_eq!(
        violations(&crate::workspace::metadata_command().exec().unwrap()).unwrap(),
        Vec::<String>::new()
    );
}

//! Checks that the modules of a crate do not depend on each other in a cycle.
//!
//! The nodes of the graph are the modules that the crate root declares, including everything inside
//! them. The path `crate::throttle::Attempt` makes an edge to `throttle`. The path `crate::Attempt`
//! makes an edge to the crate root, which in turn has edges to all modules that it imports or
//! re-exports from. Items that are compiled for tests only are ignored, and so are the arguments of
//! macros. A module with a `path` belongs to the module that declares it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use cargo_metadata::Metadata;
use syn::visit::{self, Visit};
use syn::{Attribute, File, Item, ItemMod, ItemUse, UseTree};

/// The name of the crate root in a [`ModuleGraph`].
const ROOT: &str = "(root)";

/// Returns one description for each cycle in a crate of the workspace.
pub(super) fn violations(metadata: &Metadata) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for package in metadata.workspace_packages() {
        let directory = package.manifest_path.parent().context("a manifest has no directory")?;
        let graph = ModuleGraph::read(directory.as_std_path())?;
        lines.extend(graph.cycles().iter().map(|cycle| format!("{}: {cycle}", package.name)));
    }
    Ok(lines)
}

/// The dependencies between the modules of a crate.
struct ModuleGraph {
    /// The modules that the crate root declares.
    modules: BTreeSet<String>,
    /// The edges from module to module, each with the inner modules that cause it.
    edges: BTreeMap<(String, String), BTreeSet<String>>,
}

impl ModuleGraph {
    /// Reads the source files of the crate in a directory.
    fn read(directory: &Path) -> Result<Self> {
        let source = directory.join("src");
        let root = parse_first(&source, &["lib.rs".to_owned(), "main.rs".to_owned()])?;
        let modules = root.items.iter().filter_map(|item| match item {
            Item::Mod(module) => Some(module.ident.to_string()),
            _ => None,
        });
        let mut graph = Self { modules: modules.collect(), edges: BTreeMap::new() };
        let mut open = graph.scan(Vec::new(), "", &root);
        while let Some(Child { path, file }) = open.pop() {
            let parsed = parse_first(&source, &[format!("{file}.rs"), format!("{file}/mod.rs")])?;
            open.extend(graph.scan(path, &file, &parsed));
        }
        Ok(graph)
    }

    /// Adds the edges of a file, whose name without `.rs` is `file`. Returns the modules that it
    /// declares and that have their own files.
    fn scan(&mut self, path: Vec<String>, file: &str, parsed: &File) -> Vec<Child> {
        let folder: Vec<_> = file.split('/').filter(|part| !part.is_empty()).collect();
        let folder = folder.into_iter().map(str::to_owned).collect();
        let mut scan = Scan { graph: self, path, folder, children: Vec::new() };
        scan.visit_file(parsed);
        scan.children
    }

    /// Describes each group of modules that can all reach each other, and the edges between them.
    fn cycles(&self) -> Vec<String> {
        let mut groups = BTreeSet::new();
        for module in self.modules.iter().map(String::as_str).chain([ROOT]) {
            let mut group = self.reachable(module);
            group.retain(|other| self.reachable(other).contains(module));
            if !group.is_empty() {
                groups.insert(group);
            }
        }
        groups.iter().map(|group| self.describe(group)).collect()
    }

    /// Returns the modules that can be reached from a module, directly or through others.
    fn reachable(&self, from: &str) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut open = vec![from];
        while let Some(module) = open.pop() {
            for (_, to) in self.edges.keys().filter(|(from, _)| from == module) {
                if found.insert(to.as_str()) {
                    open.push(to);
                }
            }
        }
        found
    }

    fn describe(&self, group: &BTreeSet<&str>) -> String {
        let names: Vec<_> = group.iter().copied().collect();
        let mut text = format!("modules in a cycle: {}", names.join(", "));
        for (from, to) in self.edges.keys() {
            if group.contains(from.as_str()) && group.contains(to.as_str()) {
                text.push_str(&format!("\n  {}", self.describe_edge(from, to)));
            }
        }
        text
    }

    fn describe_edge(&self, from: &str, to: &str) -> String {
        let causes = self.edges.get(&(from.to_owned(), to.to_owned()));
        let causes: Vec<_> = causes.into_iter().flatten().map(String::as_str).collect();
        format!("{from} → {to} in {}", causes.join(", "))
    }
}

/// A module with its own file.
struct Child {
    path: Vec<String>,
    /// The path of the file in the folder of the sources, without `.rs` or `/mod.rs`.
    file: String,
}

/// A visitor of the paths in one file. It ignores items that are compiled for tests only.
struct Scan<'a> {
    graph: &'a mut ModuleGraph,
    /// The path of the visited module, which may be a module inside the file.
    path: Vec<String>,
    /// The folder of the files of modules that are declared here.
    folder: Vec<String>,
    /// The modules that are declared here and have their own files.
    children: Vec<Child>,
}

impl Visit<'_> for Scan<'_> {
    fn visit_item(&mut self, item: &Item) {
        if !is_for_tests(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, module: &ItemMod) {
        self.path.push(module.ident.to_string());
        self.folder.push(module.ident.to_string());
        if module.content.is_some() {
            visit::visit_item_mod(self, module);
        } else {
            let file = match explicit_path(&module.attrs) {
                Some(path) => path,
                None => self.folder.join("/"),
            };
            self.children.push(Child { path: self.path.clone(), file });
        }
        self.folder.pop();
        self.path.pop();
    }

    fn visit_item_use(&mut self, import: &ItemUse) {
        self.add_imports(&import.tree, &mut Vec::new());
    }

    fn visit_path(&mut self, path: &syn::Path) {
        let segments: Vec<_> = path.segments.iter().map(|it| it.ident.to_string()).collect();
        self.add_edge(&segments);
        visit::visit_path(self, path);
    }
}

/// Returns the value of `#[path = "…"]` without `.rs` or `/mod.rs`. It is taken to be relative to
/// the folder of the sources, as it is for a module of the crate root's own modules.
fn explicit_path(attributes: &[Attribute]) -> Option<String> {
    let attribute = attributes.iter().find(|attribute| attribute.path().is_ident("path"))?;
    let syn::Meta::NameValue(path) = &attribute.meta else { return None };
    let syn::Expr::Lit(literal) = &path.value else { return None };
    let syn::Lit::Str(path) = &literal.lit else { return None };
    let path = path.value();
    let path = path.strip_suffix(".rs").unwrap_or(&path);
    Some(path.strip_suffix("/mod").unwrap_or(path).to_owned())
}

impl Scan<'_> {
    fn add_imports(&mut self, tree: &UseTree, prefix: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.add_imports(&path.tree, prefix);
                prefix.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_imports(tree, prefix);
                }
            }
            UseTree::Name(name) => self.add_import(prefix, name.ident.to_string()),
            UseTree::Rename(rename) => self.add_import(prefix, rename.ident.to_string()),
            UseTree::Glob(_) => self.add_import(prefix, "*".to_owned()),
        }
    }

    fn add_import(&mut self, prefix: &[String], name: String) {
        let mut path = prefix.to_vec();
        path.push(name);
        self.add_edge(&path);
    }

    /// Adds the edge for a path, if the path leads out of the top-level module.
    fn add_edge(&mut self, path: &[String]) {
        let Some(to) = self.target(path) else { return };
        let from = self.path.first().map_or(ROOT, String::as_str);
        if from != to {
            let cause = if self.path.is_empty() { ROOT.to_owned() } else { self.path.join("::") };
            let edge = (from.to_owned(), to.to_owned());
            self.graph.edges.entry(edge).or_default().insert(cause);
        }
    }

    /// Returns the module that a path leads to, or the root if the path leads to an item of the
    /// root.
    fn target<'p>(&self, path: &'p [String]) -> Option<&'p str> {
        let supers = path.iter().take_while(|segment| *segment == "super").count();
        // A `crate` or `super` alone is a visibility, such as `pub(crate)`.
        let below_root = match path.first()?.as_str() {
            "crate" => path.get(1)?,
            "super" if supers == self.path.len() => path.get(supers)?,
            // At the root, modules need no prefix.
            name if self.path.is_empty() && self.graph.modules.contains(name) => name,
            _ => return None,
        };
        Some(if self.graph.modules.contains(below_root) { below_root } else { ROOT })
    }
}

/// Parses the first of these files that exists.
fn parse_first(directory: &Path, names: &[String]) -> Result<File> {
    let mut files = names.iter().map(|name| directory.join(name));
    let file = files.find(|file| file.is_file()).with_context(|| {
        format!("{} contains neither {}", directory.display(), names.join(" nor "))
    })?;
    let text = fs::read_to_string(&file)?;
    syn::parse_file(&text).with_context(|| format!("{} cannot be parsed", file.display()))
}

fn is_for_tests(item: &Item) -> bool {
    attributes(item).iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|argument| argument.is_ident("test"))
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

#[cfg(test)]
mod tests;

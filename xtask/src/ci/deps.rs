//! Checks the layers of the workspace: the crates that each crate may depend on.
//!
//! A crate may depend only on crates of lower layers. It must not depend on libraries that belong
//! to another layer.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use cargo_metadata::semver::Version;
use cargo_metadata::{CargoOpt, DependencyKind, Metadata, Package};

use super::{crate_counts, cycles, deny};
use crate::workspace;

/// The allowed dependencies of a crate of the workspace. Dev-dependencies are not limited.
struct Rule {
    name: &'static str,
    /// The crates of the workspace that the crate may depend on.
    workspace: &'static [&'static str],
    /// If given, the only other crates that the crate may depend on directly.
    only: Option<&'static [&'static str]>,
    /// Crates that the crate must not depend on directly. Its dependencies may depend on them.
    not_directly: &'static [&'static str],
    /// Crates that the crate must not depend on directly or indirectly.
    not_at_all: &'static [&'static str],
}

const RULES: [Rule; 17] = [
    Rule { only: Some(&["sha2", "zeroize"]), ..rule("pbkdf2-lanes", &[]) },
    Rule {
        not_at_all: &["hyper", "rusqlite", "tokio", "warp"],
        ..rule("auth-core", &["pbkdf2-lanes"])
    },
    Rule { only: Some(&["schemars", "serde", "serde_json"]), ..rule("api-types", &[]) },
    Rule { not_directly: &["hyper", "jsonwebtoken", "warp"], ..rule("user-store", &["auth-core"]) },
    Rule {
        not_directly: &["hyper", "rusqlite", "serde_json", "warp"],
        ..rule("accounts", &["api-types", "auth-core", "user-store"])
    },
    Rule {
        not_directly: &["hyper", "rusqlite", "warp"],
        ..rule("mail", &["accounts", "auth-core"])
    },
    Rule {
        not_directly: &["jsonwebtoken", "pbkdf2", "rusqlite"],
        ..rule("api", &["accounts", "api-types"])
    },
    Rule {
        not_directly: &["hyper", "jsonwebtoken", "pbkdf2", "rusqlite", "serde_json"],
        not_at_all: &["warp"],
        ..rule("axum-accounts", &["accounts", "api-types"])
    },
    Rule {
        not_directly: &["hyper", "rusqlite", "warp"],
        ..rule("web", &["api-types", "auth-core", "yew-session"])
    },
    Rule { not_directly: &["hyper", "rusqlite", "warp"], ..rule("yew-session", &["api-types"]) },
    Rule {
        not_directly: &["hyper", "rusqlite", "serde_json"],
        ..rule("pages", &["accounts", "api", "api-types", "auth-core"])
    },
    rule("latchkey", &["accounts", "api", "auth-core", "mail", "pages", "user-store"]),
    rule("bench", &["auth-core", "pbkdf2-lanes", "user-store"]),
    rule("fuzz", &["api", "api-types", "auth-core"]),
    Rule { only: Some(&["rcgen", "tempfile", "thiserror", "tokio"]), ..rule("test-postgres", &[]) },
    Rule { only: Some(&["base64", "rcgen", "tokio", "tokio-rustls"]), ..rule("test-smtp", &[]) },
    rule("xtask", &["test-postgres"]),
];

const fn rule(name: &'static str, workspace: &'static [&'static str]) -> Rule {
    Rule { name, workspace, only: None, not_directly: &[], not_at_all: &[] }
}

pub(super) fn check() -> Result<()> {
    let mut command = workspace::metadata_command();
    let metadata = command.features(CargoOpt::AllFeatures).exec()?;
    let mut violations = Graph::from_metadata(&metadata).violations();
    violations.extend(too_new_packages(&metadata));
    violations.extend(cycles::violations(&metadata)?);
    if !violations.is_empty() {
        bail!("these dependencies break the rules:\n{}", violations.join("\n"));
    }
    eprintln!("the dependencies of {} packages follow the rules", metadata.packages.len());
    crate_counts::check()?;
    deny::check()
}

/// Returns whether a package, outside its own tests, enables the feature `testing` of a dependency.
/// Its own feature `testing` is allowed to do so.
fn enables_testing(package: &Package) -> bool {
    let is_normal = |kind| kind != DependencyKind::Development;
    let by_dependency = package.dependencies.iter().any(|dependency| {
        is_normal(dependency.kind) && dependency.features.iter().any(|feature| feature == "testing")
    });
    let by_feature = package.features.iter().any(|(name, enabled)| {
        let is_testing = |it: &String| it == "testing" || it.ends_with("/testing");
        name != "testing" && enabled.iter().any(is_testing)
    });
    by_dependency || by_feature
}

/// Returns one line for each package that requires a newer Rust than the workspace does.
fn too_new_packages(metadata: &Metadata) -> Vec<String> {
    let ours = metadata.workspace_packages();
    let oldest = ours.iter().find_map(|package| package.rust_version.as_ref());
    metadata.packages.iter().filter_map(|package| too_new(package, oldest)).collect()
}

fn too_new(package: &Package, oldest: Option<&Version>) -> Option<String> {
    let required = package.rust_version.as_ref().filter(|required| Some(*required) > oldest)?;
    Some(format!("{}: requires Rust {required}, which is newer than `rust-version`", package.name))
}

/// The part of `cargo metadata` that the rules apply to.
struct Graph {
    /// The crates of the workspace.
    workspace: Vec<String>,
    edges: Vec<Edge>,
    /// The features of `auth-core` that `web` enables.
    web_features: Vec<String>,
    /// Crates whose dependencies or features enable a feature `testing`.
    enabling_testing: Vec<String>,
}

/// A resolved dependency of one package on another, by name.
struct Edge {
    from: String,
    to: String,
    dev_only: bool,
}

impl Graph {
    fn from_metadata(metadata: &Metadata) -> Self {
        let name = |id| metadata[id].name.to_string();
        let mut edges = Vec::new();
        for node in metadata.resolve.iter().flat_map(|resolve| &resolve.nodes) {
            for dep in &node.deps {
                let dev_only =
                    dep.dep_kinds.iter().all(|it| it.kind == DependencyKind::Development);
                edges.push(Edge { from: name(&node.id), to: name(&dep.pkg), dev_only });
            }
        }
        let packages = metadata.workspace_packages();
        let web = packages.iter().filter(|package| package.name == "web");
        let mut web_features = Vec::new();
        for dependency in web.flat_map(|web| &web.dependencies) {
            if dependency.name == "auth-core" && dependency.kind == DependencyKind::Normal {
                web_features.extend(dependency.features.clone());
                if dependency.uses_default_features {
                    web_features.push("default".to_owned());
                }
            }
        }
        let enabling_testing = packages.iter().filter(|package| enables_testing(package));
        Self {
            workspace: packages.iter().map(|package| package.name.to_string()).collect(),
            edges,
            web_features,
            enabling_testing: enabling_testing.map(|package| package.name.to_string()).collect(),
        }
    }

    /// Returns one line for each violation of a rule.
    fn violations(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for name in &self.workspace {
            match RULES.iter().find(|rule| rule.name == name) {
                Some(rule) => lines.extend(self.violations_of(rule)),
                None => lines.push(format!(
                    "{name}: has no dependency rule; add one to xtask/src/ci/deps.rs"
                )),
            }
        }
        for feature in &self.web_features {
            if ["default", "hash", "token", "verify"].contains(&feature.as_str()) {
                lines.push(format!(
                    "web → auth-core/{feature}: the browser needs only `credentials`"
                ));
            }
        }
        for name in self.enabling_testing.iter().filter(|name| *name != "fuzz") {
            lines.push(format!("{name}: only tests may enable the feature `testing`"));
        }
        lines
    }

    fn violations_of(&self, rule: &Rule) -> Vec<String> {
        let mut lines = Vec::new();
        for to in self.dependencies(rule.name) {
            let is_ours = self.workspace.iter().any(|name| name == to);
            let reason = if is_ours && !rule.workspace.contains(&to) {
                format!("{} may depend only on {:?} in the workspace", rule.name, rule.workspace)
            } else if rule.not_directly.contains(&to) {
                "this library belongs to another layer".to_owned()
            } else if let Some(only) = rule.only
                && !is_ours
                && !only.contains(&to)
            {
                format!("{} may depend only on {only:?}", rule.name)
            } else {
                continue;
            };
            lines.push(format!("{} → {to}: {reason}", rule.name));
        }
        let all = self.transitive_dependencies(rule.name);
        for to in rule.not_at_all.iter().filter(|to| all.contains(**to)) {
            lines.push(format!("{} ⇢ {to}: not allowed, not even indirectly", rule.name));
        }
        lines
    }

    /// Returns the direct dependencies of a package, without dev-dependencies.
    fn dependencies<'a>(&'a self, from: &'a str) -> impl Iterator<Item = &'a str> {
        let edges = self.edges.iter().filter(move |edge| edge.from == from && !edge.dev_only);
        edges.map(|edge| edge.to.as_str())
    }

    fn transitive_dependencies<'a>(&'a self, from: &'a str) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        let mut open = vec![from];
        while let Some(name) = open.pop() {
            open.extend(self.dependencies(name).filter(|to| found.insert(*to)));
        }
        found
    }
}

#[cfg(test)]
mod tests;

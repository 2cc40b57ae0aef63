//! Who may depend on whom: arrows between our crates point down, and each crate is kept
//! from the libraries of the layers it must know nothing of.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use cargo_metadata::semver::Version;
use cargo_metadata::{CargoOpt, DependencyKind, Metadata, Package};

use super::{counts, licences, sources};
use crate::workspace;

/// What one of our crates may need. Tests are free to need more.
struct Rule {
    name: &'static str,
    /// Those of our crates it may depend on.
    ours: &'static [&'static str],
    /// All else it may depend on, where that is limited.
    only: Option<&'static [&'static str]>,
    /// What it must not depend on itself; it may come with what is below it.
    not_itself: &'static [&'static str],
    /// What must not even come with what is below it.
    not_at_all: &'static [&'static str],
}

const RULES: [Rule; 11] = [
    Rule { only: Some(&["sha2", "zeroize"]), ..rule("pbkdf2-lanes", &[]) },
    Rule {
        not_at_all: &["hyper", "rusqlite", "tokio", "warp"],
        ..rule("auth-core", &["pbkdf2-lanes"])
    },
    Rule { only: Some(&["schemars", "serde"]), ..rule("api-types", &[]) },
    Rule { not_itself: &["hyper", "jsonwebtoken", "warp"], ..rule("user-store", &["auth-core"]) },
    Rule {
        not_itself: &["hyper", "rusqlite", "serde_json", "warp"],
        ..rule("accounts", &["auth-core", "user-store"])
    },
    Rule {
        not_itself: &["jsonwebtoken", "pbkdf2", "rusqlite"],
        ..rule("api", &["accounts", "api-types"])
    },
    Rule { not_itself: &["hyper", "rusqlite", "warp"], ..rule("web", &["api-types", "auth-core"]) },
    rule("latchkey", &["accounts", "api", "api-types", "auth-core", "user-store"]),
    rule("bench", &["auth-core", "pbkdf2-lanes", "user-store"]),
    rule("fuzz", &["api", "api-types", "auth-core"]),
    rule("xtask", &[]),
];

/// What no crate may need, tests included; `.cargo/deny.toml` says why.
const BANNED: [&str; 4] = ["native-tls", "openssl", "openssl-sys", "rsa"];

const fn rule(name: &'static str, ours: &'static [&'static str]) -> Rule {
    Rule { name, ours, only: None, not_itself: &[], not_at_all: &[] }
}

pub(super) fn check() -> Result<()> {
    let mut command = workspace::metadata_command();
    let metadata = command.features(CargoOpt::AllFeatures).exec()?;
    let mut violations = Graph::of(&metadata).violations();
    let oldest = metadata.workspace_packages().into_iter().find_map(|it| it.rust_version.clone());
    for package in &metadata.packages {
        violations.extend(sources::violation(&package.name, package.source.as_ref()));
        violations.extend(too_new(package, oldest.as_ref()));
        let licence = package.license.as_deref().unwrap_or("(none)");
        if !licences::is_allowed(licence).unwrap_or(false) {
            violations.push(format!("{}: the licence {licence} is not allowed", package.name));
        }
    }
    if !violations.is_empty() {
        bail!("rules of dependency are broken:\n{}", violations.join("\n"));
    }
    eprintln!("{} packages keep the rules", metadata.packages.len());
    counts::check()
}

/// What is wrong with a package that takes no Rust as old as ours does.
fn too_new(package: &Package, oldest: Option<&Version>) -> Option<String> {
    let needs = package.rust_version.as_ref().filter(|needs| Some(*needs) > oldest)?;
    Some(format!("{}: it needs Rust {needs}, which is newer than `rust-version`", package.name))
}

/// The part of `cargo metadata` that the rules are about.
struct Graph {
    ours: Vec<String>,
    edges: Vec<Edge>,
    /// The features of auth-core that the SPA asks for.
    web_features: Vec<String>,
}

/// A resolved dependency, by names.
struct Edge {
    from: String,
    to: String,
    for_tests: bool,
}

impl Graph {
    fn of(metadata: &Metadata) -> Self {
        let ours = metadata.workspace_packages();
        let name = |id| metadata[id].name.to_string();
        let nodes = metadata.resolve.iter().flat_map(|resolve| &resolve.nodes);
        let edges = nodes.flat_map(|node| {
            node.deps.iter().map(move |dep| Edge {
                from: name(&node.id),
                to: name(&dep.pkg),
                for_tests: dep.dep_kinds.iter().all(|dep| dep.kind == DependencyKind::Development),
            })
        });
        let web = ours.iter().filter(|package| package.name == "web");
        let needs = web.flat_map(|web| &web.dependencies);
        let mut web_features = Vec::new();
        for need in
            needs.filter(|need| need.name == "auth-core" && need.kind == DependencyKind::Normal)
        {
            web_features.extend(need.uses_default_features.then(|| "default".to_owned()));
            web_features.extend(need.features.clone());
        }
        Self {
            edges: edges.collect(),
            ours: ours.iter().map(|package| package.name.to_string()).collect(),
            web_features,
        }
    }

    /// One line for each broken rule: who, what, and the rule.
    fn violations(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for name in &self.ours {
            match RULES.iter().find(|rule| rule.name == name) {
                Some(rule) => lines.extend(self.violations_of(rule)),
                None => lines.push(format!("{name}: no rule says what it may depend on")),
            }
        }
        for Edge { from, to, .. } in &self.edges {
            if BANNED.contains(&to.as_str()) {
                lines.push(format!("{from} → {to}: nothing may depend on {to}"));
            }
        }
        for feature in &self.web_features {
            if ["default", "hash", "token", "verify"].contains(&feature.as_str()) {
                lines.push(format!(
                    "web → auth-core/{feature}: the browser gets the vocabulary alone"
                ));
            }
        }
        lines
    }

    fn violations_of(&self, rule: &Rule) -> Vec<String> {
        let mut lines = Vec::new();
        for to in self.needs(rule.name) {
            let reason = if self.ours.iter().any(|name| name == to) {
                let breaks = !rule.ours.contains(&to);
                breaks.then(|| format!("of ours it may depend on {:?}", rule.ours))
            } else if rule.not_itself.contains(&to) {
                Some("of a layer it must know nothing of".to_owned())
            } else {
                let only = rule.only.filter(|only| !only.contains(&to));
                only.map(|only| format!("it may depend on {only:?}"))
            };
            lines.extend(reason.map(|reason| format!("{} → {to}: {reason}", rule.name)));
        }
        let all = self.all_needs(rule.name);
        for to in rule.not_at_all.iter().filter(|to| all.contains(**to)) {
            lines.push(format!("{} ⇢ {to}: not even by way of others", rule.name));
        }
        lines
    }

    /// What a crate itself depends on, outside its tests.
    fn needs<'a>(&'a self, from: &'a str) -> impl Iterator<Item = &'a str> {
        let edges = self.edges.iter().filter(move |edge| edge.from == from && !edge.for_tests);
        edges.map(|edge| edge.to.as_str())
    }

    /// What it depends on, and what that depends on, and so on.
    fn all_needs<'a>(&'a self, from: &'a str) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        let mut open = vec![from];
        while let Some(name) = open.pop() {
            open.extend(self.needs(name).filter(|need| found.insert(*need)));
        }
        found
    }
}

#[cfg(test)]
mod tests;

use super::*;

/// Builds a graph of all crates of the workspace, with these dependencies.
fn graph(edges: &[(&str, &str)]) -> Graph {
    let edge = |(from, to): &(&str, &str)| Edge {
        from: (*from).to_owned(),
        to: (*to).to_owned(),
        dev_only: false,
    };
    Graph {
        workspace: RULES.iter().map(|rule| rule.name.to_owned()).collect(),
        edges: edges.iter().map(edge).collect(),
        web_features: Vec::new(),
        enabling_testing: Vec::new(),
    }
}

#[test]
fn allowed_dependencies_are_no_violation() {
    let violations = graph(&[
        ("user-store", "auth-core"),
        ("user-store", "rusqlite"),
        ("accounts", "user-store"),
        ("accounts", "auth-core"),
        ("api", "accounts"),
        ("api", "api-types"),
        ("api-types", "serde"),
        ("api-types", "serde_json"),
        ("web", "auth-core"),
        ("web", "api-types"),
        ("latchkey", "api"),
        ("latchkey", "mail"),
        ("mail", "accounts"),
        ("auth-core", "jsonwebtoken"),
        ("jsonwebtoken", "serde_json"),
    ])
    .violations();
    assert_eq!(violations, Vec::<String>::new());
}

#[test]
fn each_violation_is_one_line_that_names_both_crates() {
    for (from, to) in [
        ("auth-core", "user-store"),
        ("user-store", "accounts"),
        ("api", "auth-core"),
        ("api", "user-store"),
        ("xtask", "auth-core"),
        ("accounts", "mail"),
        ("mail", "user-store"),
        ("accounts", "serde_json"),
        ("accounts", "rusqlite"),
        ("api", "pbkdf2"),
        ("user-store", "warp"),
        ("auth-core", "tokio"),
        ("api-types", "serde_with"),
    ] {
        let violations = graph(&[(from, to)]).violations();
        let [line] = &violations[..] else { panic!("{from} → {to}: {violations:?}") };
        assert!(line.starts_with(from) && line.contains(to), "{line}");
    }
}

#[test]
fn a_forbidden_transitive_dependency_is_found() {
    let graph = graph(&[("auth-core", "helper"), ("helper", "inner"), ("inner", "tokio")]);
    assert_eq!(graph.violations(), ["auth-core ⇢ tokio: not allowed, not even indirectly"]);
}

#[test]
fn dev_dependencies_are_not_limited() {
    let mut graph = graph(&[("auth-core", "tokio"), ("api", "user-store")]);
    for edge in &mut graph.edges {
        edge.dev_only = true;
    }
    assert_eq!(graph.violations(), Vec::<String>::new());
}

#[test]
fn the_browser_must_not_enable_more_than_credentials() {
    let mut graph = graph(&[]);
    graph.web_features = vec!["default".to_owned()];
    assert_eq!(graph.violations().len(), 1);
}

#[test]
fn a_crate_without_a_rule_is_a_violation() {
    let mut graph = graph(&[]);
    graph.workspace.push("newcomer".to_owned());
    assert_eq!(
        graph.violations(),
        ["newcomer: has no dependency rule; add one to xtask/src/ci/deps.rs"]
    );
}

#[test]
fn only_the_fuzz_targets_may_enable_the_feature_testing() {
    let mut graph = graph(&[]);
    graph.enabling_testing = vec!["fuzz".to_owned()];
    assert_eq!(graph.violations(), Vec::<String>::new());
    graph.enabling_testing.push("latchkey".to_owned());
    assert_eq!(graph.violations(), ["latchkey: only tests may enable the feature `testing`"]);
}

#[test]
fn the_feature_testing_is_found_in_dependencies_and_features() {
    let package = |dependency: &str, features: &str| -> Package {
        let text = format!(
            r#"{{"name": "api", "version": "0.1.0", "id": "api", "manifest_path": "/api/Cargo.toml",
            "targets": [], "features": {features}, "dependencies": [{dependency}]}}"#
        );
        serde_json::from_str(&text).unwrap()
    };
    let dependency = |kind: &str, feature: &str| {
        format!(
            r#"{{"name": "accounts", "req": "*", "kind": {kind}, "optional": false,
            "uses_default_features": true, "features": ["{feature}"]}}"#
        )
    };
    assert!(enables_testing(&package(&dependency("null", "testing"), "{}")));
    assert!(!enables_testing(&package(&dependency("null", "sqlite"), "{}")));
    assert!(!enables_testing(&package(&dependency("\"dev\"", "testing"), "{}")));
    assert!(enables_testing(&package("", r#"{"default": ["accounts/testing"]}"#)));
    assert!(!enables_testing(&package("", r#"{"testing": ["accounts/testing"]}"#)));
}

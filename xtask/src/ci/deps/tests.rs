use super::*;

/// All our crates, with these dependencies.
fn graph(edges: &[(&str, &str)]) -> Graph {
    let edge = |(from, to): &(&str, &str)| Edge {
        from: (*from).to_owned(),
        to: (*to).to_owned(),
        for_tests: false,
    };
    Graph {
        ours: RULES.iter().map(|rule| rule.name.to_owned()).collect(),
        edges: edges.iter().map(edge).collect(),
        web_features: Vec::new(),
    }
}

#[test]
fn the_arrows_as_they_are_meant_break_no_rule() {
    let violations = graph(&[
        ("user-store", "auth-core"),
        ("user-store", "rusqlite"),
        ("accounts", "user-store"),
        ("accounts", "auth-core"),
        ("api", "accounts"),
        ("api", "api-types"),
        ("api-types", "serde"),
        ("web", "auth-core"),
        ("web", "api-types"),
        ("latchkey", "api"),
        ("auth-core", "jsonwebtoken"),
        ("jsonwebtoken", "serde_json"),
    ])
    .violations();
    assert_eq!(violations, Vec::<String>::new());
}

#[test]
fn each_broken_rule_is_one_line_that_names_both_ends() {
    for (from, to) in [
        ("auth-core", "user-store"),
        ("user-store", "accounts"),
        ("api", "auth-core"),
        ("api", "user-store"),
        ("xtask", "auth-core"),
        ("accounts", "serde_json"),
        ("accounts", "rusqlite"),
        ("api", "pbkdf2"),
        ("user-store", "warp"),
        ("auth-core", "tokio"),
        ("api-types", "serde_json"),
        ("latchkey", "openssl"),
        ("somebody-else", "rsa"),
    ] {
        let violations = graph(&[(from, to)]).violations();
        let [line] = &violations[..] else { panic!("{from} → {to}: {violations:?}") };
        assert!(line.starts_with(from) && line.contains(to), "{line}");
    }
}

#[test]
fn a_way_round_is_found() {
    let violations = graph(&[("auth-core", "helper"), ("helper", "inner"), ("inner", "tokio")]);
    assert_eq!(violations.violations(), ["auth-core ⇢ tokio: not even by way of others"]);
}

#[test]
fn tests_are_free_to_depend_on_more() {
    let mut graph = graph(&[("auth-core", "tokio"), ("api", "user-store")]);
    for edge in &mut graph.edges {
        edge.for_tests = true;
    }
    assert_eq!(graph.violations(), Vec::<String>::new());
}

#[test]
fn the_browser_gets_the_vocabulary_alone() {
    let mut graph = graph(&[]);
    graph.web_features = vec!["default".to_owned()];
    assert_eq!(graph.violations().len(), 1);
}

#[test]
fn a_crate_without_a_rule_is_a_violation() {
    let mut graph = graph(&[]);
    graph.ours.push("newcomer".to_owned());
    assert_eq!(graph.violations(), ["newcomer: no rule says what it may depend on"]);
}

#[test]
fn cargo_deny_bans_the_same() {
    let deny = include_str!("../../../../.cargo/deny.toml").parse::<toml::Table>().unwrap();
    let listed: Vec<_> = deny["bans"]["deny"].as_array().unwrap().iter().collect();
    let banned = BANNED.map(|name| toml::Value::String(name.to_owned()));
    assert_eq!(listed, banned.iter().collect::<Vec<_>>());
}

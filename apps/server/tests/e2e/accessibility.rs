//! Checks of the accessibility tree, which assistive technologies read.

use serde_json::{Value, json};

use crate::visitor::Visitor;

/// The roles of elements that must have a name.
const NAMED: [&str; 7] = ["button", "checkbox", "dialog", "heading", "image", "link", "textbox"];

impl Visitor {
    /// Checks that each control, image, heading and dialog has a name, and that each id is unique.
    pub(crate) async fn can_read_the_page(&self) {
        let repeated = "[...document.querySelectorAll('[id]')].map(element => element.id)
            .filter((id, index, ids) => ids.indexOf(id) !== index)";
        assert_eq!(self.script(repeated).await, json!([]), "ids are not unique");
        let tree = self.browser.devtools("Accessibility.getFullAXTree", json!({})).await;
        let nodes: Vec<_> = tree["nodes"].as_array().unwrap().iter().filter(is_named).collect();
        assert!(!nodes.is_empty());
        for node in nodes {
            assert_ne!(node["name"]["value"], "", "{node}");
        }
    }

    /// Returns the names of the elements with a role, in the order in which they are read.
    pub(crate) async fn names(&self, role: &str) -> Vec<String> {
        let tree = self.browser.devtools("Accessibility.getFullAXTree", json!({})).await;
        let nodes = tree["nodes"].as_array().unwrap().iter();
        let nodes = nodes.filter(|node| node["ignored"] == false && node["role"]["value"] == role);
        nodes.map(|node| node["name"]["value"].as_str().unwrap().to_owned()).collect()
    }
}

fn is_named(node: &&Value) -> bool {
    let role = node["role"]["value"].as_str().unwrap_or_default();
    node["ignored"] == false && NAMED.contains(&role)
}

use std::fmt::Write as _;

use rust_embed::EmbeddedFile;

use crate::own_file::short_hash;

/// The texts that are filled into the template of the page.
pub(crate) struct Filling {
    /// Each placeholder with its value, which is HTML.
    values: Vec<(&'static str, String)>,
    /// A tag that replaces the one that links to the icon.
    icon: Option<String>,
    hash: String,
}

impl Filling {
    pub(crate) fn new(values: Vec<(&'static str, String)>, icon: Option<String>) -> Self {
        let mut all = icon.clone().unwrap_or_default();
        for (name, value) in &values {
            // No value contains a NUL, because it would not be valid in HTML.
            let _ = write!(all, "\0{name}\0{value}");
        }
        Self { values, icon, hash: short_hash(all.as_bytes()) }
    }

    /// Fills the values into a template. A value is not searched for placeholders.
    pub(crate) fn fill(&self, template: &str) -> String {
        let mut page = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, name, after)) = next_placeholder(rest) {
            page.push_str(before);
            let value = self.values.iter().find(|(known, _)| *known == name);
            match value {
                Some((_, value)) => page.push_str(value),
                None => _ = write!(page, "{{{{{name}}}}}"),
            }
            rest = after;
        }
        page.push_str(rest);
        match &self.icon {
            Some(icon) => with_icon(&page, icon),
            None => page,
        }
    }

    /// Returns the ETag of the page, which covers the template and the values.
    pub(crate) fn etag(&self, template: &EmbeddedFile) -> String {
        let mut etag = String::from("\"");
        for byte in &template.metadata.sha256_hash()[..16] {
            let _ = write!(etag, "{byte:02x}");
        }
        let _ = write!(etag, "-{}\"", self.hash);
        etag
    }
}

/// Returns a text as HTML, for an element or an attribute in double quotes.
pub(crate) fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(c),
        }
    }
    html
}

/// Returns the text before the next placeholder, its name, and the text after it.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (name, after) = rest.split_once("}}")?;
    Some((before, name, after))
}

/// Replaces the tag that links to the icon.
fn with_icon(page: &str, icon: &str) -> String {
    let Some((before, rest)) = page.split_once("<link rel=\"icon\"") else {
        return page.to_owned();
    };
    let after = rest.split_once('>').map_or("", |(_, after)| after);
    [before, icon, after].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filling(values: &[(&'static str, &str)]) -> Filling {
        Filling::new(
            values.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            None,
        )
    }

    #[test]
    fn every_occurrence_of_a_placeholder_is_filled_in() {
        let page = filling(&[("a", "1"), ("b", "2")]).fill("{{a}} {{b}} {{a}} {{c}} {{");
        assert_eq!(page, "1 2 1 {{c}} {{");
    }

    #[test]
    fn a_value_is_not_searched_for_placeholders() {
        assert_eq!(filling(&[("a", "{{b}}"), ("b", "{{a}}")]).fill("{{a}}{{b}}"), "{{b}}{{a}}");
    }

    #[test]
    fn the_icon_is_replaced() {
        let filling = Filling::new(Vec::new(), Some("<new>".to_owned()));
        let page =
            filling.fill("<title>x</title>\n<link rel=\"icon\" href=\"x\">\n<link rel=\"y\">");
        assert_eq!(page, "<title>x</title>\n<new>\n<link rel=\"y\">");
    }

    #[test]
    fn markup_is_escaped() {
        assert_eq!(
            escape("<b a='x' c=\"y\">&amp;"),
            "&lt;b a=&#39;x&#39; c=&quot;y&quot;&gt;&amp;amp;"
        );
    }
}

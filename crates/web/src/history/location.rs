use std::any::Any;
use std::fmt;
use std::rc::Rc;

/// An address that is visited.
#[derive(Clone, Default)]
pub struct Location {
    pub(super) path: String,
    /// With its question mark, if there is one.
    pub(super) query: String,
    /// With its number sign, if there is one.
    pub(super) hash: String,
    pub(crate) told: Option<Rc<dyn Any>>,
    /// The number of its entry in the history.
    pub(super) entry: Option<f64>,
    pub(super) visit: u32,
}

impl Location {
    /// The address that a page load leads to.
    #[must_use]
    pub fn new(path: &str, query: &str) -> Self {
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        Self { path: path.to_owned(), query, ..Self::default() }
    }

    /// The same address, where the page is told something.
    #[must_use]
    pub fn telling(self, told: impl Any) -> Self {
        Self { told: Some(Rc::new(told)), ..self }
    }

    /// Which page it is.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What the page was told, if it is of this type.
    #[must_use]
    pub fn told<T: Any>(&self) -> Option<Rc<T>> {
        self.told.clone()?.downcast().ok()
    }

    /// A number that changes with every move to another address, or to the same one again.
    #[must_use]
    pub const fn visit(&self) -> u32 {
        self.visit
    }

    /// The same, as a move from `before` leads there.
    pub(super) fn after(self, before: &Self) -> Self {
        let stays = self.path == before.path && self.entry == before.entry;
        Self { visit: before.visit.wrapping_add(u32::from(!stays)), ..self }
    }

    /// The values of this name in the query.
    pub(crate) fn query(&self, name: &str) -> Vec<String> {
        let query = self.query.trim_start_matches('?');
        form_urlencoded::parse(query.as_bytes())
            .filter(|(of, _)| of == name)
            .map(|(_, value)| value.into_owned())
            .collect()
    }

    /// All of it, but for the origin.
    pub(crate) fn url(&self) -> String {
        [&*self.path, &self.query, &self.hash].concat()
    }
}

/// Whoever looks at one again wants to know whether somebody has moved.
impl PartialEq for Location {
    fn eq(&self, other: &Self) -> bool {
        self.visit == other.visit && self.url() == other.url()
    }
}

/// What was told may be an e-mail address.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Location(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_is_heard_by_who_asks_for_its_type() {
        let location = Location::new("/login", "").telling(7_u8);
        assert_eq!(location.told::<u8>().as_deref(), Some(&7));
        assert_eq!(location.told::<u16>(), None);
    }

    #[test]
    fn an_address_is_told_as_a_whole() {
        assert_eq!(Location::new("/settings", "tab=2").url(), "/settings?tab=2");
        assert_eq!(Location::new("/", "").url(), "/");
    }

    #[test]
    fn a_move_is_a_visit_unless_it_stays_within_the_page() {
        let at = |path: &str, entry| Location { entry, ..Location::new(path, "") };
        let start = at("/", None);
        assert_eq!(at("/", None).after(&start).visit(), 0, "to a part of the page");
        assert_eq!(at("/", Some(1.0)).after(&start).visit(), 1, "to the page once more");
        assert_eq!(at("/login", None).after(&start).visit(), 1);
    }

    #[test]
    fn values_of_a_query_are_decoded() {
        let location = Location::new("/login", "next=%2Fa%20b&other=1&next=c+d");
        assert_eq!(location.query("next"), ["/a b", "c d"]);
        assert!(location.query("nothing").is_empty());
    }
}

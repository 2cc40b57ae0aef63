use std::collections::BTreeMap;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// The members of a JSON object, parsed without a derived `Deserialize`.
pub(crate) struct Members {
    /// The members with one of the names given to [`parse`](Members::parse).
    pub(crate) known: BTreeMap<String, Value>,
    /// The number of members with other names.
    pub(crate) others: usize,
}

impl Members {
    /// Parses an object. Returns `None` for anything else, and if a given name occurs twice. The
    /// values of other members are skipped, so they may not be valid JSON in every respect.
    pub(crate) fn parse(json: &[u8], names: &[&str]) -> Option<Self> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let members = deserializer.deserialize_map(MembersVisitor(names)).ok()?;
        deserializer.end().ok()?;
        Some(members)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.known.get(name)?.as_str()
    }

    /// Returns the elements of an array of strings.
    pub(crate) fn texts(&self, name: &str) -> Option<Vec<&str>> {
        self.known.get(name)?.as_array()?.iter().map(Value::as_str).collect()
    }

    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.known.get(name)?.as_i64()
    }
}

struct MembersVisitor<'a>(&'a [&'a str]);

impl<'de> Visitor<'de> for MembersVisitor<'_> {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Members { known: BTreeMap::new(), others: 0 };
        while let Some(name) = map.next_key::<String>()? {
            if !self.0.contains(&name.as_str()) {
                map.next_value::<IgnoredAny>()?;
                members.others += 1;
            } else if members.known.insert(name, map.next_value()?).is_some() {
                return Err(A::Error::custom("duplicate name"));
            }
        }
        Ok(members)
    }
}

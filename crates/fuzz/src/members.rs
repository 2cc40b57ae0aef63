use std::collections::BTreeMap;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// The members of a JSON object, without the help of a derived `Deserialize`.
pub(crate) struct Members {
    /// Those of the names asked for.
    pub(crate) known: BTreeMap<String, Value>,
    /// How many others there are.
    pub(crate) others: usize,
}

impl Members {
    /// Reads an object in which no name asked for is said twice; nothing else is one.
    pub(crate) fn read(json: &[u8], names: &[&str]) -> Option<Self> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let members = deserializer.deserialize_map(Reader(names)).ok()?;
        deserializer.end().ok()?;
        Some(members)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.known.get(name)?.as_str()
    }

    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        self.known.get(name)?.as_i64()
    }
}

struct Reader<'a>(&'a [&'a str]);

impl<'de> Visitor<'de> for Reader<'_> {
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
                return Err(A::Error::custom("a name is said twice"));
            }
        }
        Ok(members)
    }
}

//! What stands in for the browser's parser in native tests.

use serde_json::Value;
use wasm_bindgen::JsValue;

pub(crate) struct Json(Value);

impl Json {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    pub(crate) fn get(&self, name: &str) -> Option<Self> {
        self.0.get(name).cloned().map(Self)
    }

    pub(crate) fn text(&self) -> Option<String> {
        self.0.as_str().map(str::to_owned)
    }

    pub(crate) fn number(&self) -> Option<u64> {
        self.0.as_u64()
    }

    pub(crate) fn truth(&self) -> Option<bool> {
        self.0.as_bool()
    }

    pub(crate) fn items(&self) -> Option<Vec<Self>> {
        Some(self.0.as_array()?.iter().cloned().map(Self).collect())
    }
}

/// Nothing is sent from here.
pub(crate) fn object(_: &[(&str, JsValue)]) -> Option<String> {
    None
}

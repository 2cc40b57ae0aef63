use js_sys::{Array, JSON, Object, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};

/// A value that the browser has parsed.
pub(crate) struct Json(JsValue);

impl Json {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        JSON::parse(text).ok().map(Self)
    }

    /// The member of this name, if this is an object. One that is missing is of no type.
    pub(crate) fn get(&self, name: &str) -> Option<Self> {
        Reflect::get(&self.0, &JsValue::from_str(name)).ok().map(Self)
    }

    pub(crate) fn text(&self) -> Option<String> {
        self.0.as_string()
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number that is not negative is asked for"
    )]
    pub(crate) fn number(&self) -> Option<u64> {
        let number =
            self.0.as_f64().filter(|number| *number >= 0.0 && number.trunc() == *number)?;
        Some(number as u64)
    }

    pub(crate) fn truth(&self) -> Option<bool> {
        self.0.as_bool()
    }

    pub(crate) fn items(&self) -> Option<Vec<Self>> {
        let items = self.0.dyn_ref::<Array>()?;
        Some(items.iter().map(Self).collect())
    }
}

/// The text of an object with these members.
pub(crate) fn object(members: &[(&str, JsValue)]) -> Option<String> {
    let object = Object::new();
    for (name, value) in members {
        Reflect::set(&object, &JsValue::from_str(name), value).ok()?;
    }
    JSON::stringify(&object).ok().map(String::from)
}

use std::fmt;

use wasm_bindgen::JsCast as _;
use web_sys::{HtmlFormElement, HtmlInputElement};

/// The values of a form's inputs, by name. An unchecked checkbox has no value.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct FormData(Vec<(String, String)>);

impl FormData {
    /// Reads the inputs of `form`.
    pub(super) fn read(form: &HtmlFormElement) -> Self {
        named_inputs(form)
            .into_iter()
            .filter(|input| input.type_() != "checkbox" || input.checked())
            .map(|input| (input.name(), input.value()))
            .collect()
    }

    /// Returns the value of an input, or an empty string if the input has none.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(input, _)| input == name).map_or("", |(_, text)| text)
    }

    /// Returns whether a checkbox is checked.
    #[must_use]
    pub fn is_checked(&self, name: &str) -> bool {
        self.0.iter().any(|(input, _)| input == name)
    }
}

/// Returns the inputs of `form` that have a name.
pub(super) fn named_inputs(form: &HtmlFormElement) -> Vec<HtmlInputElement> {
    let elements = form.elements();
    (0..elements.length())
        .filter_map(|at| elements.item(at)?.dyn_into::<HtmlInputElement>().ok())
        .filter(|input| !input.name().is_empty())
        .collect()
}

impl FromIterator<(String, String)> for FormData {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(inputs: T) -> Self {
        Self(inputs.into_iter().collect())
    }
}

/// Leaves out the values, because one of them may be a password.
impl fmt::Debug for FormData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FormData").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_input_is_empty_and_unchecked() {
        let data = FormData::from_iter([("remember".to_owned(), "on".to_owned())]);
        assert_eq!((data.text("remember"), data.text("email")), ("on", ""));
        assert!(data.is_checked("remember") && !data.is_checked("email"));
    }

    #[test]
    fn debug_output_shows_no_values() {
        let data = FormData::from_iter([("password".to_owned(), "a long walk".to_owned())]);
        assert!(!format!("{data:?}").contains("walk"));
    }
}

use std::fmt;

use wasm_bindgen::JsCast as _;
use web_sys::{HtmlFormElement, HtmlInputElement};

/// What was typed into a form, by the names of its inputs. A box that is not ticked is not
/// in it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Typed(Vec<(String, String)>);

impl Typed {
    /// What is in the inputs of `form` now.
    pub(super) fn read(form: &HtmlFormElement) -> Self {
        named_inputs(form)
            .into_iter()
            .filter(|input| input.type_() != "checkbox" || input.checked())
            .map(|input| (input.name(), input.value()))
            .collect()
    }

    /// What was typed into the input of this name.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(of, _)| of == name).map_or("", |(_, text)| text)
    }

    /// Whether the box of this name was ticked.
    #[must_use]
    pub fn is_ticked(&self, name: &str) -> bool {
        self.0.iter().any(|(of, _)| of == name)
    }
}

/// The inputs of `form` that are sent.
pub(super) fn named_inputs(form: &HtmlFormElement) -> Vec<HtmlInputElement> {
    let elements = form.elements();
    (0..elements.length())
        .filter_map(|at| elements.item(at)?.dyn_into::<HtmlInputElement>().ok())
        .filter(|input| !input.name().is_empty())
        .collect()
}

impl FromIterator<(String, String)> for Typed {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(inputs: T) -> Self {
        Self(inputs.into_iter().collect())
    }
}

/// There may be a password in it.
impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Typed").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_that_is_not_there_is_an_empty_one_and_an_unticked_box() {
        let typed = Typed::from_iter([("remember".to_owned(), "on".to_owned())]);
        assert_eq!((typed.text("remember"), typed.text("email")), ("on", ""));
        assert!(typed.is_ticked("remember") && !typed.is_ticked("email"));
    }

    #[test]
    fn what_was_typed_is_in_no_log() {
        let typed = Typed::from_iter([("password".to_owned(), "a long walk".to_owned())]);
        assert!(!format!("{typed:?}").contains("walk"));
    }
}

use super::report::Finding;
use crate::environment;

const ENVIRONMENT: &str = "environment";

/// Checks that every `LATCHKEY_` variable sets an option.
pub(super) fn variables(unknown: &[String]) -> Vec<Finding> {
    match unknown {
        [] => vec![Finding::ok(ENVIRONMENT, "every LATCHKEY_ variable is known")],
        names => {
            let warnings = names.iter().map(|name| environment::unknown_warning(name));
            warnings.map(|warning| Finding::warn(ENVIRONMENT, warning)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::Level::{Ok, Warn};
    use super::*;

    #[test]
    fn each_unknown_variable_is_a_warning_that_names_it() {
        let [known] = &variables(&[])[..] else { unreachable!() };
        assert_eq!(known.level, Ok);
        let names = ["LATCHKEY_LISEN", "LATCHKEY_COLOUR"].map(str::to_owned);
        let found = variables(&names);
        assert_eq!(found.len(), names.len());
        for (finding, name) in found.iter().zip(&names) {
            assert!(finding.level == Warn && finding.text.contains(name), "{}", finding.text);
        }
    }
}

use super::report::Finding;
use crate::environment;

const ENVIRONMENT: &str = "environment";

/// Checks that every `LATCHKEY_` variable sets an option.
pub(super) fn variables(unknown: &[String]) -> Finding {
    match unknown {
        [] => Finding::ok(ENVIRONMENT, "every LATCHKEY_ variable is known"),
        [name] => Finding::warn(ENVIRONMENT, environment::unknown_warning(name)),
        names => Finding::warn(
            ENVIRONMENT,
            format!(
                "unknown environment variables {} are ignored; see latchkey serve --help",
                names.join(", ")
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::Level::{Ok, Warn};
    use super::*;

    #[test]
    fn unknown_variables_are_a_warning_that_names_them() {
        assert_eq!(variables(&[]).level, Ok);
        let names = ["LATCHKEY_LISEN", "LATCHKEY_DATABSE"].map(str::to_owned);
        for names in [&names[..1], &names] {
            let finding = variables(names);
            assert_eq!(finding.level, Warn);
            assert!(names.iter().all(|name| finding.text.contains(name)), "{}", finding.text);
        }
    }
}

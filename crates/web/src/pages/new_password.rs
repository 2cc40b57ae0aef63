//! What is said about a password before and after it is chosen.

use auth_core::PasswordPolicy;
use yew::AttrValue;

use crate::messages::FieldProblem;

/// What to know before choosing one.
pub(super) fn hint(policy: PasswordPolicy) -> AttrValue {
    match policy.min_length() {
        1 => "Any characters, spaces too. A few words are better than one.".into(),
        min => format!("At least {min} characters of any kind, spaces too.").into(),
    }
}

/// What is wrong with one, by the very checks that the server makes. Only it has the list of
/// the commonest, which would weigh more than the rest of a page.
pub(super) fn problem(password: &str, policy: PasswordPolicy, email: &str) -> Option<FieldProblem> {
    policy.check(password, &[email, "Latchkey"]).err().map(FieldProblem::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_length_is_told_beforehand_where_there_is_one() {
        let hint = |length| hint(PasswordPolicy::new(length).unwrap());
        assert!(hint(12).contains("At least 12 characters"));
        assert!(!hint(1).contains('1'));
    }
}

//! The hint and the checks for a new password.

use auth_core::PasswordPolicy;
use yew::AttrValue;

use crate::messages::FieldProblem;
use crate::site::site;

/// Returns the hint below the field for a new password.
pub(super) fn hint(policy: PasswordPolicy) -> AttrValue {
    match policy.min_length() {
        1 => "Any characters, including spaces. A few words are better than one.".into(),
        min => format!("At least {min} characters of any kind, including spaces.").into(),
    }
}

/// Returns the error in a new password. Makes the same checks as the server, except that it does
/// not use the list of common passwords, which would be larger than the rest of the page.
pub(super) fn problem(password: &str, policy: PasswordPolicy, email: &str) -> Option<FieldProblem> {
    policy.check(password, &[email, site().name]).err().map(FieldProblem::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_states_the_minimum_length() {
        let hint = |length| hint(PasswordPolicy::new(length).unwrap());
        assert!(hint(12).contains("At least 12 characters"));
        assert!(!hint(1).contains('1'));
    }
}

//! The state between the two steps of a sign-in.

use crate::storage::Remember;

/// The first step of a sign-in that requires a second factor.
pub(crate) struct FirstStep {
    pub(crate) ticket: String,
    pub(crate) remember: Remember,
}

impl FirstStep {
    /// Returns the choice that was made in the first step with this ticket.
    pub(crate) fn remember(first: &Option<Self>, ticket: &str) -> Remember {
        match first {
            Some(first) if first.ticket == ticket => first.remember,
            _ => Remember::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_step_keeps_the_choice_of_its_first_step() {
        let first = Some(FirstStep { ticket: "T".to_owned(), remember: Remember::Yes });
        assert_eq!(FirstStep::remember(&first, "T"), Remember::Yes);
        assert_eq!(FirstStep::remember(&first, "U"), Remember::No);
        assert_eq!(FirstStep::remember(&None, "T"), Remember::No);
    }
}

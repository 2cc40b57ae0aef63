use yew::AttrValue;

use crate::messages::FieldProblem;

/// The state of a submission.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// `true` if the request is pending.
    pub busy: bool,
    /// The number of attempts.
    pub attempts: u32,
    /// The errors of the last attempt.
    pub failure: Failure,
}

/// The errors of an attempt. The default has none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failure {
    /// The errors of fields.
    pub fields: Vec<(&'static str, FieldProblem)>,
    /// The error of the form as a whole.
    pub form: Option<AttrValue>,
    /// The field that is cleared, because the user has to enter it again.
    pub clear: Option<&'static str>,
}

impl Progress {
    /// Returns whether the last attempt has succeeded.
    #[must_use]
    pub fn has_succeeded(&self) -> bool {
        !self.busy && self.attempts != 0 && self.failure == Failure::default()
    }
}

impl Failure {
    /// Builds a failure from the errors of fields. Without errors it is the default.
    #[must_use]
    pub fn from_fields(
        problems: impl IntoIterator<Item = (&'static str, Option<FieldProblem>)>,
    ) -> Self {
        let problem = |(field, problem): (_, Option<_>)| Some((field, problem?));
        Self { fields: problems.into_iter().filter_map(problem).collect(), ..Self::default() }
    }

    /// Builds a failure that concerns the form as a whole.
    #[must_use]
    pub fn from_form(text: impl Into<AttrValue>) -> Self {
        Self { form: Some(text.into()), ..Self::default() }
    }

    /// Returns the error of `field`.
    #[must_use]
    pub fn at(&self, field: &str) -> Option<FieldProblem> {
        self.fields.iter().find(|(name, _)| *name == field).map(|(_, problem)| *problem)
    }

    /// Returns `Ok` if there are no errors.
    ///
    /// # Errors
    ///
    /// Returns the failure if there are errors.
    pub fn into_result(self) -> Result<(), Self> {
        if self == Self::default() { Ok(()) } else { Err(self) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_has_succeeded_if_it_has_ended_without_errors() {
        let ended = Progress { attempts: 1, ..Progress::default() };
        assert!(ended.has_succeeded());
        assert!(!Progress::default().has_succeeded(), "there was no attempt");
        assert!(!Progress { busy: true, ..ended.clone() }.has_succeeded());
        assert!(!Progress { failure: Failure::from_form("no"), ..ended }.has_succeeded());
    }

    #[test]
    fn only_fields_with_an_error_make_a_failure() {
        assert_eq!(Failure::from_fields([("email", None)]).into_result(), Ok(()));
        let missing = Some(FieldProblem::EmailMissing);
        let failure = Failure::from_fields([("password", None), ("email", missing)]);
        assert_eq!((failure.at("email"), failure.at("password")), (missing, None));
        assert!(failure.into_result().is_err());
    }
}

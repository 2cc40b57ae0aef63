use yew::AttrValue;

use crate::messages::FieldProblem;

/// The state of a submission.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// Whether the request is pending.
    pub busy: bool,
    /// The number of attempts.
    pub attempts: u32,
    /// How the last attempt failed, if it did.
    pub failure: Failure,
}

/// Why an attempt failed. The default is no failure.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failure {
    /// The errors of fields.
    pub fields: Vec<(&'static str, FieldProblem)>,
    /// The error of the form as a whole.
    pub form: Option<AttrValue>,
    /// The field that has to be entered again.
    pub forget: Option<&'static str>,
}

impl Progress {
    /// Whether the last attempt has succeeded.
    #[must_use]
    pub fn has_succeeded(&self) -> bool {
        !self.busy && self.attempts != 0 && self.failure == Failure::default()
    }
}

impl Failure {
    /// Builds a failure from the errors of fields. Without any it is no failure.
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
        self.fields.iter().find(|(of, _)| *of == field).map(|(_, problem)| *problem)
    }

    /// Converts no failure into `Ok`.
    ///
    /// # Errors
    ///
    /// The failure, if it is one.
    pub fn into_result(self) -> Result<(), Self> {
        if self == Self::default() { Ok(()) } else { Err(self) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_has_succeeded_once_it_has_ended_without_a_failure() {
        let ended = Progress { attempts: 1, ..Progress::default() };
        assert!(ended.has_succeeded());
        assert!(!Progress::default().has_succeeded(), "nothing was tried");
        assert!(!Progress { busy: true, ..ended.clone() }.has_succeeded());
        assert!(!Progress { failure: Failure::from_form("no"), ..ended }.has_succeeded());
    }

    #[test]
    fn fields_without_an_error_are_no_failure() {
        assert_eq!(Failure::from_fields([("email", None)]).into_result(), Ok(()));
        let missing = Some(FieldProblem::EmailMissing);
        let failure = Failure::from_fields([("password", None), ("email", missing)]);
        assert_eq!((failure.at("email"), failure.at("password")), (missing, None));
        assert!(failure.into_result().is_err());
    }
}

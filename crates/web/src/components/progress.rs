use yew::AttrValue;

use crate::messages::FieldProblem;

/// How far something that the server has to do has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// Whether the server has not answered yet.
    pub busy: bool,
    /// How many times it was tried.
    pub attempts: u32,
    /// How the last try ended.
    pub failure: Failure,
}

/// Why a form did not do what it is for. The default is no failure.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failure {
    /// What is wrong with which field.
    pub fields: Vec<(&'static str, FieldProblem)>,
    /// What concerns the form as a whole.
    pub form: Option<AttrValue>,
    /// The field that has to be typed again.
    pub forget: Option<&'static str>,
}

impl Progress {
    /// Whether the last try did what it was for.
    #[must_use]
    pub fn has_succeeded(&self) -> bool {
        !self.busy && self.attempts != 0 && self.failure == Failure::default()
    }
}

impl Failure {
    /// The failure that these problems of fields are, which is none if there are none.
    #[must_use]
    pub fn of_fields(
        problems: impl IntoIterator<Item = (&'static str, Option<FieldProblem>)>,
    ) -> Self {
        let problem = |(field, problem): (_, Option<_>)| Some((field, problem?));
        Self { fields: problems.into_iter().filter_map(problem).collect(), ..Self::default() }
    }

    /// A failure that concerns the form as a whole.
    #[must_use]
    pub fn of_form(text: impl Into<AttrValue>) -> Self {
        Self { form: Some(text.into()), ..Self::default() }
    }

    /// What is wrong with `field`.
    #[must_use]
    pub fn at(&self, field: &str) -> Option<FieldProblem> {
        self.fields.iter().find(|(of, _)| *of == field).map(|(_, problem)| *problem)
    }

    /// No failure is a success.
    ///
    /// # Errors
    ///
    /// Itself, if it is one.
    pub fn into_result(self) -> Result<(), Self> {
        if self == Self::default() { Ok(()) } else { Err(self) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_try_has_succeeded_once_it_has_ended_without_a_failure() {
        let ended = Progress { attempts: 1, ..Progress::default() };
        assert!(ended.has_succeeded());
        assert!(!Progress::default().has_succeeded(), "nothing was tried");
        assert!(!Progress { busy: true, ..ended.clone() }.has_succeeded());
        assert!(!Progress { failure: Failure::of_form("no"), ..ended }.has_succeeded());
    }

    #[test]
    fn fields_without_a_problem_are_no_failure() {
        assert_eq!(Failure::of_fields([("email", None)]).into_result(), Ok(()));
        let missing = Some(FieldProblem::EmailMissing);
        let failure = Failure::of_fields([("password", None), ("email", missing)]);
        assert_eq!((failure.at("email"), failure.at("password")), (missing, None));
        assert!(failure.into_result().is_err());
    }
}

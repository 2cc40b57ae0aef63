use yew::prelude::*;

use super::AppLink;
use crate::messages::FieldProblem;
use crate::route::Route;

/// Properties of [`FieldError`].
#[derive(Properties, PartialEq)]
pub struct FieldErrorProps {
    /// The field's name.
    pub field: &'static str,
    /// What is wrong with it, if anything is.
    pub problem: Option<FieldProblem>,
    /// What the link to the log-in page does, where the problem comes with one.
    #[prop_or_default]
    pub onlogin: Option<Callback<()>>,
}

/// What is wrong with a field, next to it.
#[component]
pub fn FieldError(props: &FieldErrorProps) -> Html {
    let Some(problem) = props.problem else { return Html::default() };
    html! {
        <p id={error_id(props.field)} role="alert" class="field-error">
            {problem.text()}
            if problem == FieldProblem::EmailTaken {
                {" "}
                <AppLink to={Route::Login} onfollow={props.onlogin.clone()}>
                    {"Log in instead"}
                </AppLink>
            }
        </p>
    }
}

/// What describes the field: its error, or else its hint. The error says all that the
/// hint says.
pub(super) fn described_by(
    field: &str,
    problem: Option<FieldProblem>,
    hint: bool,
) -> Option<String> {
    match problem {
        Some(_) => Some(error_id(field)),
        None => hint.then(|| hint_id(field)),
    }
}

pub(super) fn error_id(field: &str) -> String {
    format!("{field}-error")
}

pub(super) fn hint_id(field: &str) -> String {
    format!("{field}-hint")
}

use yew::prelude::*;

use super::Link;
use crate::messages::FieldProblem;
use crate::route::Route;

/// What is wrong with a field, if anything is, next to it. `onlogin` is what the link to the
/// log-in page does, where the problem comes with one.
pub(super) fn field_error(
    field: &str,
    problem: Option<FieldProblem>,
    onlogin: Option<Callback<()>>,
) -> Html {
    let Some(problem) = problem else { return Html::default() };
    let login = Link { onfollow: onlogin, ..Link::to(Route::Login) };
    html! {
        <p id={error_id(field)} role="alert" class="field-error">
            {problem.text()}
            if problem == FieldProblem::EmailTaken {
                {" "}
                {login.show(html! { "Log in instead" })}
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

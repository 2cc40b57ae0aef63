use yew::prelude::*;

use super::link::Link;
use crate::messages::FieldProblem;
use crate::routes::Route;

/// Renders the error of a field, if there is one. `onfollow` is called instead of following the
/// error's link.
pub(super) fn field_error(
    field: &str,
    problem: Option<FieldProblem>,
    onfollow: Option<Callback<()>>,
) -> Html {
    let Some(problem) = problem else { return Html::default() };
    let text = problem.text();
    let link = match problem {
        FieldProblem::EmailTaken => Some((Route::Login, "Log in instead")),
        FieldProblem::TokenInvalid => Some((Route::Forgot, "Request a new link")),
        _ => None,
    };
    html! {
        // The key makes a change of the text visible on a page that the browser has translated.
        <p id={error_id(field)} role="alert" class="field-error" key={&*text}>
            {&text}
            if let Some((to, text)) = link {
                {" "}
                <Link {to} {onfollow}>{text}</Link>
            }
        </p>
    }
}

/// Returns the id of the element that describes a field: the error, which replaces the hint, or
/// else the hint.
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

use std::rc::Rc;

use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::api::{ApiError, Refusal};
use crate::components::{Failure, Progress};
use crate::messages::{FieldProblem, describe};

/// Sends what is typed into a form, or asked for by a button, with `send`, once at a time,
/// and tells how far that has come. `send` returns what went wrong.
#[hook]
pub(super) fn use_submission<T, F>(send: F) -> (Progress, Callback<T>)
where
    T: 'static,
    F: AsyncFn(T) -> Result<(), Failure> + 'static,
{
    let progress = use_state(Progress::default);
    // Not part of the state, which changes only with the next render: of two clicks in one
    // frame, the second has to know of the first.
    let under_way = use_mut_ref(|| false);
    let send = Rc::new(send);
    let submit = {
        let progress = progress.clone();
        move |what: T| {
            if std::mem::replace(&mut *under_way.borrow_mut(), true) {
                return;
            }
            let attempts = progress.attempts.wrapping_add(1);
            progress.set(Progress { busy: true, attempts, ..Progress::default() });
            let (progress, under_way, send) = (progress.setter(), under_way.clone(), send.clone());
            spawn_local(async move {
                let failure = send(what).await.err().unwrap_or_default();
                *under_way.borrow_mut() = false;
                progress.set(Progress { busy: false, attempts, failure });
            });
        }
    };
    ((*progress).clone(), Callback::from(submit))
}

impl Failure {
    /// What a form with these `fields` should say about `error`. `min_length` is the least
    /// length of a password in force.
    pub(super) fn from_error(error: &ApiError, fields: &[&'static str], min_length: u8) -> Self {
        let of_fields = match error {
            ApiError::Refused(refusal) => of_fields(refusal, fields, min_length),
            _ => Self::default(),
        };
        if of_fields == Self::default() { Self::of_form(describe(error)) } else { of_fields }
    }
}

fn of_fields(refusal: &Refusal, fields: &[&'static str], min_length: u8) -> Failure {
    let problem = |name: &'static str| {
        let error = refusal.errors.iter().find(|error| error.field == name);
        (name, error.map(|error| FieldProblem::from_code(error.code, min_length)))
    };
    Failure::of_fields(fields.iter().copied().map(problem))
}

#[cfg(test)]
mod tests {
    use api_types::{FieldCode, FieldError};

    use super::*;

    fn invalid_fields(errors: &[(&str, FieldCode)]) -> ApiError {
        let error = |(field, code): &(&str, FieldCode)| FieldError {
            field: (*field).to_owned(),
            code: *code,
            message: "the server's words".to_owned(),
        };
        ApiError::Refused(Refusal {
            status: 422,
            errors: errors.iter().map(error).collect(),
            ..Refusal::default()
        })
    }

    #[test]
    fn what_the_server_finds_in_the_fields_is_told_at_the_fields() {
        let error = invalid_fields(&[
            ("password", FieldCode::PasswordTooShort),
            ("email", FieldCode::EmailInvalid),
        ]);
        let expected = Failure::of_fields([
            ("email", Some(FieldProblem::EmailInvalid)),
            ("password", Some(FieldProblem::PasswordTooShort(12))),
        ]);
        assert_eq!(Failure::from_error(&error, &["email", "password"], 12), expected);
    }

    #[test]
    fn what_concerns_no_field_of_the_form_is_told_above_it() {
        let unknown = invalid_fields(&[("shoe_size", FieldCode::EmailInvalid)]);
        for error in [ApiError::Unreachable, ApiError::Unreadable, unknown] {
            let failure = Failure::from_error(&error, &["email", "password"], 8);
            let expected = Failure::of_form(describe(&error));
            assert_eq!(failure, expected, "and nothing that was typed is lost");
        }
    }
}

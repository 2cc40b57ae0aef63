use std::cell::Cell;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;
use yew_session::{ApiError, Rejection};

use crate::components::{Failure, Progress};
use crate::messages::{FieldProblem, describe};

/// Returns the state of a submission by a form or a button, and the callback that starts it. `send`
/// sends the request. A submission that starts while another is pending is ignored.
#[hook]
pub(super) fn use_submission<T, F>(send: F) -> (Progress, Callback<T>)
where
    T: 'static,
    F: AsyncFn(T) -> Result<(), Failure> + 'static,
{
    let (progress, start) = use_attempts();
    let send = Rc::new(send);
    let submit = move |input: T| {
        let send = send.clone();
        start.emit(Box::pin(async move { send(input).await }));
    };
    (progress, Callback::from(submit))
}

/// A submission that has not started yet.
type Attempt = LocalBoxFuture<'static, Result<(), Failure>>;

/// The part of [`use_submission`] that is the same for all types.
#[hook]
fn use_attempts() -> (Progress, Callback<Attempt>) {
    let progress = use_state(Progress::default);
    // This flag is not part of the state, because a change of state is visible only in the next
    // rendering. The second of two clicks in one frame must see the change.
    let is_pending = use_mut_ref(|| false);
    let start = {
        let progress = progress.clone();
        Callback::from(move |attempt: Attempt| {
            if is_pending.replace(true) {
                return;
            }
            let attempts = progress.attempts.wrapping_add(1);
            progress.set(Progress { busy: true, attempts, ..Progress::default() });
            let (progress, is_pending) = (progress.setter(), is_pending.clone());
            spawn_local(async move {
                let failure = attempt.await.err().unwrap_or_default();
                is_pending.replace(false);
                progress.set(Progress { busy: false, attempts, failure });
            });
        })
    };
    ((*progress).clone(), start)
}

/// Returns a function that tells whether the component is still mounted.
#[hook]
pub(super) fn use_is_mounted() -> impl Fn() -> bool + Clone + 'static {
    let is_mounted = use_memo((), |()| Cell::new(true));
    use_effect_with((), {
        let is_mounted = is_mounted.clone();
        move |()| move || is_mounted.set(false)
    });
    move || is_mounted.get()
}

impl Failure {
    /// Builds the failure of a form with these `fields`. `min_length` is the minimum password
    /// length.
    pub(super) fn from_error(error: &ApiError, fields: &[&'static str], min_length: u8) -> Self {
        let from_fields = match error {
            ApiError::Rejected(rejection) => from_fields(rejection, fields, min_length),
            _ => Self::default(),
        };
        if from_fields == Self::default() { Self::from_form(describe(error)) } else { from_fields }
    }
}

fn from_fields(rejection: &Rejection, fields: &[&'static str], min_length: u8) -> Failure {
    let problem = |name: &'static str| {
        let error = rejection.errors.iter().find(|error| error.field == name);
        (name, error.map(|error| FieldProblem::from_code(error.code, min_length)))
    };
    Failure::from_fields(fields.iter().copied().map(problem))
}

#[cfg(test)]
mod tests {
    use api_types::{FieldCode, FieldError};

    use super::*;

    fn invalid_fields(errors: &[(&str, FieldCode)]) -> ApiError {
        let error = |(field, code): &(&str, FieldCode)| FieldError {
            field: (*field).to_owned(),
            code: *code,
            message: "a message from the server".to_owned(),
        };
        ApiError::Rejected(Rejection {
            status: 422,
            errors: errors.iter().map(error).collect(),
            ..Rejection::default()
        })
    }

    #[test]
    fn field_errors_from_the_server_are_shown_at_their_fields() {
        let error = invalid_fields(&[
            ("password", FieldCode::PasswordTooShort),
            ("email", FieldCode::EmailInvalid),
        ]);
        let expected = Failure::from_fields([
            ("email", Some(FieldProblem::EmailInvalid)),
            ("password", Some(FieldProblem::PasswordTooShort(12))),
        ]);
        assert_eq!(Failure::from_error(&error, &["email", "password"], 12), expected);
    }

    #[test]
    fn any_other_error_concerns_the_whole_form() {
        let unknown = invalid_fields(&[("shoe_size", FieldCode::EmailInvalid)]);
        for error in [ApiError::Unreachable, ApiError::Unreadable, unknown] {
            let failure = Failure::from_error(&error, &["email", "password"], 8);
            let expected = Failure::from_form(describe(&error));
            assert_eq!(failure, expected);
        }
    }
}

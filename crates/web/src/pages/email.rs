//! The checks of an email address and of a code from a mail, and requests for a mail to an address.

use std::rc::Rc;

use auth_core::Email;
use yew::prelude::*;
use yew_router::hooks::{use_location, use_navigator};
use yew_session::ApiError;

use super::submission::use_submission;
use crate::browser;
use crate::components::{CodeForm, Failure, FormData, Progress};
use crate::messages::FieldProblem;
use crate::routes::{LoginState, Route, login_state, push_other_login};

/// The name of the input for the email address of the account.
pub(super) const EMAIL: &str = "email";

/// The name of the choice to stay signed in.
pub(super) const REMEMBER: &str = "remember";

/// A request for a mail to an email address, which may or may not have an account.
pub(super) struct MailRequest {
    pub(super) progress: Progress,
    pub(super) step: Step,
    /// The input of the last request that has succeeded.
    pub(super) sent: Option<Rc<FormData>>,
    /// Sends a request.
    pub(super) onsubmit: Callback<FormData>,
    /// Repeats the last request.
    pub(super) onrepeat: Callback<()>,
    /// Goes to another step.
    pub(super) onstep: Callback<Step>,
}

/// The steps of a page that requests a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The user enters an email address.
    Email,
    /// The mail was requested, and the user enters its code or follows its link.
    Mail,
}

impl MailRequest {
    /// Returns a sentence about the request that has succeeded, with the email address in it.
    pub(super) fn status(&self, thing: &str) -> Option<AttrValue> {
        let is_sent = self.step == Step::Mail && self.progress.has_succeeded();
        let sent = self.sent.as_ref().filter(|_| is_sent)?;
        let email = sent.text(EMAIL).trim();
        Some(format!("If {email} has an account, we have sent a {thing} to it.").into())
    }
}

/// Returns the state of a request for a mail to the email address in a form. `send` sends it.
#[hook]
pub(super) fn use_mail_request<F>(send: F) -> MailRequest
where
    F: AsyncFn(&FormData) -> Result<(), ApiError> + 'static,
{
    let sent = use_state(|| None);
    let step = use_state(|| Step::Email);
    let (progress, onsubmit) = use_submission({
        let (sent, step) = (sent.setter(), step.setter());
        async move |data: FormData| {
            let problem = email_problem(data.text(EMAIL));
            Failure::from_fields([(EMAIL, problem)]).into_result()?;
            send(&data).await.map_err(|error| failure(&error, EMAIL))?;
            sent.set(Some(Rc::new(data)));
            step.set(Step::Mail);
            Ok(())
        }
    });
    let sent = (*sent).clone();
    let onrepeat = onsubmit.reform({
        let sent = sent.clone();
        move |()| sent.as_deref().cloned().unwrap_or_default()
    });
    // The number of attempts when the form was shown again, which then has no outcome yet.
    let earlier = use_state(|| 0);
    let onstep = Callback::from({
        let (step, earlier, attempts) = (step.setter(), earlier.setter(), progress.attempts);
        move |to| {
            step.set(to);
            earlier.set(attempts);
        }
    });
    // The button that goes back is removed.
    let previous = use_mut_ref(|| Step::Email);
    use_effect_with(*step, move |step| {
        if previous.replace(*step) == Step::Mail && *step == Step::Email {
            browser::focus(browser::element(EMAIL));
        }
    });
    let is_shown_again = *step == Step::Email && progress.attempts == *earlier && !progress.busy;
    let progress = if is_shown_again { Progress::default() } else { progress };
    MailRequest { progress, step: *step, sent, onsubmit, onrepeat, onstep }
}

/// Returns what was entered on the previous page.
#[hook]
pub(crate) fn use_login_state() -> LoginState {
    use_location().as_ref().map(login_state).unwrap_or_default()
}

/// Returns a callback that goes to another page with a [`LoginState`], with what is entered on this
/// page. For fields that the page does not show, it uses what was `entered` before.
#[hook]
pub(crate) fn use_other_login(entered: LoginState) -> Callback<Route> {
    let navigator = use_navigator();
    let location = use_location();
    Callback::from(move |to| {
        if let (Some(navigator), Some(location)) = (&navigator, &location) {
            let mut state = LoginState { notice: None, ..entered.clone() };
            if let Some(email) = browser::input_value(EMAIL) {
                state.email = email.into();
            }
            if let Some(remember) = browser::is_checked(REMEMBER) {
                state.remember = remember;
            }
            push_other_login(navigator, location, to, state);
        }
    })
}

/// Returns the state of a form for a code. After a new code was sent, the previous one and its
/// error are removed. `request` is the state of the request for a new code.
#[hook]
pub(super) fn use_code_progress(progress: Progress, request: &Progress) -> Progress {
    // The number of attempts before the latest code was sent.
    let earlier = use_state(|| 0);
    use_effect_with(request.clone(), {
        let (earlier, attempts) = (earlier.setter(), progress.attempts);
        move |request| {
            if request.has_succeeded() {
                earlier.set(attempts);
                browser::clear_input(CodeForm::FIELD);
            }
        }
    });
    if !progress.busy && progress.attempts == *earlier { Progress::default() } else { progress }
}

/// Returns the error in the email address of an account.
pub(super) fn email_problem(email: &str) -> Option<FieldProblem> {
    match Email::parse(email) {
        Ok(_) => None,
        Err(_) if email.trim().is_empty() => Some(FieldProblem::EmailMissing),
        Err(_) => Some(FieldProblem::EmailInvalid),
    }
}

/// Returns the error in a code from a mail that can be found without the server.
pub(super) fn code_problem(code: &str) -> Option<FieldProblem> {
    code.trim().is_empty().then_some(FieldProblem::CodeMissing)
}

/// Returns the code in a [`CodeForm`].
pub(super) fn entered_code(data: &FormData) -> Result<String, Failure> {
    let code = data.text(CodeForm::FIELD);
    Failure::from_fields([(CodeForm::FIELD, code_problem(code))]).into_result()?;
    Ok(code.to_owned())
}

/// Builds the failure of a form that has one field and no password.
pub(super) fn failure(error: &ApiError, field: &'static str) -> Failure {
    Failure::from_error(error, &[field], 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(name: &str, text: &str) -> FormData {
        FormData::from_iter([(name.to_owned(), text.to_owned())])
    }

    #[test]
    fn an_email_address_is_checked() {
        assert_eq!(email_problem(" ada@example.com "), None);
        assert_eq!(email_problem(" "), Some(FieldProblem::EmailMissing));
        assert_eq!(email_problem("ada"), Some(FieldProblem::EmailInvalid));
    }

    #[test]
    fn any_text_is_accepted_as_a_code() {
        assert_eq!(entered_code(&data("code", " k7qm 2xrd ")), Ok(" k7qm 2xrd ".to_owned()));
    }

    #[test]
    fn an_empty_code_has_an_error() {
        for text in ["", "  "] {
            let failure = entered_code(&data("code", text)).unwrap_err();
            assert_eq!(failure.at("code"), Some(FieldProblem::CodeMissing));
        }
    }

    #[test]
    fn the_status_shows_the_email_address_once_the_request_has_succeeded() {
        let request = |progress, step| MailRequest {
            progress,
            step,
            sent: Some(Rc::new(data("email", " ada@example.com "))),
            onsubmit: Callback::noop(),
            onrepeat: Callback::noop(),
            onstep: Callback::noop(),
        };
        let ended = Progress { attempts: 1, ..Progress::default() };
        let text = "If ada@example.com has an account, we have sent a link to it.";
        assert_eq!(request(ended.clone(), Step::Mail).status("link").as_deref(), Some(text));
        assert_eq!(request(ended.clone(), Step::Email).status("link"), None);
        let busy = Progress { busy: true, ..ended };
        assert_eq!(request(busy, Step::Mail).status("link"), None);
    }
}

use api_types::{AddPasskeyRequest, ErrorCode};
use yew::prelude::*;
use yew_session::{ApiError, InSession, use_session};

use super::HEADING;
use crate::api;
use crate::browser;
use crate::components::{Failure, Form, FormData, TextContent, TextField};
use crate::format::device;
use crate::messages::{FieldProblem, describe_webauthn};
use crate::pages::settings::factors::{FactorsState, failure};
use crate::pages::submission::{use_is_mounted, use_submission};
use crate::webauthn::{self, Ceremony, Passkeys, WebauthnError};

/// The name of the input for the name of a passkey.
pub(super) const NAME: &str = "name";
const CREDENTIAL: &str = "credential";
const INPUT: &str = "passkey-name";
const MAX_NAME_LENGTH: usize = 64;
const ADDED: &str = "The passkey has been added.";

#[derive(Properties, PartialEq)]
pub(super) struct AddFormProps {
    pub(super) state: FactorsState,
    /// The support for passkeys on this page.
    pub(super) passkeys: Passkeys,
    /// Called with the message after a passkey has been added, and without one before.
    pub(super) onmessage: Callback<Option<&'static str>>,
}

/// A form that adds a passkey. When the user leaves the page, the request is aborted.
#[component]
pub(super) fn AddForm(props: &AddFormProps) -> Html {
    let AddFormProps { state, passkeys, onmessage } = props;
    let session = use_session();
    let is_mounted = use_is_mounted();
    let passkeys = use_state(|| *passkeys);
    let (progress, onsubmit) = use_submission({
        let (state, onmessage) = (state.clone(), onmessage.clone());
        let passkeys = passkeys.setter();
        async move |data: FormData| {
            onmessage.emit(None);
            let name = entered_name(&data)?;
            loop {
                let ceremony = Ceremony::begin();
                let options = session.authorized_fresh(api::new_passkey_options()).await;
                if options.as_ref().is_err_and(is_unavailable) {
                    // The form is removed.
                    browser::focus(browser::element(HEADING));
                    passkeys.set(Passkeys::Unsupported);
                }
                let options = options.map_err(|error| failure(&error))?;
                // A log-in with a passkey, which the options may require, is another request.
                if ceremony.is_aborted() && is_mounted() {
                    continue;
                }
                let credential = ceremony.create(&options).await.map_err(not_created)?;
                let passkey = AddPasskeyRequest { name: name.clone(), credential };
                let added = session.authorized_in_session(api::add_passkey(&passkey)).await;
                match added.map_err(|error| not_added(&error))? {
                    InSession::Answer(_) => break,
                    // The options are not valid in the new session. The next passkey replaces this
                    // one in the authenticator, because both belong to the same account.
                    InSession::Replaced => {}
                }
            }
            onmessage.emit(Some(ADDED));
            state.changed(&session).await;
            Ok(())
        }
    });
    use_effect_with((), |()| webauthn::abort);
    // A successful submission clears the input.
    use_effect_with(progress.attempts == 0 || progress.has_succeeded(), |is_cleared| {
        if *is_cleared {
            browser::set_input(INPUT, &device(browser::user_agent().as_deref()));
        }
    });
    if *passkeys == Passkeys::Unsupported {
        return html! {
            <p>
                {"You cannot add a passkey here, because passkeys need a current browser, and a site \
                  with HTTPS and a domain name."}
            </p>
        };
    }
    html! {
        <Form
            submit="Add a passkey"
            submitting="Adding…"
            progress={progress.clone()}
            {onsubmit}
        >
            <TextField
                name={NAME}
                id={INPUT}
                label="Name"
                content={TextContent::PasskeyName}
                problem={progress.failure.at(NAME)}
            />
        </Form>
    }
}

fn is_unavailable(error: &ApiError) -> bool {
    error.has_code(ErrorCode::PasskeysUnavailable)
}

/// Returns the name of a passkey, or the error that can be found without the server.
pub(super) fn entered_name(data: &FormData) -> Result<String, Failure> {
    let name = data.text(NAME).trim();
    let is_valid = (1..=MAX_NAME_LENGTH).contains(&name.chars().count())
        && !name.chars().any(|c| c.is_control() || is_invisible(c));
    let problem = (!is_valid).then_some(FieldProblem::NameInvalid);
    Failure::from_fields([(NAME, problem)]).into_result()?;
    Ok(name.to_owned())
}

/// Returns whether the character is one of the invisible ones that are pasted most often. The
/// server rejects more, but then the browser has already created the passkey.
const fn is_invisible(c: char) -> bool {
    let is_space_or_mark =
        matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}');
    is_space_or_mark || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

/// Builds the failure for a passkey that the browser has not created. It is empty if the page has
/// aborted the request.
fn not_created(error: WebauthnError) -> Failure {
    let text = match error {
        WebauthnError::NotAllowed | WebauthnError::Failed => {
            Some("No passkey was added. Try again if you want to add one.")
        }
        WebauthnError::Aborted | WebauthnError::AlreadyRegistered | WebauthnError::Unsupported => {
            describe_webauthn(error)
        }
    };
    text.map_or_else(Failure::default, Failure::from_form)
}

/// Builds the failure for a passkey that the server has not accepted. No field shows the errors of
/// the passkey itself.
fn not_added(error: &ApiError) -> Failure {
    let failure = Failure::from_error(error, &[NAME, CREDENTIAL], 1);
    match failure.at(CREDENTIAL) {
        Some(problem) => Failure::from_form(problem.text()),
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Result<String, Option<FieldProblem>> {
        let data = FormData::from_iter([(NAME.to_owned(), text.to_owned())]);
        entered_name(&data).map_err(|failure| failure.at(NAME))
    }

    fn rejected(field: &str, code: &str) -> ApiError {
        let body = format!(
            r#"{{"code":"invalid_fields","errors":[{{"field":"{field}","code":"{code}","message":""}}]}}"#
        );
        ApiError::rejected(422, None, &body)
    }

    #[test]
    fn a_name_has_1_to_64_characters() {
        assert_eq!(name(" Chrome on Linux "), Ok("Chrome on Linux".to_owned()));
        assert_eq!(name(&"é".repeat(64)), Ok("é".repeat(64)));
        for text in ["", " ", &"é".repeat(65), "a\tb", "a\u{85}b", "a\u{202e}b", "a\u{200b}"] {
            assert_eq!(name(text), Err(Some(FieldProblem::NameInvalid)), "{text:?}");
        }
    }

    #[test]
    fn each_reason_why_no_passkey_was_added_has_a_text_unless_the_page_has_aborted_the_request() {
        use WebauthnError::{Aborted, AlreadyRegistered, Failed, NotAllowed, Unsupported};
        assert_eq!(not_created(Aborted), Failure::default());
        for error in [AlreadyRegistered, Failed, NotAllowed, Unsupported] {
            assert!(not_created(error).form.is_some(), "{error:?}");
        }
        let text = not_created(AlreadyRegistered).form.unwrap();
        assert!(text.contains("already has a passkey"), "{text}");
    }

    #[test]
    fn an_error_of_the_passkey_concerns_the_form_and_one_of_the_name_its_field() {
        for (code, problem) in [
            ("credential_invalid", FieldProblem::CredentialInvalid),
            ("challenge_expired", FieldProblem::ChallengeExpired),
        ] {
            let failure = not_added(&rejected("credential", code));
            assert_eq!(failure, Failure::from_form(problem.text()));
        }
        let failure = not_added(&rejected("name", "name_invalid"));
        assert_eq!(failure.at(NAME), Some(FieldProblem::NameInvalid));
    }
}

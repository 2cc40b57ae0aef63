use api_types::{ConfirmTotpRequest, PendingTotp};
use yew::prelude::*;
use yew_session::{ApiError, use_session};

use super::TURNED_ON;
use crate::api;
use crate::components::{AppSetUp, Failure, FormData};
use crate::messages::FieldProblem;
use crate::pages::settings::factors::FactorsState;
use crate::pages::submission::use_submission;

const ADDED: &str = "The app has been set up. All other sessions have ended.";

#[derive(Properties, PartialEq)]
pub(super) struct SetUpProps {
    pub(super) pending: PendingTotp,
    pub(super) state: FactorsState,
    /// Called when the user cancels the set-up.
    pub(super) oncancel: Callback<()>,
}

#[component]
pub(super) fn SetUp(props: &SetUpProps) -> Html {
    let SetUpProps { pending, state, oncancel } = props;
    let session = use_session();
    let (progress, onsubmit) = use_submission({
        let state = state.clone();
        async move |data: FormData| {
            let code = ConfirmTotpRequest { code: entered_code(&data)? };
            let codes = session.authorized_fresh(api::confirm_totp(&code)).await;
            let codes = codes.map_err(|error| failure(&error))?;
            let is_replaced = codes.recovery_codes.is_empty();
            state.show_codes(codes, if is_replaced { ADDED } else { TURNED_ON });
            state.changed(&session).await;
            Ok(())
        }
    });
    html! { <AppSetUp pending={pending.clone()} {progress} {onsubmit} {oncancel} /> }
}

/// Returns the code, or the error that can be found without the server.
fn entered_code(data: &FormData) -> Result<String, Failure> {
    // Some apps show the code in groups.
    let code: String = data.text(AppSetUp::FIELD).split_whitespace().collect();
    let missing = code.is_empty().then_some(FieldProblem::AppCodeMissing);
    Failure::from_fields([(AppSetUp::FIELD, missing)]).into_result()?;
    Ok(code)
}

fn failure(error: &ApiError) -> Failure {
    let failure = Failure::from_error(error, &[AppSetUp::FIELD], 1);
    match failure.at(AppSetUp::FIELD) {
        // The server has one error for wrong codes from mails and from apps. The app shows another
        // code soon, so the wrong one is cleared.
        Some(_) => Failure {
            clear: Some(AppSetUp::FIELD),
            ..Failure::from_fields([(AppSetUp::FIELD, Some(FieldProblem::AppCodeWrong))])
        },
        None => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(text: &str) -> FormData {
        FormData::from_iter([(AppSetUp::FIELD.to_owned(), text.to_owned())])
    }

    #[test]
    fn an_empty_code_has_an_error() {
        let failure = entered_code(&data(" ")).unwrap_err();
        assert_eq!(failure.at(AppSetUp::FIELD), Some(FieldProblem::AppCodeMissing));
        assert_eq!(entered_code(&data(" 123 456 ")), Ok("123456".to_owned()));
    }

    #[test]
    fn the_error_for_a_wrong_code_does_not_mention_a_mail() {
        let body = r#"{"code":"invalid_fields","errors":[
            {"field":"code","code":"code_wrong","message":"The code is wrong."}]}"#;
        let failure = failure(&ApiError::rejected(422, None, body));
        assert_eq!(failure.at(AppSetUp::FIELD), Some(FieldProblem::AppCodeWrong));
        assert_eq!(failure.clear, Some(AppSetUp::FIELD));
    }

    #[test]
    fn any_other_error_concerns_the_whole_form_and_keeps_the_code() {
        let failure = failure(&ApiError::Unreachable);
        assert!(failure.form.is_some() && failure.clear.is_none(), "{failure:?}");
    }
}

use api_types::{Passkey, RenamePasskeyRequest};
use yew::prelude::*;
use yew_session::use_session;

use super::add::{NAME, entered_name};
use crate::components::{Failure, Form, FormData, TextContent, TextField, quiet_button};
use crate::pages::settings::factors::FactorsState;
use crate::pages::submission::use_submission;
use crate::{api, browser};

const INPUT: &str = "passkey-new-name";
const RENAMED: &str = "The passkey has been renamed.";

#[derive(Properties, PartialEq)]
pub(super) struct RenameFormProps {
    pub(super) passkey: Passkey,
    pub(super) state: FactorsState,
    /// Called with the message after the passkey has been renamed.
    pub(super) onmessage: Callback<Option<&'static str>>,
    /// Called when the form is to be removed.
    pub(super) onclose: Callback<()>,
}

/// A form with the new name of a passkey.
#[component]
pub(super) fn RenameForm(props: &RenameFormProps) -> Html {
    let RenameFormProps { passkey, state, onmessage, onclose } = props;
    let session = use_session();
    let (progress, onsubmit) = use_submission({
        let (id, state) = (passkey.id.clone(), state.clone());
        let (onmessage, onclose) = (onmessage.clone(), onclose.clone());
        async move |data: FormData| {
            let name = RenamePasskeyRequest { name: entered_name(&data)? };
            let answer = session.authorized(api::rename_passkey(&id, &name)).await;
            answer.map_err(|error| Failure::from_error(&error, &[NAME], 1))?;
            state.changed(&session).await;
            onmessage.emit(Some(RENAMED));
            onclose.emit(());
            Ok(())
        }
    });
    use_effect_with(passkey.id.clone(), |_| browser::focus(browser::element(INPUT)));
    html! {
        <div class="passkey-form">
            <Form submit="Save" submitting="Saving…" progress={progress.clone()} {onsubmit}>
                <TextField
                    name={NAME}
                    id={INPUT}
                    label="New name"
                    content={TextContent::PasskeyName}
                    initial={passkey.name.clone()}
                    problem={progress.failure.at(NAME)}
                />
            </Form>
            {quiet_button("Cancel", &progress, onclose.clone())}
        </div>
    }
}

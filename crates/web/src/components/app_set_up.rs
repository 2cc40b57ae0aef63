use api_types::PendingTotp;
use yew::prelude::*;

use super::busy_button::pressed;
use super::copy::use_copy;
use super::form::Form;
use super::form_data::FormData;
use super::progress::Progress;
use super::qr_code::qr_code;
use super::quiet_button::quiet_button;
use super::text_field::{TextContent, TextField};
use crate::format::{count, in_groups};

/// Properties of [`AppSetUp`].
#[derive(Properties, PartialEq)]
pub struct AppSetUpProps {
    /// The app that is being set up.
    pub pending: PendingTotp,
    /// The state of the submission.
    pub progress: Progress,
    /// Called when the user enters a code. The name of the input is [`AppSetUp::FIELD`].
    pub onsubmit: Callback<FormData>,
    /// Called when the user cancels the set-up.
    pub oncancel: Callback<()>,
}

/// The secret for an authenticator app, and a form for the first code of the app.
#[component]
pub fn AppSetUp(props: &AppSetUpProps) -> Html {
    let AppSetUpProps { pending, progress, onsubmit, oncancel } = props;
    let (oncopy, copied) = use_copy(pending.secret.clone());
    html! {
        <>
            <h3 id={AppSetUp::HEADING} tabindex="-1">{"Set up an app"}</h3>
            <p>
                {format!("Scan the QR code with an authenticator app, or enter this key in the app. \
                          Then enter the code that the app shows, within {}.",
                         count(pending.expires_in / 60, "minute"))}
            </p>
            {qr_code(&pending.uri, "QR code for your app, with the key below")}
            <p class="code-text">{in_groups(&pending.secret)}</p>
            <p>
                <button type="button" class="button button-quiet" onclick={pressed(oncopy)}>
                    {"Copy"}
                </button>
            </p>
            {copied}
            <Form
                submit="Turn on"
                submitting="Turning on…"
                progress={progress.clone()}
                {onsubmit}
            >
                <TextField
                    name={AppSetUp::FIELD}
                    id="app-code"
                    label="Code from your app"
                    content={TextContent::AppCode}
                    problem={progress.failure.at(AppSetUp::FIELD)}
                />
            </Form>
            {quiet_button("Cancel", progress, oncancel.clone())}
        </>
    }
}

impl AppSetUp {
    /// The name of the input.
    pub const FIELD: &'static str = "code";
    /// The id of the heading.
    pub const HEADING: &'static str = "app-set-up";
}

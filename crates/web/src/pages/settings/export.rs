use yew::prelude::*;
use yew_session::{SessionHandle, use_session};

use crate::components::{BusyButton, Failure, alert, status};
use crate::messages::describe;
use crate::pages::submission::use_submission;
use crate::site::site;
use crate::{api, download};

const FILE: &str = "account-data.json";

#[component]
pub(super) fn ExportSection() -> Html {
    let session = use_session();
    let (progress, onpress) = use_submission(async move |()| export(&session).await);
    let success = progress.has_succeeded().then(|| format!("Download started: {FILE}").into());
    html! {
        <section class="setting" aria-labelledby="settings-export">
            <h2 id="settings-export" tabindex="-1">{"Your data"}</h2>
            <p>
                {format!("Download a JSON file with the data that {} stores about you: your account, \
                  your sessions, your recent activity and how your password is protected. The \
                  file does not contain the password or its hash.", site().name)}
            </p>
            if let Some(failure) = &progress.failure.form {
                {alert(failure)}
            }
            <p>
                <BusyButton
                    text="Download my data"
                    busy_text="Preparing…"
                    busy={progress.busy}
                    class="button-quiet"
                    {onpress}
                />
            </p>
            {status(success)}
        </section>
    }
}

async fn export(session: &SessionHandle) -> Result<(), Failure> {
    let answer = session.authorized(api::export()).await;
    let text = answer.map_err(|error| Failure::from_form(describe(&error)))?;
    download::save(FILE, "application/json", &text)
        .map_err(|_| Failure::from_form(download::BLOCKED))
}

use api_types::DeleteAccountRequest;
use auth_core::PasswordPolicy;
use yew::prelude::*;
use yew_router::hooks::use_navigator;
use yew_session::{SessionHandle, use_session};

use crate::components::{Dialog, Failure, Form, FormData, PasswordField, hidden_username, pressed};
use crate::messages::FieldProblem;
use crate::pages::submission::use_submission;
use crate::routes::{AccountDeleted, Route};
use crate::site::site;
use crate::{api, browser, storage};

const PASSWORD: &str = "password";

#[derive(Properties, PartialEq)]
pub(super) struct DeletionSectionProps {
    pub(super) email: AttrValue,
    pub(super) policy: PasswordPolicy,
}

#[component]
pub(super) fn DeletionSection(props: &DeletionSectionProps) -> Html {
    let is_open = use_state(|| false);
    let opener = use_node_ref();
    let onclick = {
        let is_open = is_open.setter();
        pressed(move |()| is_open.set(true))
    };
    let onclose = {
        let (is_open, opener) = (is_open.setter(), opener.clone());
        move |()| {
            is_open.set(false);
            // Safari does not focus a button that is clicked, so it cannot return the focus to it.
            browser::focus(opener.cast());
        }
    };
    html! {
        <section class="setting" aria-labelledby="settings-deletion">
            <h2 id="settings-deletion" tabindex="-1">{"Delete your account"}</h2>
            <p>{"This takes effect immediately and cannot be undone."}</p>
            <p>
                <button
                    type="button"
                    class="button button-danger-quiet"
                    aria-haspopup="dialog"
                    {onclick}
                    ref={opener}
                >
                    {"Delete account"}
                </button>
            </p>
            if *is_open {
                <DeletionDialog email={props.email.clone()} policy={props.policy} {onclose} />
            }
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct DeletionDialogProps {
    email: AttrValue,
    policy: PasswordPolicy,
    onclose: Callback<()>,
}

/// The dialog with the password. The field exists only while the dialog is open, so the browser
/// cannot fill in a password before.
#[component]
fn DeletionDialog(props: &DeletionDialogProps) -> Html {
    let DeletionDialogProps { email, policy, onclose } = props;
    let session = use_session();
    let navigator = use_navigator();
    let policy = *policy;
    let (progress, onsubmit) = use_submission(async move |data: FormData| {
        delete(&data, &session, policy).await?;
        session.account_deleted(|| {
            storage::clear_tab();
            if let Some(home) = Route::Home.page_of_app() {
                browser::replace_document(home);
            } else if let Some(navigator) = &navigator {
                navigator.replace_with_state(&Route::Home, AccountDeleted);
            }
        });
        Ok(())
    });
    html! {
        <Dialog
            title="Delete your account?"
            title_id="deletion-dialog"
            busy={progress.busy}
            {onclose}
        >
            <p>
                {format!("This deletes your account, your sessions and everything else that {} stores \
                  about you. Only a record of the deletion remains, without your e-mail address. \
                  The deletion takes effect immediately and cannot be undone. Afterwards, your \
                  e-mail address is no longer reserved for you.", site().name)}
            </p>
            <Form
                submit="Delete account"
                submitting="Deleting…"
                dangerous=true
                progress={progress.clone()}
                {onsubmit}
            >
                {hidden_username(email)}
                <PasswordField
                    name={PASSWORD}
                    autocomplete="current-password"
                    problem={progress.failure.at(PASSWORD)}
                    busy={progress.busy}
                />
            </Form>
        </Dialog>
    }
}

async fn delete(
    data: &FormData,
    session: &SessionHandle,
    policy: PasswordPolicy,
) -> Result<(), Failure> {
    check(data).into_result()?;
    let request = DeleteAccountRequest { password: data.text(PASSWORD).to_owned() };
    session
        .authorized_fresh(api::delete_account(&request))
        .await
        .map_err(|error| Failure::from_error(&error, &[PASSWORD], policy.min_length()))
}

/// Checks whether the field is empty. The server would count an empty password as an attempt.
fn check(data: &FormData) -> Failure {
    let missing = data.text(PASSWORD).is_empty();
    Failure::from_fields([(PASSWORD, missing.then_some(FieldProblem::PasswordMissing))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_password_has_an_error() {
        let data = |text: &str| FormData::from_iter([(PASSWORD.to_owned(), text.to_owned())]);
        assert_eq!(check(&data("")).at(PASSWORD), Some(FieldProblem::PasswordMissing));
        assert_eq!(check(&data("x")), Failure::default());
    }
}

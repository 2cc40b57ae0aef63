use api_types::ResetPasswordRequest;
use auth_core::PasswordPolicy;
use yew::prelude::*;
use yew_router::hooks::{use_location, use_navigator};
use yew_session::{Session, use_session};

use super::email::code_problem;
use super::new_password;
use super::submission::use_submission;
use crate::api;
use crate::browser;
use crate::components::{
    Failure, Form, FormData, Link, PasswordField, TextContent, TextField, account_link, door,
    hidden_username, status, use_page_title,
};
use crate::messages::FieldProblem;
use crate::routes::{LoginNotice, LoginState, Route, mail_link};

const TOKEN: &str = "token";
const PASSWORD: &str = "new_password";

/// Properties of [`Reset`].
#[derive(Properties, PartialEq)]
pub struct ResetProps {
    /// The rules for a new password.
    pub policy: PasswordPolicy,
}

/// The page on which a user who has forgotten the password sets a new one.
///
/// The token is in the link that has opened the page. If a mail filter has broken the link, the
/// user can enter the token. Only a new password consumes the token, so a program that opens the
/// link and presses the button does not.
#[component]
pub fn Reset(props: &ResetProps) -> Html {
    use_page_title("Choose a new password");
    let policy = props.policy;
    let session = use_session();
    let navigator = use_navigator();
    let link = use_location().as_ref().map(mail_link).unwrap_or_default();
    let email = AttrValue::from(link.email);
    let is_without_link = link.token.is_empty();
    let is_rejected = use_state(|| false);
    // The email address of the account whose password has been set.
    let account = use_state(|| None::<AttrValue>);
    let is_signed_out = *session.session() == Session::SignedOut;
    let (progress, onsubmit) = use_submission({
        let email = email.clone();
        let (is_rejected, account) = (is_rejected.setter(), account.setter());
        async move |data: FormData| {
            check(&data, policy, &email).into_result()?;
            let [token, new_password] = [TOKEN, PASSWORD].map(|name| data.text(name).to_owned());
            let reset =
                api::reset_password(&ResetPasswordRequest { token, new_password }).send().await;
            let reset = reset.map_err(|error| {
                let failure = Failure::from_error(&error, &[TOKEN, PASSWORD], policy.min_length());
                is_rejected.set(failure.at(TOKEN).is_some());
                failure
            })?;
            session.password_reset().await;
            account.set(Some(reset.email.into()));
            Ok(())
        }
    });
    use_effect_with(((*account).clone(), is_signed_out), {
        let navigator = navigator.clone();
        move |(account, is_signed_out)| {
            if *is_signed_out
                && let Some(email) = account.clone()
                && let Some(navigator) = navigator
            {
                let notice = Some(LoginNotice::PasswordReset);
                let state = LoginState { email, notice, ..LoginState::default() };
                navigator.replace_with_state(&Route::Login, state);
            }
        }
    });
    // Another user is signed in, so the log-in page would lead to their account.
    let other = account.as_ref().filter(|_| !is_signed_out).map(|email| {
        AttrValue::from(format!(
            "The password of {email} has been changed. To use this account, log out and log in with \
             the new password."
        ))
    });
    // The focused button is removed together with its form.
    use_effect_with(other.is_some(), |is_shown| {
        if *is_shown && browser::has_lost_focus() {
            browser::focus_page();
        }
    });
    let onfollow = {
        let email = email.clone();
        Callback::from(move |()| {
            if let Some(navigator) = &navigator {
                let state = LoginState { email: email.clone(), ..LoginState::default() };
                navigator.push_with_state(&Route::Forgot, state);
            }
        })
    };
    let (token, password) = (progress.failure.at(TOKEN), progress.failure.at(PASSWORD));
    html! {
        <article class="auth">
            {door()}
            <div class="auth-form">
                <h1 tabindex="-1">{"Choose a new password"}</h1>
                {status(other.clone())}
                if other.is_some() {
                    <p key="changed">
                        <Link to={Route::Private} class="button">
                            {account_link("Go to your account", "Continue to")}
                        </Link>
                    </p>
                } else {
                    if is_without_link {
                        <p class="lead">
                            {"Enter the code from the e-mail, or open the link again."}
                        </p>
                    }
                    <p>{"Setting a new password logs you out everywhere."}</p>
                    <Form
                        submit="Set new password"
                        submitting="Setting…"
                        progress={progress.clone()}
                        {onsubmit}
                    >
                        if !email.is_empty() {
                            {hidden_username(&email)}
                        }
                        <div hidden={!is_without_link && !*is_rejected}>
                            <TextField
                                name={TOKEN}
                                label="Code from the e-mail"
                                content={TextContent::Code}
                                initial={link.token}
                                problem={token}
                                onfollow={onfollow.clone()}
                            />
                        </div>
                        <PasswordField
                            name={PASSWORD}
                            label="New password"
                            autocomplete="new-password"
                            hint={new_password::hint(policy)}
                            problem={password}
                            busy={progress.busy}
                        />
                    </Form>
                    if is_without_link {
                        <p class="auth-other">
                            {"No e-mail yet? "}
                            <Link to={Route::Forgot} {onfollow}>{"Request a link"}</Link>
                        </p>
                    }
                }
            </div>
        </article>
    }
}

/// Returns the errors that can be found without the server.
fn check(data: &FormData, policy: PasswordPolicy, email: &str) -> Failure {
    let password: Option<FieldProblem> = new_password::problem(data.text(PASSWORD), policy, email);
    Failure::from_fields([(TOKEN, code_problem(data.text(TOKEN))), (PASSWORD, password)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(token: &str, password: &str) -> (Option<FieldProblem>, Option<FieldProblem>) {
        let data = [(TOKEN, token), (PASSWORD, password)];
        let data = data.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let policy = PasswordPolicy::default();
        let failure = check(&FormData::from_iter(data), policy, "ada@example.com");
        (failure.at(TOKEN), failure.at(PASSWORD))
    }

    #[test]
    fn any_text_is_accepted_as_a_token() {
        assert_eq!(problems("x", "a long walk"), (None, None));
    }

    /// So a program that only presses the button sends nothing.
    #[test]
    fn without_a_password_nothing_is_sent() {
        let too_short = Some(FieldProblem::PasswordTooShort(8));
        assert_eq!(problems("K7QM-2XRD", ""), (None, too_short));
        assert_eq!(problems("", ""), (Some(FieldProblem::CodeMissing), too_short));
    }

    #[test]
    fn the_email_from_the_link_is_rejected_as_a_password() {
        let common = Some(FieldProblem::PasswordCommon);
        assert_eq!(problems("x", "Ada@example.com"), (None, common));
    }
}

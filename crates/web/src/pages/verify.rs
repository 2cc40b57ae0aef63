use api_types::{CodeRequest, ErrorCode};
use yew::prelude::*;
use yew_router::hooks::use_location;
use yew_session::{ApiError, SessionHandle, User, use_session};

use super::email::{entered_code, failure, use_code_progress};
use super::submission::use_submission;
use crate::api;
use crate::browser;
use crate::components::{
    CodeForm, Failure, FormData, Link, account_link, door, send_again, status, use_page_title,
};
use crate::messages::describe;
use crate::routes::{Route, mail_link};

/// Properties of [`Verify`].
#[derive(Properties, PartialEq)]
pub struct VerifyProps {
    /// The signed-in user.
    pub user: User,
}

/// The page on which users verify their email address with a code from a mail.
#[component]
pub fn Verify(props: &VerifyProps) -> Html {
    use_page_title("Confirm your e-mail address");
    let User { email, email_verified_at, .. } = &props.user;
    let session = use_session();
    let link = use_location().as_ref().map(mail_link).unwrap_or_default();
    let (progress, onsubmit) = use_submission({
        let session = session.clone();
        async move |data: FormData| verify(&data, &session).await
    });
    let (request, onrequest) = use_submission(async move |()| request_code(&session).await);
    let progress = use_code_progress(progress, &request);
    let is_verified = email_verified_at.is_some();
    // The focused button is removed together with its form.
    use_effect_with(is_verified, |is_verified| {
        if *is_verified && browser::has_lost_focus() {
            browser::focus_page();
        }
    });
    let text = if is_verified {
        Some(format!("{email} is confirmed."))
    } else {
        request.has_succeeded().then(|| format!("We have sent a new code to {email}."))
    };
    html! {
        <article class="auth">
            {door()}
            <div class="auth-form">
                <h1 tabindex="-1">
                    {"Confirm your "}
                    // The line must not break after the hyphen.
                    <span class="unbroken">{"e-mail"}</span>
                    {" address"}
                </h1>
                {status(text.map(AttrValue::from))}
                if is_verified {
                    <p key="verified">
                        <Link to={Route::Private} class="button">{account_link("Go to your account", "Continue to")}</Link>
                    </p>
                } else {
                    <p key="unverified" class="lead">
                        {format!("Enter the code that we have sent to {email}.")}
                    </p>
                    <CodeForm
                        submit="Confirm"
                        submitting="Confirming…"
                        initial={link.token}
                        {progress}
                        {onsubmit}
                    />
                    {send_again("Send a new code", &request, onrequest)}
                }
            </div>
        </article>
    }
}

async fn verify(data: &FormData, session: &SessionHandle) -> Result<(), Failure> {
    let code = CodeRequest { code: entered_code(data)? };
    let answer = session.authorized(api::verify_email(&code)).await;
    session.user_changed(answer.map_err(|error| failure(&error, CodeForm::FIELD))?);
    Ok(())
}

async fn request_code(session: &SessionHandle) -> Result<(), Failure> {
    match session.authorized(api::request_verification()).await {
        Ok(_) => Ok(()),
        // The email address was verified elsewhere.
        Err(ApiError::Rejected(rejection))
            if rejection.code == Some(ErrorCode::AlreadyVerified) =>
        {
            session.verify();
            Ok(())
        }
        Err(error) => Err(Failure::from_form(describe(&error))),
    }
}

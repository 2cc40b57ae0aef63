use api_types::{CodeRequest, EmailTokenRequest};
use yew::prelude::*;
use yew_router::history::Location;
use yew_router::hooks::{use_location, use_navigator};

use super::email::{EMAIL, entered_code, failure, use_code_progress, use_mail_request};
use super::login::{REMEMBER, follow_login, remember_choice, start_session};
use super::submission::{use_is_mounted, use_submission};
use crate::api;
use crate::browser;
use crate::components::{
    CodeForm, Form, FormData, Link, TextContent, TextField, door, send_again, status,
    use_page_title,
};
use crate::routes::{LoginState, Route, push_other_login};
use crate::session::{use_session, with_cookie_lock};

/// The page for logging in with a code from a mail.
#[component]
pub fn EmailLogin() -> Html {
    use_page_title("Log in by e-mail");
    let session = use_session();
    let navigator = use_navigator();
    let location = use_location();
    let is_mounted = use_is_mounted();
    let state = location.as_ref().and_then(Location::state::<LoginState>);
    let initial = state.map(|state| state.email.clone()).unwrap_or_default();
    let request = use_mail_request(async move |data: &FormData| {
        let email = data.text(EMAIL).to_owned();
        let remember = data.is_checked(REMEMBER);
        api::request_sign_in_code(&EmailTokenRequest { email, remember }).await.map(drop)
    });
    let (progress, onsubmit) = use_submission({
        let (navigator, location) = (navigator.clone(), location.clone());
        let sent = request.sent.clone();
        async move |data: FormData| {
            let code = CodeRequest { code: entered_code(&data)? };
            let answer = with_cookie_lock(api::sign_in_with_code(&code)).await;
            let answer = answer.map_err(|error| failure(&error, CodeForm::FIELD))?;
            start_session(&session, answer, sent.as_deref().unwrap_or(&FormData::default()))?;
            // Do not navigate if the user has already left this page.
            if is_mounted() {
                follow_login(navigator.as_ref(), location.as_ref());
            }
            Ok(())
        }
    });
    let progress = use_code_progress(progress, &request.progress);
    let is_sent = request.sent.is_some();
    use_effect_with(is_sent, |is_sent| {
        if *is_sent {
            browser::focus(browser::element(CodeForm::FIELD));
        }
    });
    let onfollow = Callback::from(move |()| {
        if let (Some(navigator), Some(location)) = (&navigator, &location) {
            push_other_login(navigator, location, Route::Login);
        }
    });
    html! {
        <article class="auth">
            {door()}
            <div class="auth-form">
                <h1 tabindex="-1">{"Log in by e-mail"}</h1>
                {status(request.status("code"))}
                if is_sent {
                    <CodeForm key="code" submit="Log in" submitting="Logging in…" {progress} {onsubmit} />
                    {send_again("Send a new code", &request.progress, request.onrepeat.clone())}
                } else {
                    <Form
                        key="email"
                        submit="Send code"
                        submitting="Sending…"
                        progress={request.progress.clone()}
                        onsubmit={request.onsubmit.clone()}
                    >
                        <TextField
                            name={EMAIL}
                            label="E-mail"
                            content={TextContent::Username}
                            {initial}
                            problem={request.progress.failure.at(EMAIL)}
                        />
                        {remember_choice()}
                    </Form>
                }
                <p class="auth-other">
                    <Link to={Route::Login} {onfollow}>{"Log in with your password"}</Link>
                </p>
            </div>
        </article>
    }
}

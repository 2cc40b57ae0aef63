use api_types::RequestPasswordResetRequest;
use yew::prelude::*;
use yew_router::hooks::use_location;

use super::email::{EMAIL, use_mail_request};
use crate::api;
use crate::browser;
use crate::components::{
    Form, FormData, Link, TextContent, TextField, door, send_again, status, use_page_title,
};
use crate::routes::{LoginState, Route};

/// The page that requests a mail with a link to reset the password.
#[component]
pub fn Forgot() -> Html {
    use_page_title("Reset your password");
    let state = use_location().and_then(|location| location.state::<LoginState>());
    let initial = state.map(|state| state.email.clone()).unwrap_or_default();
    let request = use_mail_request(async move |data: &FormData| {
        let email = data.text(EMAIL).to_owned();
        api::request_password_reset(&RequestPasswordResetRequest { email }).await.map(drop)
    });
    let is_sent = request.sent.is_some();
    // The focused button is removed together with its form.
    use_effect_with(is_sent, |is_sent| {
        if *is_sent {
            browser::focus_page();
        }
    });
    html! {
        <article class="auth">
            {door()}
            <div class="auth-form">
                <h1 tabindex="-1">{"Reset your password"}</h1>
                {status(request.status("link"))}
                if is_sent {
                    {send_again("Send again", &request.progress, request.onrepeat.clone())}
                } else {
                    <Form
                        submit="Send reset link"
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
                    </Form>
                }
                <p class="auth-other"><Link to={Route::Login}>{"Back to log in"}</Link></p>
            </div>
        </article>
    }
}

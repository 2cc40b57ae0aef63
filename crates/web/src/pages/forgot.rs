use api_types::RequestPasswordResetRequest;
use yew::prelude::*;

use super::email::{EMAIL, Step, use_login_state, use_mail_request, use_other_login};
use crate::api;
use crate::browser;
use crate::components::{
    Form, FormData, Link, TextContent, TextField, door, quiet_button, send_again, status,
    use_page_title,
};
use crate::routes::Route;

/// The page that requests a mail with a link to reset the password.
#[component]
pub fn Forgot() -> Html {
    use_page_title("Reset your password");
    let mut entered = use_login_state();
    let request = use_mail_request(async move |data: &FormData| {
        let email = data.text(EMAIL).to_owned();
        api::request_password_reset(&RequestPasswordResetRequest { email }).send().await.map(drop)
    });
    // The focused button is removed together with its form.
    use_effect_with(request.step, |step| {
        if *step == Step::Mail {
            browser::focus_page();
        }
    });
    let onback = request.onstep.reform(|()| Step::Email);
    if let Some(sent) = &request.sent {
        entered.email = sent.text(EMAIL).to_owned().into();
    }
    let onother = use_other_login(entered.clone());
    html! {
        <article class="auth">
            {door()}
            <div class="auth-form">
                <h1 tabindex="-1">{"Reset your password"}</h1>
                {status(request.status("link"))}
                if request.step == Step::Mail {
                    <p>
                        {"Open the link to choose a new password. If the e-mail does not arrive, \
                          check your spam folder."}
                    </p>
                    {send_again("Send again", &request.progress, request.onrepeat.clone())}
                    {quiet_button("Use another e-mail", &request.progress, onback)}
                } else {
                    <p class="lead">
                        {"We will e-mail you a link to choose a new password."}
                    </p>
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
                            initial={entered.email}
                            problem={request.progress.failure.at(EMAIL)}
                        />
                    </Form>
                }
                <p class="auth-other">
                    <Link to={Route::Login} onfollow={onother.reform(|()| Route::Login)}>
                        {"Back to the log-in page"}
                    </Link>
                </p>
            </div>
        </article>
    }
}

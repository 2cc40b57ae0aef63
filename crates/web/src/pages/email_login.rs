use std::rc::Rc;

use api_types::{CodeRequest, EmailTokenRequest};
use yew::prelude::*;
use yew_session::Remember;

use super::email::{
    EMAIL, REMEMBER, Step, entered_code, failure, use_code_progress, use_login_state,
    use_mail_request, use_other_login,
};
use super::login::{remember_choice, remembered, use_finish_log_in};
use super::second_step::{self, FirstStep, Restart, TwoStepLogin};
use super::submission::use_submission;
use crate::api;
use crate::browser;
use crate::components::{
    CodeForm, Form, FormData, Link, TextContent, TextField, door, quiet_button, send_again, status,
    use_page_title,
};
use crate::routes::Route;
use crate::storage;
use crate::webauthn::Passkeys;

/// Properties of [`EmailLogin`].
#[derive(Properties, PartialEq)]
pub struct EmailLoginProps {
    /// The support for passkeys on this page.
    pub passkeys: Passkeys,
}

/// The page for logging in with a code from a mail.
#[component]
pub fn EmailLogin(props: &EmailLoginProps) -> Html {
    let first = use_state(|| None::<Rc<FirstStep>>);
    let restarted = use_state(|| None::<(Restart, Remember)>);
    use_page_title(if first.is_some() { second_step::TITLE } else { "Log in by e-mail" });
    let finish = use_finish_log_in();
    let mut entered = use_login_state();
    let request = use_mail_request(async move |data: &FormData| {
        let email = data.text(EMAIL).to_owned();
        let remember = data.is_checked(REMEMBER);
        api::request_sign_in_code(&EmailTokenRequest { email, remember }).send().await?;
        storage::set_code_remember(remembered(data));
        Ok(())
    });
    let (progress, onsubmit) = use_submission({
        let (first, finish) = (first.setter(), finish.clone());
        async move |data: FormData| {
            let code = CodeRequest { code: entered_code(&data)? };
            let answer = api::sign_in_with_code(&code).send().await;
            match answer {
                Ok(answer) => finish(answer, storage::take_code_remember()),
                Err(error) => {
                    let required =
                        error.second_factor().ok_or_else(|| failure(&error, CodeForm::FIELD))?;
                    first.set(Some(Rc::new(FirstStep {
                        required: required.clone(),
                        email: AttrValue::default(),
                        remember: storage::take_code_remember(),
                    })));
                    Ok(())
                }
            }
        }
    });
    let progress = use_code_progress(progress, &request.progress);
    // The focused button is removed together with its form.
    use_effect_with(request.step, |step| {
        if *step == Step::Mail {
            browser::focus(browser::element(CodeForm::FIELD));
        }
    });
    let onback = request.onstep.reform(|()| Step::Email);
    let onhas_code = request.onstep.reform(|()| Step::Mail);
    if let Some(sent) = &request.sent {
        entered.email = sent.text(EMAIL).to_owned().into();
        entered.remember = sent.is_checked(REMEMBER);
    } else if let Some((_, remember)) = *restarted {
        entered.remember = remember == Remember::Yes;
    }
    let onother = use_other_login(entered.clone());
    if let Some(step) = &*first {
        let remember = step.remember;
        let onsignedin = Callback::from(move |answer| finish(answer, remember));
        let onrestart = request.onstep.reform({
            let (first, restarted) = (first.setter(), restarted.setter());
            move |reason| {
                restarted.set(Some((reason, remember)));
                first.set(None);
                Step::Email
            }
        });
        let (first, passkeys) = (step.clone(), props.passkeys);
        return html! {
            <article class="auth">
                {door()}
                <div class="auth-form">
                    <TwoStepLogin {first} {passkeys} {onsignedin} {onrestart} />
                </div>
            </article>
        };
    }
    html! {
        <article class="auth">
            {door()}
            <div class="auth-form">
                <h1 tabindex="-1">
                    {"Log in by "}
                    // The line must not break after the hyphen.
                    <span class="unbroken">{"e-mail"}</span>
                </h1>
                if let Some((reason, _)) = restarted.filter(|_| request.step == Step::Email) {
                    {reason.notice()}
                }
                {status(request.status("code"))}
                if request.step == Step::Mail {
                    <CodeForm key="code" submit="Log in" submitting="Logging in…" {progress} {onsubmit} />
                    if request.sent.is_some() {
                        {send_again("Send a new code", &request.progress, request.onrepeat.clone())}
                        {quiet_button("Use another e-mail", &request.progress, onback)}
                    } else {
                        {quiet_button("Request a code", &request.progress, onback)}
                    }
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
                            initial={entered.email}
                            problem={request.progress.failure.at(EMAIL)}
                        />
                        {remember_choice(entered.remember)}
                    </Form>
                    // The page may have been reloaded while the user was reading the mail.
                    {quiet_button("I already have a code", &request.progress, onhas_code)}
                }
                <p class="auth-other">
                    <Link to={Route::Login} onfollow={onother.reform(|()| Route::Login)}>
                        {"Log in with your password"}
                    </Link>
                </p>
            </div>
        </article>
    }
}

//! The routes with the forms.

mod mail;

use std::sync::Arc;

use accounts::http::{
    ApiError, Authentication, FactorField, PAGE_SCRIPT, SetCookie, check_origin, client_info,
    log_in_location, log_out,
};
use accounts::{
    Caller, CompleteSignIn, IssuedTokens, MailMode, RefreshToken, SecondFactor, SignIn,
    SignInOutcome,
};
use api_types::{FieldCode, FieldError};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use zeroize::Zeroizing;

use crate::form::{Form, Notice, Query};
use crate::form_page::{FormKind, FormPage};
use crate::rejection::{Page, Rejection};
use crate::request::{RequestAuth, client_address};
use crate::shared::{PAGE_HEADERS, Shared};

/// The handlers of the forms.
struct Forms<R> {
    shared: Arc<Shared>,
    render: R,
}

/// Returns the routes.
pub(crate) fn routes<S, R>(shared: Arc<Shared>, render: R) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    R: Fn(&FormPage) -> Response + Send + Sync + 'static,
{
    const ALWAYS: &[FormKind] =
        &[FormKind::LogIn, FormKind::SecondFactor, FormKind::SignUp, FormKind::LogOut];
    const WITH_MAIL: &[FormKind] =
        &[FormKind::ForgotPassword, FormKind::ResetPassword, FormKind::VerifyEmail];

    let with_mail = match shared.accounts.mail() {
        MailMode::On => WITH_MAIL,
        MailMode::Off => &[],
    };
    let forms = Arc::new(Forms { shared, render });
    let mut router = Router::new().route("/latchkey-page.js", get(page_script));
    for kind in ALWAYS.iter().chain(with_mail).copied() {
        let (shown, sent) = (Arc::clone(&forms), Arc::clone(&forms));
        let methods = get(async move |request: Request| shown.show(kind, request).await);
        let methods = methods.post(async move |request: Request| sent.submit(kind, request).await);
        router = router.route(kind.path(), methods);
    }
    router
}

/// Returns the script for pages of users. Its URL stays the same when it changes, so browsers must
/// revalidate it each time.
async fn page_script() -> impl IntoResponse {
    let headers = [(CONTENT_TYPE, "text/javascript; charset=utf-8"), (CACHE_CONTROL, "no-cache")];
    (headers, PAGE_SCRIPT)
}

/// The successful outcome of a form.
struct Success {
    /// The path to open.
    location: String,
    cookies: Vec<SetCookie>,
}

impl Success {
    /// Leads to another form, which keeps the path to open afterwards.
    fn form(kind: FormKind, form: &Form, notice: Option<Notice>) -> Self {
        let mut location = log_in_location(kind.path(), form.next.as_deref().unwrap_or_default());
        if let Some(notice) = notice {
            let separator = if location.contains('?') { '&' } else { '?' };
            location.push(separator);
            location.push_str("notice=");
            location.push_str(notice.as_str());
        }
        Self { location, cookies: Vec::new() }
    }
}

impl<R: Fn(&FormPage) -> Response> Forms<R> {
    async fn show(&self, kind: FormKind, request: Request) -> Response {
        let (parts, _) = request.into_parts();
        let Query { next, notice, fresh } = Query::parse(parts.uri.query().unwrap_or_default());
        let form = Form { next, ..Form::default() };
        if !matches!(kind, FormKind::LogIn | FormKind::SignUp | FormKind::VerifyEmail) {
            return self.page(kind, form, notice, None);
        }
        let auth = RequestAuth::new(Arc::clone(&self.shared));
        let authentication = auth.authenticate(&parts).await;
        let response = match &authentication.user {
            Ok(user) if kind == FormKind::VerifyEmail => self.show_verification(user, form, notice),
            Err(error) if kind == FormKind::VerifyEmail => self.reject(error, &parts),
            // A user who is signed in needs the form only for another log-in.
            Ok(_) if !fresh && notice.is_none() => self.succeed(self.next(&form)),
            _ => self.page(kind, form, notice, None),
        };
        self.finish(authentication, response).await
    }

    async fn submit(&self, kind: FormKind, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let form = match self.read(kind, &parts, body).await {
            Ok(form) => form,
            Err(error) => return self.page(kind, Form::default(), None, Some(error)),
        };
        let outcome = match kind {
            FormKind::LogIn => self.log_in(&form, &parts).await,
            FormKind::SecondFactor => self.complete_log_in(&form, &parts).await,
            FormKind::SignUp => self.sign_up(&form, &parts).await,
            FormKind::LogOut => self.log_out(&parts).await,
            FormKind::ForgotPassword => self.request_reset(&form, &parts).await,
            FormKind::ResetPassword => self.reset_password(&form, &parts).await,
            FormKind::VerifyEmail => {
                let auth = RequestAuth::new(Arc::clone(&self.shared));
                let authentication = auth.authenticate(&parts).await;
                let response = match &authentication.user {
                    Ok(user) => self.verify_email(user, form, &parts).await,
                    Err(error) => self.reject(error, &parts),
                };
                return self.finish(authentication, response).await;
            }
        };
        match outcome {
            Ok(success) => self.succeed(success),
            // Without a valid ticket, the user starts again.
            Err(error @ ApiError::InvalidTicket) => {
                let mut response = self.page(FormKind::LogIn, form, None, Some(error));
                add_cookies(response.headers_mut(), vec![self.shared.cookies.clear_ticket()]);
                response
            }
            Err(error) => self.page(kind, form, None, Some(error)),
        }
    }

    /// Reads a form of a page of the app.
    async fn read(&self, kind: FormKind, parts: &Parts, body: Body) -> Result<Form, ApiError> {
        check_origin(&parts.headers, self.shared.accounts.origin())?;
        match kind {
            FormKind::LogOut => Ok(Form::default()),
            _ => Form::read(&parts.headers, body).await,
        }
    }

    async fn log_in(&self, form: &Form, parts: &Parts) -> Result<Success, ApiError> {
        let caller = self.caller(parts);
        let replaces = self.session_cookie(parts);
        let request = SignIn {
            email: &form.email,
            password: &form.password,
            remember: form.remember,
            caller: &caller,
            replaces: replaces.as_ref(),
        };
        match self.shared.accounts.sign_in(request).await? {
            SignInOutcome::SignedIn(tokens) => {
                self.end_overwritten_session(replaces.as_ref(), &caller).await;
                Ok(self.signed_in(&tokens, form))
            }
            SignInOutcome::SecondFactorRequired(required) => Ok(Success {
                cookies: vec![self.shared.cookies.set_ticket(&required)],
                ..Success::form(FormKind::SecondFactor, form, None)
            }),
        }
    }

    async fn complete_log_in(&self, form: &Form, parts: &Parts) -> Result<Success, ApiError> {
        let ticket = self.shared.cookies.ticket(&parts.headers).ok_or(ApiError::InvalidTicket)?;
        let caller = self.caller(parts);
        let replaces = self.session_cookie(parts);
        // The codes of apps have only digits.
        let is_app_code = form.code.chars().all(|char| char.is_ascii_digit() || char == ' ');
        let (factor, field) = if is_app_code {
            (SecondFactor::Code(&form.code), FactorField::Code)
        } else {
            (SecondFactor::RecoveryCode(&form.code), FactorField::RecoveryCode)
        };
        let request =
            CompleteSignIn { ticket, factor, caller: &caller, replaces: replaces.as_ref() };
        match self.shared.accounts.complete_sign_in(request).await {
            Ok(tokens) => {
                self.end_overwritten_session(replaces.as_ref(), &caller).await;
                Ok(self.signed_in(&tokens, form))
            }
            Err(error) => Err(ApiError::from_complete_sign_in(error, field)),
        }
    }

    /// Creates an account, and logs its user in.
    async fn sign_up(&self, form: &Form, parts: &Parts) -> Result<Success, ApiError> {
        let caller = self.caller(parts);
        let accounts = &self.shared.accounts;
        let (email, password) = (&form.email, &form.password);
        match form.invitation.trim() {
            "" => accounts.sign_up(email, password, &caller).await?,
            token => accounts.sign_up_with_invitation(email, password, token, &caller).await?,
        };
        match self.log_in(form, parts).await {
            Ok(success) => Ok(success),
            // The account exists, so the user can log in later.
            Err(error) => {
                error.log();
                Ok(Success::form(FormKind::LogIn, form, None))
            }
        }
    }

    async fn log_out(&self, parts: &Parts) -> Result<Success, ApiError> {
        let Shared { accounts, cookies, after_log_out, .. } = &*self.shared;
        let ip = client_address(parts, &self.shared);
        let cookies = log_out(accounts, cookies, &parts.headers, ip).await?;
        let location = after_log_out.clone().into_owned();
        Ok(Success { location, cookies: cookies.into() })
    }

    fn signed_in(&self, tokens: &IssuedTokens, form: &Form) -> Success {
        let cookies = &self.shared.cookies;
        let mut set = vec![cookies.set_refresh(&tokens.refresh), cookies.clear_ticket()];
        set.extend(tokens.device.as_ref().map(|device| cookies.set_device(device)));
        Success { cookies: set, ..self.next(form) }
    }

    /// Leads to the page that the user wants to open.
    fn next(&self, form: &Form) -> Success {
        let after_log_in = || self.shared.after_log_in.clone().into_owned();
        let location = form.next.clone().unwrap_or_else(after_log_in);
        Success { location, cookies: Vec::new() }
    }

    /// Ends the session of the cookie that a log-in overwrites, even if it belongs to another user:
    /// nobody can use it any more to log out.
    async fn end_overwritten_session(&self, token: Option<&RefreshToken>, caller: &Caller) {
        let Some(token) = token else { return };
        let ended = self.shared.accounts.sign_out_by_refresh_token(token, &caller.client).await;
        if let Err(error) = ended {
            ApiError::from(error).log();
        }
    }

    fn caller(&self, parts: &Parts) -> Caller {
        let client = client_info(&parts.headers, client_address(parts, &self.shared));
        Caller { client, device: self.shared.cookies.device_token(&parts.headers) }
    }

    fn session_cookie(&self, parts: &Parts) -> Option<RefreshToken> {
        self.shared.cookies.refresh_token(&parts.headers)
    }

    fn succeed(&self, Success { location, cookies }: Success) -> Response {
        let mut response = Redirect::to(&location).into_response();
        add_cookies(response.headers_mut(), cookies);
        response
    }

    fn reject(&self, error: &ApiError, parts: &Parts) -> Response {
        Rejection::new(error.clone(), Page::new(parts, &self.shared)).into_response()
    }

    /// Adds the headers that a response needs because of the session cookie of its request.
    async fn finish(&self, authentication: &Authentication, mut response: Response) -> Response {
        let Shared { accounts, cookies, .. } = &*self.shared;
        authentication.finish(accounts, cookies, response.headers_mut()).await;
        response
    }

    /// Returns a page with the form. What was typed is kept, except for secrets. A code that resets
    /// the password is kept, because it remains valid if the new password breaks a rule.
    fn page(
        &self,
        kind: FormKind,
        form: Form,
        notice: Option<Notice>,
        error: Option<ApiError>,
    ) -> Response {
        let accounts = &self.shared.accounts;
        let mut page = FormPage {
            kind,
            email: form.email,
            code: match kind {
                FormKind::ResetPassword => form.code,
                _ => Zeroizing::default(),
            },
            remember: form.remember,
            next: form.next,
            notice,
            error: None,
            field_errors: Vec::new(),
            sign_up: accounts.config().sign_up,
            mail: accounts.mail() == MailMode::On,
        };
        let mut status = StatusCode::OK;
        let mut retry_after = None;
        if let Some(error) = error {
            error.log();
            status = error.status();
            retry_after = error.header().filter(|(name, _)| *name == RETRY_AFTER);
            let detail = error.detail();
            match error {
                ApiError::InvalidFields(errors) => page.field_errors = form_errors(errors),
                ApiError::EmailTaken => page.field_errors = vec![email_taken(detail)],
                _ => page.error = Some(detail),
            }
        }
        let mut response = (self.render)(&page);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        add_cookies(headers, Vec::new());
        for (name, value) in PAGE_HEADERS {
            headers.entry(name).or_insert(value);
        }
        if let Some((name, value)) = retry_after {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// Names the errors after the fields of the form.
fn form_errors(mut errors: Vec<FieldError>) -> Vec<FieldError> {
    for error in &mut errors {
        let field = match &*error.field {
            "recovery_code" | "token" => "code",
            "new_password" => "password",
            _ => continue,
        };
        error.field = field.to_owned();
    }
    errors
}

fn email_taken(message: String) -> FieldError {
    FieldError { field: "email".to_owned(), code: FieldCode::EmailInvalid, message }
}

/// Adds cookies. No cache may store the response.
fn add_cookies(headers: &mut HeaderMap, cookies: Vec<SetCookie>) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for cookie in cookies {
        headers.append(SET_COOKIE, cookie.into_value());
    }
}

//! The routes with the forms to log in, to sign up and to log out.

use std::sync::Arc;

use accounts::http::{ApiError, FactorField, SetCookie, check_origin, client_info};
use accounts::{
    Caller, CompleteSignIn, IssuedTokens, RefreshToken, SecondFactor, SignIn, SignInOutcome,
};
use api_types::{FieldCode, FieldError};
use axum::Router;
use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, RETRY_AFTER,
    SET_COOKIE,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};

use crate::form::{Form, next_in_query};
use crate::form_page::{FormKind, FormPage};
use crate::rejection::{Rejection, Target};
use crate::request::client_address;
use crate::shared::Shared;

/// The headers of a page with a form, unless the app sets them: no page can frame the form and lead
/// the user to click in it (OWASP ASVS 5.0, 3.4.6), and no other site sees the path to open after the
/// log-in (3.4.5). With `same-origin`, browsers send the `Origin` of the form.
const PAGE_HEADERS: [(HeaderName, HeaderValue); 2] = [
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("frame-ancestors 'none'")),
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
];

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
    let forms = Arc::new(Forms { shared, render });
    let mut router = Router::new();
    for kind in [FormKind::LogIn, FormKind::SecondFactor, FormKind::SignUp] {
        let (shown, sent) = (Arc::clone(&forms), Arc::clone(&forms));
        let methods = get(async move |request: Request| shown.show(kind, &request));
        let methods = methods.post(async move |request: Request| sent.submit(kind, request).await);
        router = router.route(kind.path(), methods);
    }
    router.route("/logout", post(async move |request: Request| forms.log_out(request).await))
}

/// The successful outcome of a form.
struct Success {
    /// The path to open.
    location: String,
    cookies: Vec<SetCookie>,
}

impl<R: Fn(&FormPage) -> Response> Forms<R> {
    fn show(&self, kind: FormKind, request: &Request) -> Response {
        let next = next_in_query(request.uri().query().unwrap_or_default());
        self.page(kind, Form { next, ..Form::default() }, None)
    }

    async fn submit(&self, kind: FormKind, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        if let Err(error) = check_origin(&parts.headers, self.shared.accounts.origin()) {
            return self.page(kind, Form::default(), Some(error.into()));
        }
        let form = match Form::read(&parts.headers, body).await {
            Ok(form) => form,
            Err(error) => return self.page(kind, Form::default(), Some(error)),
        };
        let outcome = match kind {
            FormKind::LogIn => self.log_in(&form, &parts).await,
            FormKind::SecondFactor => self.complete_log_in(&form, &parts).await,
            FormKind::SignUp => self.sign_up(&form, &parts).await,
        };
        match outcome {
            Ok(Success { location, cookies }) => {
                let mut response = Redirect::to(&location).into_response();
                finish(response.headers_mut(), cookies);
                response
            }
            // Without a valid ticket, the user starts again.
            Err(error @ ApiError::InvalidTicket) => {
                let mut response = self.page(FormKind::LogIn, form, Some(error));
                finish(response.headers_mut(), vec![self.shared.cookies.clear_ticket()]);
                response
            }
            Err(error) => self.page(kind, form, Some(error)),
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
            SignInOutcome::SecondFactorRequired(required) => {
                let next = form.next.as_deref().unwrap_or_default();
                let path = FormKind::SecondFactor.path();
                Ok(Success {
                    location: accounts::http::log_in_location(path, next),
                    cookies: vec![self.shared.cookies.set_ticket(&required)],
                })
            }
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
                let next = form.next.as_deref().unwrap_or_default();
                let location = accounts::http::log_in_location(FormKind::LogIn.path(), next);
                Ok(Success { location, cookies: Vec::new() })
            }
        }
    }

    async fn log_out(&self, request: Request) -> Response {
        let (parts, _) = request.into_parts();
        let Shared { accounts, cookies, after_log_out, .. } = &*self.shared;
        let rejected = |error| Rejection::new(error, Target::Other).into_response();
        if let Err(error) = check_origin(&parts.headers, accounts.origin()) {
            return rejected(error.into());
        }
        // If there are two session cookies, the user expects to be logged out from both.
        let client = client_info(&parts.headers, client_address(&parts, &self.shared));
        for token in cookies.refresh_tokens(&parts.headers) {
            if let Err(error) = accounts.sign_out_by_refresh_token(&token, &client).await {
                // The session may still be active, so the cookie is kept, and the user can try
                // again.
                return rejected(error.into());
            }
        }
        let mut response = Redirect::to(after_log_out).into_response();
        finish(response.headers_mut(), vec![cookies.clear_refresh(), cookies.clear_ticket()]);
        response
    }

    fn signed_in(&self, tokens: &IssuedTokens, form: &Form) -> Success {
        let Shared { cookies, after_log_in, .. } = &*self.shared;
        let mut set = vec![cookies.set_refresh(&tokens.refresh), cookies.clear_ticket()];
        set.extend(tokens.device.as_ref().map(|device| cookies.set_device(device)));
        let location = form.next.clone().unwrap_or_else(|| after_log_in.clone().into_owned());
        Success { location, cookies: set }
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

    /// Returns a page with the form. What was typed is kept, except for secrets.
    fn page(&self, kind: FormKind, form: Form, error: Option<ApiError>) -> Response {
        let mut page = FormPage {
            kind,
            email: form.email,
            remember: form.remember,
            next: form.next,
            error: None,
            field_errors: Vec::new(),
            sign_up: self.shared.accounts.config().sign_up,
        };
        let mut status = StatusCode::OK;
        let mut retry_after = None;
        if let Some(error) = error {
            error.log();
            status = error.status();
            retry_after = error.header().filter(|(name, _)| *name == RETRY_AFTER);
            let detail = error.detail();
            match error {
                ApiError::InvalidFields(errors) => page.field_errors = form_errors(kind, errors),
                ApiError::EmailTaken => page.field_errors = vec![email_taken(detail)],
                _ => page.error = Some(detail),
            }
        }
        let mut response = (self.render)(&page);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        finish(headers, Vec::new());
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
fn form_errors(kind: FormKind, mut errors: Vec<FieldError>) -> Vec<FieldError> {
    if kind == FormKind::SecondFactor {
        for error in &mut errors {
            error.field = "code".to_owned();
        }
    }
    errors
}

fn email_taken(message: String) -> FieldError {
    FieldError { field: "email".to_owned(), code: FieldCode::EmailInvalid, message }
}

/// Adds cookies. No cache may store the response.
fn finish(headers: &mut HeaderMap, cookies: Vec<SetCookie>) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for cookie in cookies {
        headers.append(SET_COOKIE, cookie.into_value());
    }
}
